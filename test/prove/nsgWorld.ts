import { boxesOf } from '../../src/core/box.ts';
import type { LiveRow, RequestedPort } from '../../src/core/accessRequest.ts';
import type { Installation } from '../../src/core/installation.ts';
import type { JsonObject, VirtualMachineAddress } from '../../src/core/network.ts';
import { span } from '../support/packetOracle.ts';
import type { Packet } from '../support/packetOracle.ts';
import type { Random } from './random.ts';

/** A grant as it was asked for, its row, and whether it is live at noon: told when it was made, not judged. */
export interface KnownGrant {
  row: LiveRow;
  live: boolean;
  isGranted: (packet: Packet) => boolean;
  /** Address ranges of its sources, and single addresses of its destinations. */
  sources: string[];
  destinations: string[];
  ports: number[];
}

export const noon = new Date('2026-03-04T12:00:00Z');
const installationId = 'contoso';

const ports = [22, 22, 22, 23, 24, 80, 443, 3389, 5985, 65_535, 1];

/** Bands from a handful of places to hundreds, so that they are often full. */
export function anInstallation(random: Random): Installation {
  const first = 100 + random.below(60);
  const size = random.oneIn(3) ? 1 + random.below(12) : 8 + random.below(random.oneIn(4) ? 800 : 150);
  const last = first + size - 1;
  return {
    id: installationId,
    allowBand: { first, last },
    baselineBand: { first: last + 1, last: last + 1 + random.below(50) },
  };
}

/** How many rules somebody else has: mostly few, sometimes as many as Azure allows. */
export function aRuleCount(random: Random): number {
  const kind = random.below(1_000);
  if (kind < 800) return random.below(20);
  if (kind < 960) return 20 + random.below(80);
  if (kind < 995) return 100 + random.below(300);
  return 400 + random.below(601);
}

/** Foreign rules at places that are free, in no order; `taken` are inbound priorities that are not. */
export function foreignRules(
  random: Random,
  count: number,
  { allowBand }: Installation,
  taken: Iterable<number> = [],
): JsonObject[] {
  const used = { Inbound: new Set(taken), Outbound: new Set<number>() };
  const rules: JsonObject[] = [];
  // A world in which nothing denies early opens grants; one in which anything does refuses most of them.
  const deniesEarly = random.oneIn(3);
  for (let index = 0; index < count; index += 1) {
    const direction = random.oneIn(4) ? 'Outbound' : 'Inbound';
    const near = random.oneIn(2) ? allowBand.last + 40 : 4096;
    const priority = 100 + random.below(near - 99);
    if (used[direction].has(priority)) continue;
    used[direction].add(priority);
    const early = direction === 'Inbound' && priority <= allowBand.last;
    const access = random.oneIn(2) || (early && !(deniesEarly && random.oneIn(4))) ? 'Allow' : 'Deny';
    rules.push(aForeignRule(random, `${random.next()}-${index}`, { direction, priority, access }));
  }
  return rules;
}

function aForeignRule(random: Random, name: string, place: JsonObject): JsonObject {
  const others = ['rule-', 'Sallyport-Fabrikam-', 'sallyport-contoso2-', 'sallyport-', 'contoso-'];
  return {
    name: `${random.pick(others)}${name}`,
    id: `/subscriptions/s/rule-${name}`,
    etag: 'W/"1"',
    properties: {
      ...field(random, 'sourceAddressPrefix', () => spelled(random, aSource(random))),
      ...field(random, 'destinationAddressPrefix', () => spelled(random, aDestination(random))),
      ...field(random, 'destinationPortRange', () => aPortText(random)),
      protocol: random.pick(['Tcp', 'TCP', 'udp', 'Udp', 'Icmp', '*']),
      sourcePortRange: '*',
      provisioningState: 'Succeeded',
      ...(random.oneIn(5) ? { futureProperty: { kept: [random.below(9), null, 'as it is'] } } : {}),
      ...(random.oneIn(5) ? { description: '' } : {}),
      ...place,
    },
  };
}

const tags = ['*', '*', 'VirtualNetwork', 'Internet', 'AzureLoadBalancer', 'virtualnetwork', 'INTERNET'];

