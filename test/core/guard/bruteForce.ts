import type { GuardInput } from '../../../src/core/guard/guard.ts';
import type { Packet } from '../../../src/core/guard/packet.ts';
import type { Change } from '../../../src/core/guard/difference.ts';
import type { Json, JsonObject } from '../../../src/core/network.ts';
import { span, textOf } from '../../support/packetOracle.ts';

/**
 * The guard's promises put to every packet of a small world, one by one, with every combination of memberships in
 * opaque sets. Shares no code with the guard.
 */
export interface Probe {
  direction: string;
  protocol: string;
  source: bigint;
  destination: bigint;
  family: 4 | 6;
  /** Undefined where the protocol has none. */
  sourcePort: number | undefined;
  destinationPort: number | undefined;
  members: ReadonlySet<string>;
}

interface Judged {
  name: string;
  owner: 'ours' | 'foreign' | 'azure';
  allows: boolean;
  priority: number;
  matches: (probe: Probe) => boolean;
}

export const portless = 'packets without ports that rules with ports match';
const withPorts = ['Tcp', 'Udp'];

/** What of the guard's promises a packet breaks; and whether it is newly admitted or refused. */
export interface Finding {
  kinds: string[];
  admitted: boolean;
  refused: boolean;
}

export function judgeWrite(input: GuardInput): (probe: Probe) => Finding {
  const [before, after] = [input.before, input.after].map((body) => rulesOf(body, input.installation));
  const baselines = (input.baselines ?? []).map(boxTest);
  const grants = input.grants.map((grant) => ({ ...grant, has: anyOf(grant.boxes.map(boxTest)) }));
  return (probe) => {
    const was = before?.find((rule) => rule.matches(probe));
    const is = after?.find((rule) => rule.matches(probe));
    const admitted = was?.allows !== true && is?.allows === true;
    const refused = was?.allows === true && is?.allows !== true;
    const ours = after?.filter((rule) => rule.owner === 'ours' && rule.allows && rule.matches(probe)) ?? [];
    const overridden = after?.some(
      (rule) =>
        rule.owner === 'foreign' &&
        !rule.allows &&
        rule.priority <= input.lastAllowPriority &&
        // Not a rule that names ports, if the packet has none: it is not written against that.
        rule.matches({ ...probe, members: withoutPortless(probe.members) }),
    );
    const kept = grants.some((grant) => grant.declined !== true && grant.has(probe));
    const shut = baselines.some((has) => has(probe));
    // An allow of somebody else where no baseline may come before it, and the baseline has its rule.
    const isTheirs =
      is?.owner === 'foreign' &&
      is.priority <= input.lastAllowPriority &&
      after?.some((rule) => rule.owner === 'ours' && !rule.allows && rule.matches(probe)) === true;
    const broken: Record<string, boolean | undefined> = {
      'owned-rule-too-wide': ours.length > 0 && !grants.some((grant) => grant.has(probe)),
      'foreign-deny-overridden': admitted && is.owner === 'ours' && overridden,
      'baseline-opened': admitted && is.owner !== 'ours' && shut && !isTheirs,
      'live-grant-lost': refused && kept && (is?.owner === 'ours' || ours.length === 0),
      'refused-beside-baselines': refused && was.owner !== 'ours' && !shut,
    };
    return {
      kinds: Object.keys(broken).filter((kind) => broken[kind] === true),
      admitted,
      refused,
    };
  };
}

function withoutPortless(members: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...members].filter((name) => name !== portless));
}

/** Whether a body admits a packet. */
export function admits(body: JsonObject): (probe: Probe) => boolean {
  const rules = rulesOf(body, 'contoso');
  return (probe) => rules.find((rule) => rule.matches(probe))?.allows === true;
}

export function isOfGrant(grant: GuardInput['grants'][number]): (probe: Probe) => boolean {
  return anyOf(grant.boxes.map(boxTest));
}

/** A sample of the guard's as a probe: in the sets that it names and in no others. */
export function probeOf(packet: Packet): Probe {
  return {
    direction: packet.direction,
    protocol: packet.protocol,
    source: span(packet.source).first,
    destination: span(packet.destination).first,
    family: packet.family === 'IPv4' ? 4 : 6,
    sourcePort: packet.sourcePort,
    destinationPort: packet.destinationPort,
    members: new Set(packet.inside.map((name) => name.toLowerCase())),
  };
}

/** Whether a change of a difference holds a packet. */
export function changeTest(change: Change): (probe: Probe) => boolean {
  const addresses = (texts: string[]) => {
    const ranges = texts.map((text) => {
      const [first = '', last = first] = text.split('-');
      return { family: span(first).family, first: span(first).first, last: span(last).last };
    });
    return (family: 4 | 6, value: bigint) =>
      ranges.some((range) => range.family === family && range.first <= value && value <= range.last);
  };
  const ports = (texts: string[]) => {
    const tests = texts.map(portTest);
    return (port: number | undefined) => port === undefined || tests.some((test) => test(port));
  };
  const [source, destination] = [addresses(change.sources), addresses(change.destinations)];
  const [sourcePort, destinationPort] = [ports(change.sourcePorts), ports(change.destinationPorts)];
  return (probe) =>
    probe.direction === change.direction &&
    change.protocols.includes(probe.protocol) &&
    source(probe.family, probe.source) &&
    destination(probe.family, probe.destination) &&
    sourcePort(probe.sourcePort) &&
    destinationPort(probe.destinationPort) &&
    change.inside.every((name) => probe.members.has(name.toLowerCase())) &&
    !change.outside.some((name) => probe.members.has(name.toLowerCase()));
}

