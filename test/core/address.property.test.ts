import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, containsPrefix, parsePrefix, rangeOf, rangesOverlap } from '../../src/core/address.ts';
import { span } from '../support/packetOracle.ts';

/** Prefixes of a small range, so that they often meet, and of the whole space. */
const prefix4 = fc
  .tuple(fc.oneof(fc.nat(63), fc.nat(2 ** 32 - 1)), fc.integer({ min: 0, max: 32 }))
  .map(([value, length]) => `${text4(masked(BigInt(value), length, 32))}/${length}`);
const prefix6 = fc
  .tuple(fc.oneof(fc.nat(63).map(BigInt), fc.bigInt(0n, 2n ** 128n - 1n)), fc.integer({ min: 0, max: 128 }))
  .map(([value, length]) => `${text6(masked(value, length, 128))}/${length}`);
const prefix = fc.oneof(prefix4, prefix6);

function masked(value: bigint, length: number, bits: number): bigint {
  const size = 2n ** BigInt(bits - length);
  return value - (value % size);
}

function text4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}

function text6(value: bigint): string {
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g) ?? [];
  // The platform's own URL parser knows RFC 5952.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function listOf(prefixes: string[]): BlockList {
  const list = new BlockList();
  for (const text of prefixes) {
    const [address = '', length] = text.split('/');
    list.addSubnet(address, Number(length), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

function bordersOf(prefixes: string[], family: 4 | 6): string[] {
  const end = 2n ** (family === 4 ? 32n : 128n);
  return prefixes
    .map(span)
    .filter((range) => range.family === family)
    .flatMap(({ first, last }) => [first - 1n, first, last, last + 1n])
    .filter((value) => value >= 0n && value < end)
    .map(family === 4 ? text4 : text6);
}

function overlaps(one: string, other: string): boolean {
  return rangesOverlap(rangeOf(one), rangeOf(other));
}

describe('prefixes', () => {
  it('are read as the platform writes them', () => {
    fc.assert(
      fc.property(prefix, (text) => {
        const result = parsePrefix(text);
        // Refused are multicast and IPv4-mapped prefixes only: everything else must be its own canonical form.
        if (result.ok) expect(result.prefix).toBe(text);
        else expect(text).toMatch(/^(22[4-9]|23\d|ff|::ffff:)/);
      }),
      { numRuns: 1000 },
    );
  });

  it('contain and overlap each other as intervals do', () => {
    fc.assert(
      fc.property(prefix, prefix, (one, other) => {
        const [a, b] = [span(one), span(other)];
        const same = a.family === b.family;
        expect(containsPrefix(one, other)).toBe(same && a.first <= b.first && b.last <= a.last);
        expect(overlaps(one, other)).toBe(same && a.first <= b.last && b.first <= a.last);
      }),
      { numRuns: 1000 },
    );
  });

  it('hold the same addresses when aggregated, as few and apart as can be', () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 12 }), (prefixes) => {
        const result = aggregate(prefixes);
        const before = listOf(prefixes);
        const after = listOf(result);
        for (const [family, name] of [
          [4, 'ipv4'],
          [6, 'ipv6'],
        ] as const) {
          for (const address of bordersOf([...prefixes, ...result], family)) {
            expect(after.check(address, name), address).toBe(before.check(address, name));
          }
        }
        const pairs = result.flatMap((a, index) => result.slice(index + 1).map((b) => [a, b] as const));
        expect(pairs.filter(([a, b]) => overlaps(a, b))).toEqual([]);
        expect(pairs.filter(([a, b]) => aggregate([a, b]).length === 1)).toEqual([]);
        expect(aggregate([...prefixes].reverse())).toEqual(result);
        expect(result.length).toBeLessThanOrEqual(new Set(prefixes).size);
      }),
      { numRuns: 400 },
    );
  });
});
