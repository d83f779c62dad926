import { writeAddress } from './addressText.ts';
import type { Family } from './addressText.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import type { Region } from './region.ts';
import { protocolBits } from './traffic.ts';
import type { Direction, Space } from './traffic.ts';

/** One packet, as a proof for people. */
export interface Packet {
  direction: Direction;
  family: Family;
  /** A name of Azure's, or `other`. */
  protocol: string;
  source: string;
  destination: string;
  /** Absent where the protocol has no ports. */
  sourcePort?: number;
  destinationPort?: number;
  /** The opaque sets that it must be in for this, `source in VirtualNetwork`; none if it is so for every membership. */
  inside: string[];
  outside: string[];
}

/** A packet of a region: the first of each line. */
export function sampleOf({ direction, family, ported }: Space, region: Region, sets: OpaqueSets): Packet {
  return {
    direction,
    family,
    protocol: protocolNames(region.protocols)[0] ?? '',
    source: writeAddress(region.source[0] ?? 0),
    destination: writeAddress(region.destination[0] ?? 0),
    ...(ported
      ? { sourcePort: Number(region.sourcePort[0]), destinationPort: Number(region.destinationPort[0]) }
      : {}),
    inside: sets.namesOf(region.inside),
    outside: sets.namesOf(region.outside),
  };
}

/** `203.0.113.7 to 10.1.0.4 on Tcp 22`. */
export function describePacket(packet: Packet): string {
  const port = packet.destinationPort === undefined ? '' : ` ${packet.destinationPort}`;
  const way = packet.direction === 'Outbound' ? ', outbound' : '';
  const sets = packet.inside.length === 0 ? '' : ` (if ${packet.inside.join(' and ')})`;
  return `${packet.source} to ${packet.destination} on ${packet.protocol}${port}${way}${sets}`;
}

/** The names of protocol bits. */
export function protocolNames(bits: number): string[] {
  return Object.entries(protocolBits)
    .filter(([, bit]) => (bits & bit) !== 0)
    .map(([name]) => name);
}
