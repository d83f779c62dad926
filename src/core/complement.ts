import { aggregate, familyOf, prefixesOfRange, rangeOf } from './address.ts';
import type { AddressRange, Family } from './address.ts';

const lastOf: Record<Family, bigint> = { IPv4: (1n << 32n) - 1n, IPv6: (1n << 128n) - 1n };

/**
 * Everybody of one address family but these: the fewest canonical prefixes with exactly all other addresses, rising. A
 * security rule knows no exceptions, and an allow for them would admit where it was only meant not to refuse. Takes
 * canonical prefixes; those of the other family do not matter.
 */
export function complement(family: Family, except: readonly string[]): string[] {
  const holes = aggregate(except.filter((prefix) => familyOf(prefix) === family)).map(rangeOf);
  const gaps: AddressRange[] = [];
  let next = 0n;
  for (const { first, last } of holes) {
    if (next < first) gaps.push({ family, first: next, last: first - 1n });
    next = last + 1n;
  }
  if (next <= lastOf[family]) gaps.push({ family, first: next, last: lastOf[family] });
  return gaps.flatMap(prefixesOfRange);
}

/** Prefixes that one rule of a baseline may name: Azure takes 4,000 in all rules of an NSG together. */
const mostPrefixes = 1000;

/** What is wrong with the exceptions of a baseline, as a sentence; undefined if nothing is. */
export function problemOfExceptions(except: readonly string[]): string | undefined {
  const counts = (['IPv4', 'IPv6'] as const).map((family) => complement(family, except).length);
  const most = Math.max(...counts);
  if (most > mostPrefixes) {
    return `Everybody but these would have to be written as ${most} prefixes, more than the ${mostPrefixes} that one rule of Sallyport may name: name fewer or larger exceptions.`;
  }
  return most === 0 ? 'These exceptions are everybody: the baseline would keep nobody out.' : undefined;
}

/** What is in both of two sets of prefixes: canonical, rising, none overlapping. */
export function commonPrefixes(a: readonly string[], b: readonly string[]): string[] {
  return (['IPv4', 'IPv6'] as const).flatMap((family) =>
    complement(family, [...complement(family, a), ...complement(family, b)]),
  );
}
