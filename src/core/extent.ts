import { canonicalPrefix, rangeOf } from './address.ts';
import { portRange } from './securityRule.ts';
import type { RuleMeaning } from './securityRule.ts';

/** What a rule is about as sets that can be compared; its access is not part of it. */
export interface Extent {
  direction: string;
  protocol: string;
  sourcePorts: Values;
  destinationPorts: Values;
  sources: Values;
  destinations: Values;
}

interface Values {
  every: boolean;
  ranges: Range[];
  /** Tags, application security groups, and what is not understood. */
  opaque: ReadonlySet<string>;
}

interface Range {
  /** Ranges of two kinds have nothing in common. */
  kind: string;
  first: bigint;
  last: bigint;
}

/** The extent of a rule's meaning. */
export function extentOf(meaning: RuleMeaning): Extent {
  return {
    direction: meaning.direction,
    protocol: meaning.protocol,
    sourcePorts: valuesOf(meaning.sourcePorts, readPorts),
    destinationPorts: valuesOf(meaning.destinationPorts, readPorts),
    sources: valuesOf(meaning.sources, readPrefix),
    destinations: valuesOf(meaning.destinations, readPrefix),
  };
}

/**
 * Whether every packet that `inner` is about is also one that `outer` is about; false where that cannot be told.
 *
 * Exact where all is numbers and addresses of one family: products of sets that are not empty lie within each other if each set does, and because
 * neighbours are united in a meaning, a prefix or range within several others is within one of them.
 */
export function covers(outer: Extent, inner: Extent): boolean {
  return (
    outer.direction === inner.direction &&
    (outer.protocol === '*' || outer.protocol === inner.protocol) &&
    isWithin(inner.sourcePorts, outer.sourcePorts) &&
    isWithin(inner.destinationPorts, outer.destinationPorts) &&
    isWithin(inner.sources, outer.sources) &&
    isWithin(inner.destinations, outer.destinations)
  );
}

function isWithin(inner: Values, outer: Values): boolean {
  if (inner.ranges.length === 0 && inner.opaque.size === 0 && !inner.every) return false;
  if (outer.every) return true;
  return (
    !inner.every &&
    [...inner.opaque].every((text) => outer.opaque.has(text)) &&
    inner.ranges.every((range) =>
      outer.ranges.some(
        (other) => other.kind === range.kind && other.first <= range.first && range.last <= other.last,
      ),
    )
  );
}

function valuesOf(texts: string[], read: (text: string) => Range | undefined): Values {
  const ranges: Range[] = [];
  const opaque = new Set<string>();
  for (const text of texts.filter((one) => one !== '*')) {
    const range = read(text);
    if (range === undefined) opaque.add(text);
    else ranges.push(range);
  }
  return { every: texts.includes('*'), ranges, opaque };
}

function readPorts(text: string): Range | undefined {
  const range = portRange(text);
  return range && { kind: 'port', first: BigInt(range[0]), last: BigInt(range[1]) };
}

function readPrefix(text: string): Range | undefined {
  if (canonicalPrefix(text) !== text) return undefined;
  const { family, first, last } = rangeOf(text);
  return { kind: family, first, last };
}