function field(random: Random, one: string, value: () => string): JsonObject {
  const many = one.endsWith('x') ? `${one}es` : `${one}s`;
  const isAddress = many.endsWith('es');
  if (random.oneIn(4)) return isAddress ? { [one]: random.pick(tags), [many]: [] } : { [one]: '*' };
  if (random.oneIn(2)) return { [one]: value(), ...(random.oneIn(2) ? { [many]: [] } : {}) };
  return { [many]: Array.from({ length: 1 + random.below(4) }, value) };
}

function aSource(random: Random): string {
  const kind = random.below(8);
  if (kind === 0) return random.pick(['0.0.0.0/0', '::/0', '203.0.113.0/24', '128.0.0.0/1']);
  return kind < 6 ? aPrefix4(random, '203.0.113') : aPrefix6(random);
}

function aDestination(random: Random): string {
  if (random.oneIn(10)) return random.pick(['10.0.0.0/8', '10.0.0.0/24', '0.0.0.0/0', '2001:db8::/112']);
  return random.oneIn(4) ? aPrefix6(random) : aPrefix4(random, '10.0.0');
}

function aPrefix4(random: Random, base: string): string {
  const length = 32 - random.below(6);
  const size = 2 ** (32 - length);
  const host = random.below(32);
  return `${base}.${host - (host % size)}/${length}`;
}

function aPrefix6(random: Random): string {
  const length = 128 - random.below(6);
  const size = 2 ** (128 - length);
  const host = random.below(32);
  return `${address6(host - (host % size))}/${length}`;
}

function address6(host: number): string {
  return host === 0 ? '2001:db8::' : `2001:db8::${host.toString(16)}`;
}

function spelled(random: Random, prefix: string): string {
  return random.oneIn(2) ? prefix.replace(/\/(32|128)$/, '') : prefix;
}

function aPortText(random: Random): string {
  const first = random.pick(ports);
  if (random.oneIn(3)) return `${first}-${Math.min(65_535, first + random.below(60))}`;
  return random.oneIn(20) ? '0-65535' : String(first);
}

/** Grants in every state that a row can be in, some at the very edges of their time; ids are unique. */
export function someGrants(random: Random, count: number, firstNumber: number): KnownGrant[] {
  return Array.from({ length: count }, (_, index) => aGrant(random, firstNumber + index));
}

function aGrant(random: Random, number: number): KnownGrant {
  const asked: RequestedPort[] = Array.from({ length: 1 + random.below(random.oneIn(5) ? 8 : 3) }, () => ({
    number: random.pick(ports),
    protocol: random.pick(['Tcp', 'Tcp', 'Udp', '*'] as const),
    allowedSourceAddressPrefixes: Array.from({ length: 1 + random.below(4) }, () => aSource(random)),
  }));
  const host = random.below(32);
  const addresses: VirtualMachineAddress[] = [
    { family: 'IPv4', address: `10.0.0.${host}` },
    { family: 'IPv6', address: address6(host) },
  ];
  const { state, start, end, live } = aLife(random);
  const row: LiveRow = {
    nsgId: '/subscriptions/s/nsg',
    // Not in the order in which they were made, so that order is seen to come from the ids.
    requestId: ((number * 7919 + 13) % 100_003).toString(16).padStart(32, '0'),
    version: 1,
    state,
    start: start.toISOString(),
    end: end.toISOString(),
    boxes: boxesOf(asked, addresses, 'virtualMachines[0]').boxes,
  };
  return {
    row,
    live,
    isGranted: grantedBy(asked, addresses),
    sources: asked.flatMap((port) => port.allowedSourceAddressPrefixes),
    destinations: addresses.map(({ address }) => address),
    ports: asked.map((port) => port.number),
  };
}

type Life = Pick<LiveRow, 'state'> & { start: Date; end: Date; live: boolean };