function rulesOf(body: JsonObject, installation: string): Judged[] {
  const properties = body['properties'] as JsonObject;
  const read = (list: Json | undefined, owner: (name: string) => Judged['owner']) =>
    ((list ?? []) as { name: string; properties: JsonObject }[]).map((rule) => ({
      name: rule.name,
      owner: owner(rule.name),
      allows: rule.properties['access'] === 'Allow',
      priority: Number(rule.properties['priority']),
      matches: ruleTest(rule.properties),
    }));
  return [
    ...read(properties['securityRules'], (name) =>
      name.startsWith(`sallyport-${installation}-`) ? 'ours' : 'foreign',
    ),
    ...read(properties['defaultSecurityRules'], () => 'azure'),
  ].sort((a, b) => a.priority - b.priority);
}

function ruleTest(rule: JsonObject): (probe: Probe) => boolean {
  const texts = (one: string, many: string) =>
    [rule[one], ...((rule[many] ?? []) as Json[])].filter(
      (text): text is string => typeof text === 'string' && text !== '',
    );
  const address = (side: 'source' | 'destination') => {
    const tests = texts(`${side}AddressPrefix`, `${side}AddressPrefixes`).map((text) => {
      if (text === '*') return () => true;
      if (!/^[0-9a-f.:/]+$/.test(text)) {
        const name = `${side} in ${text.toLowerCase()}`;
        return (probe: Probe) => probe.members.has(name);
      }
      const range = span(text);
      return (probe: Probe) =>
        range.family === probe.family && range.first <= probe[side] && probe[side] <= range.last;
    });
    return anyOf(tests);
  };
  const port = (side: 'source' | 'destination') => {
    const all = texts(`${side}PortRange`, `${side}PortRanges`);
    const tests = all.map((text) => portTest(text));
    return (probe: Probe) => {
      const value = probe[`${side}Port`];
      return value === undefined
        ? all.includes('*') || probe.members.has(portless)
        : tests.some((test) => test(value));
    };
  };
  const protocol = textOf(rule['protocol']).toLowerCase();
  const known = ['*', 'tcp', 'udp', 'icmp', 'esp', 'ah'].includes(protocol);
  const [source, destination] = [address('source'), address('destination')];
  const [sourcePort, destinationPort] = [port('source'), port('destination')];
  return (probe) =>
    probe.direction === rule['direction'] &&
    (known
      ? protocol === '*' || protocol === probe.protocol.toLowerCase()
      : probe.members.has(`protocol ${protocol}`)) &&
    source(probe) &&
    destination(probe) &&
    sourcePort(probe) &&
    destinationPort(probe);
}

function boxTest(box: GuardInput['grants'][number]['boxes'][number]): (probe: Probe) => boolean {
  return ruleTest({
    direction: 'Inbound',
    protocol: box.protocol,
    sourcePortRange: '*',
    sourceAddressPrefixes: box.sourceAddressPrefixes,
    destinationAddressPrefixes: box.destinationAddressPrefixes,
    destinationPortRanges: box.destinationPorts.map(String),
  });
}

function portTest(text: string): (port: number) => boolean {
  if (text === '*') return () => true;
  const [first = '', last = first] = text.split('-');
  return (port) => Number(first) <= port && port <= Number(last);
}

function anyOf(tests: ((probe: Probe) => boolean)[]): (probe: Probe) => boolean {
  return (probe) => tests.some((test) => test(probe));
}

/** Every packet over these corners, in every combination of these memberships. */
export function everyProbe(corners: {
  directions: string[];
  sources: string[];
  destinations: string[];
  sourcePorts: number[];
  destinationPorts: number[];
  protocols: string[];
  sets: string[];
}): Probe[] {
  const memberships = Array.from(
    { length: 2 ** corners.sets.length },
    (_, bits) => new Set(corners.sets.filter((_name, index) => ((bits >> index) & 1) === 1)),
  );
  const probes: Probe[] = [];
  for (const direction of corners.directions)
    for (const source of corners.sources.map(span))
      for (const destination of corners.destinations.map(span))
        for (const protocol of corners.protocols)
          for (const [sourcePort, destinationPort] of portsOf(protocol, corners))
            for (const members of memberships) {
              if (source.family !== destination.family) continue;
              const ends = { source: source.first, destination: destination.first, family: source.family };
              probes.push({ direction, protocol, ...ends, sourcePort, destinationPort, members });
            }
  return probes;
}

function portsOf(
  protocol: string,
  { sourcePorts, destinationPorts }: { sourcePorts: number[]; destinationPorts: number[] },
): [number | undefined, number | undefined][] {
  if (!withPorts.includes(protocol)) return [[undefined, undefined]];
  return sourcePorts.flatMap((from) => destinationPorts.map((to): [number, number] => [from, to]));
}
