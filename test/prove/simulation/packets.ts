import type { JsonObject } from '../../../src/core/network.ts';
import { matcherOf, span, type Packet } from '../../support/packetOracle.ts';

/**
 * Every packet of a small world: each source to each destination and port. Small enough that what an NSG admits is
 * computed for all of them at each change, by an oracle that shares no code with planner and guard.
 */
export const sources = [
  '203.0.113.7',
  '203.0.113.8',
  '203.0.113.9',
  '203.0.113.77',
  '198.51.100.1',
  '10.9.9.9',
];
export const destinations = ['10.1.0.4', '10.1.0.5', '10.1.0.6', '10.1.0.7', '10.1.0.99'];
export const ports = [22, 443, 3389, 8080];
const protocols = ['Tcp', 'Udp'] as const;

const universe: Packet[] = protocols.flatMap((protocol) =>
  sources.flatMap((source) =>
    destinations.flatMap((destination) =>
      ports.map((destinationPort) => ({
        protocol,
        family: 4 as const,
        source: span(source).first,
        destination: span(destination).first,
        destinationPort,
      })),
    ),
  ),
);
const words = Math.ceil(universe.length / 32);

/** A set of packets of this world, one bit each. */
export type PacketSet = Int32Array;

export function union(a: PacketSet, b: PacketSet): PacketSet {
  return a.map((word, index) => word | (b[index] ?? 0));
}

export function intersection(a: PacketSet, b: PacketSet): PacketSet {
  return a.map((word, index) => word & (b[index] ?? 0));
}

export function difference(a: PacketSet, b: PacketSet): PacketSet {
  return a.map((word, index) => word & ~(b[index] ?? 0));
}

export function isEmpty(set: PacketSet): boolean {
  return set.every((word) => word === 0);
}

/** The first packet of a set, for people. */
export function sample(set: PacketSet): string {
  const index = universe.findIndex((_, bit) => has(set, bit));
  const perSource = destinations.length * ports.length;
  const source = sources[Math.floor(index / perSource) % sources.length] ?? '';
  const destination = destinations[Math.floor(index / ports.length) % destinations.length] ?? '';
  const packet = universe[index];
  return packet === undefined
    ? 'none'
    : `${packet.protocol} ${source} to ${destination}:${packet.destinationPort}`;
}

/** Rules by their text: the same few come again in every history. */
const known = new Map<string, PacketSet>();

/** What says nothing about which packets match. */
const idle = new Set(['provisioningState', 'description', 'priority', 'access']);

/** Which packets match a raw rule, whatever it then does with them. */
export function matchedBy(rule: JsonObject): PacketSet {
  const meaning = rule['properties'] as JsonObject;
  const text = JSON.stringify(meaning, (name, value: unknown) => (idle.has(name) ? undefined : value));
  let set = known.get(text);
  if (set === undefined) {
    if (known.size > 20_000) known.clear();
    const matches = matcherOf(meaning);
    const made = new Int32Array(words);
    universe.forEach((packet, bit) => {
      if (matches(packet)) made[bit >> 5] = (made[bit >> 5] ?? 0) | (1 << (bit & 31));
    });
    set = made;
    known.set(text, set);
  }
  return set;
}

/** What these rules let in: the first match in the order of priority decides, and nothing gets in that no rule allows. */
export function admittedBy(rules: readonly JsonObject[]): PacketSet {
  const inbound = rules
    .map((rule) => ({ rule, properties: rule['properties'] as JsonObject }))
    .filter(({ properties }) => properties['direction'] === 'Inbound')
    .sort((a, b) => Number(a.properties['priority']) - Number(b.properties['priority']));
  const admitted = new Int32Array(words);
  const open = new Int32Array(words).fill(-1);
  for (const { rule, properties } of inbound) {
    const matched = matchedBy(rule);
    const allows = properties['access'] === 'Allow';
    for (let word = 0; word < words; word += 1) {
      const decided = (matched[word] ?? 0) & (open[word] ?? 0);
      if (allows) admitted[word] = (admitted[word] ?? 0) | decided;
      open[word] = (open[word] ?? 0) & ~decided;
    }
  }
  return admitted;
}

/** The packets that one access means: these sources and destinations, one protocol, one port. */
export function packetsOf(access: {
  source: string;
  destination: string;
  port: number;
  protocol: string;
}): PacketSet {
  return matchedBy({
    properties: {
      protocol: access.protocol,
      sourceAddressPrefix: access.source,
      destinationAddressPrefix: access.destination,
      destinationPortRange: String(access.port),
    },
  });
}

function has(set: PacketSet, bit: number): boolean {
  return ((set[bit >> 5] ?? 0) & (1 << (bit & 31))) !== 0;
}
