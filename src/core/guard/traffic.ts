import { everyAddress, families, readPrefix } from './addressText.ts';
import type { Family } from './addressText.ts';
import { asObject, asText } from './json.ts';
import type { Json, JsonObject } from './json.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import type { Cell } from './region.ts';
import { spansOf } from './spans.ts';
import type { Spans } from './spans.ts';

export const directions = ['Inbound', 'Outbound'] as const;
export type Direction = (typeof directions)[number];

/** Packets that can be compared: an address family never meets the other, nor a port a protocol without ports. */
export interface Space {
  direction: Direction;
  family: Family;
  ported: boolean;
}

export const spaces: readonly Space[] = directions.flatMap((direction) =>
  families.flatMap((family) => [true, false].map((ported) => ({ direction, family, ported }))),
);

/** `other` is every protocol that a rule can only mean by `*`. */
export const protocolBits = { Tcp: 1, Udp: 2, Icmp: 4, Esp: 8, Ah: 16, other: 32 } as const;
const portedBits = protocolBits.Tcp | protocolBits.Udp;
const everyProtocol = 63;
const protocolOfText = new Map<string, number>(
  Object.entries(protocolBits).flatMap(([name, bit]) =>
    name === 'other' ? [] : [[name.toLowerCase(), bit]],
  ),
);

const everyPort: Spans = [0, 65536];
/** The one place on the line of ports where packets without ports stand. */
const noPort: Spans = [0, 1];
/** Azure does not say whether a rule that names ports matches packets that have none: either may be so. */
export const portlessInPorts = 'packets without ports that rules with ports match';

/** What a rule or a grant is about, as sets. */
export interface Traffic {
  directions: readonly Direction[];
  protocols: number;
  /** Opaque sets that every packet of it must be in. */
  inside: bigint;
  sources: Side;
  destinations: Side;
  sourcePorts: Ports;
  destinationPorts: Ports;
}

interface Side extends Record<Family, Spans> {
  /** One bit per opaque set that belongs to it as well. */
  opaque: bigint[];
}

interface Ports {
  spans: Spans;
  opaque: bigint[];
}

/** Reads the properties of a raw rule. Never throws: what is not understood is an opaque set of its own. */
export function trafficOfRule(name: string, properties: JsonObject, sets: OpaqueSets): Traffic {
  const side = (label: string, one: string, groups: string) =>
    readSide(
      [
        ...textsOf(properties, one, `${one}es`),
        ...listOf(properties[groups]).map(
          (group) => `group ${asText(asObject(group)['id']) || JSON.stringify(group)}`,
        ),
      ],
      label,
      name,
      sets,
    );
  const ports = (label: string, one: string) =>
    readPorts(textsOf(properties, one, `${one}s`), label, name, sets);
  const protocol = asText(properties['protocol']).toLowerCase();
  const known = protocol === '*' ? everyProtocol : protocolOfText.get(protocol);
  const direction = directions.find(
    (one) => one.toLowerCase() === asText(properties['direction']).toLowerCase(),
  );
  return {
    directions: direction === undefined ? directions : [direction],
    protocols: known ?? everyProtocol,
    inside:
      (known === undefined ? sets.bitOf(`protocol ${protocol || `of rule ${name}`}`) : 0n) |
      (direction === undefined ? sets.bitOf(`direction of rule ${name}`) : 0n),
    sources: side('source', 'sourceAddressPrefix', 'sourceApplicationSecurityGroups'),
    destinations: side('destination', 'destinationAddressPrefix', 'destinationApplicationSecurityGroups'),
    sourcePorts: ports('source port', 'sourcePortRange'),
    destinationPorts: ports('destination port', 'destinationPortRange'),
  };
}

/** Whether some of this traffic is in a space. */
export function isIn({ direction, family, ported }: Space, traffic: Traffic): boolean {
  return (
    (traffic.protocols & (ported ? portedBits : ~portedBits)) !== 0 &&
    traffic.directions.includes(direction) &&
    [traffic.sources, traffic.destinations].every((side) => side[family].length > 0 || side.opaque.length > 0)
  );
}

