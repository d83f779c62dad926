import { common, difference, overlap } from './spans.ts';
import type { Spans } from './spans.ts';
import type { Steps } from './steps.ts';

/** A box of packets within one space, and the opaque sets that they must be in. */
export interface Cell {
  /** Bits of `protocolBits`. */
  protocols: number;
  source: Spans;
  sourcePort: Spans;
  destination: Spans;
  destinationPort: Spans;
  /** Bits of opaque sets: only packets that are in all of them. */
  inside: bigint;
}

/** What is left of a cell after others were cut out of it; never empty. */
export interface Region extends Cell {
  /** Bits of opaque sets: only packets that are in none of them. */
  outside: bigint;
}

/** The lines on which a region is a set of numbers, the most telling one first. */
export const lines = ['destination', 'destinationPort', 'source', 'sourcePort'] as const;

/** The whole cell, nothing cut out of it yet. */
export function regionOf(cell: Cell): Region {
  return { ...cell, outside: 0n };
}

/** Whether some packet, in some combination of opaque sets, is in both. */
export function touches(region: Region, cell: Cell, steps: Steps): boolean {
  steps.take(1);
  return (
    (region.protocols & cell.protocols) !== 0 &&
    (region.outside === 0n || (region.outside & cell.inside) === 0n) &&
    overlap(region.destination, cell.destination) &&
    overlap(region.destinationPort, cell.destinationPort) &&
    overlap(region.source, cell.source) &&
    overlap(region.sourcePort, cell.sourcePort)
  );
}

/**
 * Cuts a region that touches a cell in two: `inner` is exactly what is in the cell, `rest` exactly what is not, as
 * regions without common packets. Dimension by dimension: what lies outside of the cell there is cut off, and the cut
 * goes on with what lies inside.
 */
export function cut(region: Region, cell: Cell, steps: Steps): { inner: Region; rest: Region[] } {
  // A cut makes objects: it weighs as much as several comparisons.
  steps.take(8);
  const rest: Region[] = [];
  let inner = region;
  const protocols = inner.protocols & ~cell.protocols;
  if (protocols !== 0) {
    rest.push({ ...inner, protocols });
    inner = { ...inner, protocols: inner.protocols & cell.protocols };
  }
  for (const line of lines) {
    steps.take((inner[line].length + cell[line].length) / 2);
    const beside = difference(inner[line], cell[line]);
    if (beside.length === 0) continue;
    rest.push({ ...inner, [line]: beside });
    inner = { ...inner, [line]: common(inner[line], cell[line]) };
  }
  for (let bits = cell.inside & ~inner.inside; bits !== 0n; bits &= bits - 1n) {
    const bit = bits & -bits;
    rest.push({ ...inner, outside: inner.outside | bit });
    inner = { ...inner, inside: inner.inside | bit };
  }
  return { inner, rest };
}

/** What of the regions is in none of the cells. */
export function without(regions: Region[], cells: readonly Cell[], steps: Steps): Region[] {
  let left = regions;
  for (const cell of cells) {
    // Most cells meet nothing: no new list for these.
    if (!left.some((region) => touches(region, cell, steps))) continue;
    left = left.flatMap((region) =>
      touches(region, cell, steps) ? cut(region, cell, steps).rest : [region],
    );
    if (left.length === 0) break;
  }
  return left;
}

/** What of a region is in one of the cells; where cells overlap, more than once. */
export function within(region: Region, cells: readonly Cell[], steps: Steps): Region[] {
  return cells.filter((cell) => touches(region, cell, steps)).map((cell) => cut(region, cell, steps).inner);
}
