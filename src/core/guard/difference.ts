import { writeAddresses } from './addressText.ts';
import type { Family } from './addressText.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import { protocolNames } from './packet.ts';
import type { Spans } from './spans.ts';
import type { Region } from './region.ts';
import type { Direction, Space } from './traffic.ts';
import type { Decided } from './verdicts.ts';

/** Packets as texts: every combination of the values of its lists. Plain JSON. */
export interface Packets {
  direction: Direction;
  family: Family;
  protocols: string[];
  /** Addresses, prefixes, or ranges `10.0.0.4-10.0.0.6`. */
  sources: string[];
  destinations: string[];
  /** `22` or `1024-65535`; empty where the protocols have no ports. */
  sourcePorts: string[];
  destinationPorts: string[];
  /** Only packets that are in all of these opaque sets and in none of those. */
  inside: string[];
  outside: string[];
}

/** Packets that a write newly admits or newly refuses. */
export interface Change extends Packets {
  /** The rule that decided before and the one that decides after; absent where none does, which refuses. */
  before?: string;
  after?: string;
}

/** Exactly what a write changes. A rule whose access cannot be read may do either: it stands in both lists. */
export interface Difference {
  admitted: Change[];
  refused: Change[];
}

/** Packets that were perhaps refused and are perhaps admitted; exact where every access can be read. */
export function isAdmittedNewly({ before, after }: Decided): boolean {
  return before?.access !== 'allow' && after !== undefined && after.access !== 'deny';
}

/** Packets that were perhaps admitted and are perhaps refused. */
export function isRefusedNewly({ before, after }: Decided): boolean {
  return before !== undefined && before.access !== 'deny' && after?.access !== 'allow';
}

/** The pieces that change sides, by how they change; one with an unknown access may be on both lists. */
export function differenceOf(decided: Decided[], sets: OpaqueSets): Difference {
  const changes = (list: Decided[]) => list.map((one) => changeOf(one, sets));
  return {
    admitted: changes(decided.filter(isAdmittedNewly)),
    refused: changes(decided.filter(isRefusedNewly)),
  };
}

function changeOf({ space, region, before, after }: Decided, sets: OpaqueSets): Change {
  return {
    ...packetsOf(space, region, sets),
    ...(before === undefined ? {} : { before: before.name }),
    ...(after === undefined ? {} : { after: after.name }),
  };
}

/** The packets of a region, as texts. */
export function packetsOf({ direction, family, ported }: Space, region: Region, sets: OpaqueSets): Packets {
  return {
    direction,
    family,
    protocols: protocolNames(region.protocols),
    sources: writeAddresses(region.source, family),
    destinations: writeAddresses(region.destination, family),
    sourcePorts: ported ? writePorts(region.sourcePort) : [],
    destinationPorts: ported ? writePorts(region.destinationPort) : [],
    inside: sets.namesOf(region.inside),
    outside: sets.namesOf(region.outside),
  };
}

function writePorts(spans: Spans): string[] {
  return Array.from({ length: spans.length / 2 }, (_, index) => {
    const [first, last] = [Number(spans[2 * index]), Number(spans[2 * index + 1]) - 1];
    return first === last ? String(first) : `${first}-${last}`;
  });
}