/** The cells of this traffic in one space. */
export function cellsIn(space: Space, traffic: Traffic, sets: OpaqueSets): Cell[] {
  if (!isIn(space, traffic)) return [];
  const protocols = traffic.protocols & (space.ported ? portedBits : ~portedBits);
  const addresses = (side: Side) => choices(side[space.family], side.opaque, everyAddress[space.family]);
  const destinations = addresses(traffic.destinations);
  const sourcePorts = portChoices(space, traffic.sourcePorts, sets);
  const destinationPorts = portChoices(space, traffic.destinationPorts, sets);
  const cells: Cell[] = [];
  for (const source of addresses(traffic.sources)) {
    for (const destination of destinations) {
      for (const sourcePort of sourcePorts) {
        for (const destinationPort of destinationPorts) {
          cells.push({
            protocols,
            source: source.spans,
            destination: destination.spans,
            sourcePort: sourcePort.spans,
            destinationPort: destinationPort.spans,
            inside: traffic.inside | source.bit | destination.bit | sourcePort.bit | destinationPort.bit,
          });
        }
      }
    }
  }
  return cells;
}

interface Choice {
  spans: Spans;
  bit: bigint;
}

function choices(spans: Spans, opaque: bigint[], every: Spans): Choice[] {
  const known = spans.length > 0 ? [{ spans, bit: 0n }] : [];
  return opaque.length === 0 ? known : [...known, ...opaque.map((bit) => ({ spans: every, bit }))];
}

function portChoices({ ported }: Space, { spans, opaque }: Ports, sets: OpaqueSets): Choice[] {
  if (ported) return choices(spans, opaque, everyPort);
  const isEvery = spans[0] === everyPort[0] && spans[1] === everyPort[1];
  const bits = isEvery ? [0n] : spans.length > 0 ? [sets.bitOf(portlessInPorts), ...opaque] : opaque;
  return bits.map((bit) => ({ spans: noPort, bit }));
}

function readSide(texts: string[], label: string, rule: string, sets: OpaqueSets): Side {
  if (texts.includes('*')) return { ...everyAddress, opaque: [] };
  const read = texts.map((text) => ({ text, prefix: readPrefix(text) }));
  const spans = (family: Family) =>
    spansOf(
      read.flatMap(({ prefix }) => (prefix?.family === family ? [[prefix.from, prefix.to] as const] : [])),
    );
  const unknown = read.filter(({ prefix }) => prefix === undefined).map(({ text }) => `${label} in ${text}`);
  const names = texts.length === 0 ? [`${label} of rule ${rule}`] : unknown;
  return { IPv4: spans('IPv4'), IPv6: spans('IPv6'), opaque: names.map(sets.bitOf) };
}

function readPorts(texts: string[], label: string, rule: string, sets: OpaqueSets): Ports {
  const read = texts.map((text) => ({ text, pair: readPortRange(text) }));
  const unknown = read.filter(({ pair }) => pair === undefined).map(({ text }) => `${label} in ${text}`);
  const names = texts.length === 0 ? [`${label} of rule ${rule}`] : unknown;
  return {
    spans: spansOf(read.flatMap(({ pair }) => (pair === undefined ? [] : [pair]))),
    opaque: names.map(sets.bitOf),
  };
}

function readPortRange(text: string): [from: number, to: number] | undefined {
  if (text === '*') return [0, 65536];
  const dash = text.indexOf('-');
  const first = readPort(dash === -1 ? text : text.slice(0, dash));
  const last = dash === -1 ? first : readPort(text.slice(dash + 1));
  return first === undefined || last === undefined || first > last ? undefined : [first, last + 1];
}

/** Decimal digits without a leading zero, by hand: an expression takes much of the time of a first proof. */
function readPort(text: string): number | undefined {
  if (text.length === 0 || text.length > 5 || (text.length > 1 && text.startsWith('0'))) return undefined;
  let port = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return undefined;
    port = port * 10 + digit;
  }
  return port <= 65535 ? port : undefined;
}

/** The values of a singular and a plural field; Azure answers unused ones as empty text or list. */
function textsOf(properties: JsonObject, one: string, many: string): string[] {
  const texts: string[] = [];
  const add = (value: Json | undefined) => {
    if (value === undefined || value === null || value === '') return;
    texts.push(typeof value === 'string' ? value.trim() : JSON.stringify(value));
  };
  add(properties[one]);
  listOf(properties[many]).forEach(add);
  return texts;
}

function listOf(value: Json | undefined): Json[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}