function aLife(random: Random): Life {
  const at = (milliseconds: number) => new Date(noon.getTime() + milliseconds);
  const hour = 3_600_000;
  const lives: Life[] = [
    { state: 'opening', start: at(-hour), end: at(hour), live: true },
    { state: 'active', start: at(-hour), end: at(hour), live: true },
    { state: 'opening', start: at(0), end: at(1), live: true },
    { state: 'active', start: at(hour), end: at(2 * hour), live: true },
    { state: 'opening', start: at(1), end: at(hour), live: false },
    { state: 'opening', start: at(hour), end: at(2 * hour), live: false },
    { state: 'active', start: at(-hour), end: at(0), live: false },
    { state: 'opening', start: at(-hour), end: at(-1), live: false },
    { state: 'closing', start: at(-hour), end: at(hour), live: false },
    {
      state: random.pick(['closed', 'failed', 'pending', 'scheduled']),
      start: at(-1),
      end: at(1),
      live: false,
    },
  ];
  return random.oneIn(3) ? random.pick(lives) : random.pick(lives.slice(0, 2));
}

/** Whether a packet is of what was asked for: judged by the request, not by the boxes made of it. */
function grantedBy(asked: RequestedPort[], addresses: VirtualMachineAddress[]): KnownGrant['isGranted'] {
  const destinations = addresses.map(({ address }) => span(address));
  const entries = asked.map((port) => ({ ...port, sources: port.allowedSourceAddressPrefixes.map(span) }));
  const isIn = (ranges: ReturnType<typeof span>[], family: 4 | 6, address: bigint) =>
    ranges.some((range) => range.family === family && range.first <= address && address <= range.last);
  return (packet) =>
    isIn(destinations, packet.family, packet.destination) &&
    entries.some(
      (entry) =>
        (entry.protocol === '*' || entry.protocol === packet.protocol) &&
        entry.number === packet.destinationPort &&
        isIn(entry.sources, packet.family, packet.source),
    );
}

/** Packets at the borders of rules and grants and one beside them, half of them nearly as some grant wants them. */
export function somePackets(
  random: Random,
  count: number,
  rules: readonly JsonObject[],
  grants: readonly KnownGrant[],
): Packet[] {
  return Array.from({ length: count }, (_, index) => {
    const grant = grants.length > 0 && index % 4 !== 0 ? random.pick(grants) : undefined;
    const rule = rules.length > 0 ? (random.pick(rules)['properties'] as JsonObject) : {};
    const source = aText(random, grant?.sources, rule, 'sourceAddressPrefix') ?? aSource(random);
    const { family } = span(source);
    const own = grant?.destinations.find((text) => span(text).family === family);
    const other = aText(random, undefined, rule, 'destinationAddressPrefix') ?? aDestination(random);
    const near = own !== undefined && !random.oneIn(8) ? own : other;
    const destination = span(near).family === family ? near : family === 4 ? '10.0.0.7' : '2001:db8::7';
    const port = grant === undefined || random.oneIn(6) ? random.pick(ports) : random.pick(grant.ports);
    return {
      family,
      protocol: random.pick(['Tcp', 'Tcp', 'Tcp', 'Udp', 'Icmp'] as const),
      source: atBorder(random, source),
      destination: own === destination ? span(own).first : atBorder(random, destination),
      destinationPort: random.oneIn(8) ? Math.max(0, Math.min(65_535, port + random.pick([-1, 1]))) : port,
    };
  });
}

/** One of the grant's texts, else one of the rule's that is an address. */
function aText(
  random: Random,
  texts: string[] | undefined,
  rule: JsonObject,
  one: string,
): string | undefined {
  if (texts !== undefined && !random.oneIn(8)) return random.pick(texts);
  const listed = [rule[one], ...((rule[`${one}es`] ?? []) as string[])];
  const addresses = listed.filter((text) => typeof text === 'string' && /[.:]/.test(text));
  return addresses.length === 0 || random.oneIn(8) ? undefined : (random.pick(addresses) as string);
}

function atBorder(random: Random, text: string): bigint {
  const { family, first, last } = span(text);
  const end = 2n ** (family === 4 ? 32n : 128n) - 1n;
  const beside = random.pick([first, last, first, last, first - 1n, last + 1n]);
  return beside < 0n ? 0n : beside > end ? end : beside;
}
