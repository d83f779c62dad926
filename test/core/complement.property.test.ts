import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, prefixesOfRange, rangeOf } from '../../src/core/address.ts';
import { commonPrefixes, complement, problemOfExceptions } from '../../src/core/complement.ts';

const families = ['IPv4', 'IPv6'] as const;
type Family = (typeof families)[number];

/** Prefixes of a small range, so that they often meet, and of the whole space. */
const prefix4 = fc
  .tuple(fc.oneof(fc.nat(63), fc.nat(2 ** 32 - 1)), fc.integer({ min: 0, max: 32 }))
  .map(([value, length]) => `${text4(masked(BigInt(value), length, 32))}/${length}`);
const prefix6 = fc
  .tuple(fc.oneof(fc.nat(63).map(BigInt), fc.bigInt(0n, 2n ** 128n - 1n)), fc.integer({ min: 0, max: 128 }))
  .map(([value, length]) => `${text6(masked(value, length, 128))}/${length}`);
const prefixes = fc.array(fc.oneof(prefix4, prefix6), { maxLength: 6 });

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

/** The platform's own sets of addresses, one for each family: it takes IPv4 for a part of IPv6. */
function isIn(list: string[]): (family: Family, value: bigint) => boolean {
  const blocks = { IPv4: new BlockList(), IPv6: new BlockList() };
  for (const text of list) {
    const [address = '', length] = text.split('/');
    if (address.includes(':')) blocks.IPv6.addSubnet(address, Number(length), 'ipv6');
    else blocks.IPv4.addSubnet(address, Number(length), 'ipv4');
  }
  return (family, value) =>
    family === 'IPv4' ? blocks.IPv4.check(text4(value), 'ipv4') : blocks.IPv6.check(text6(value), 'ipv6');
}

/** Every border of these prefixes, and the addresses beside them. */
function borders(family: Family, list: string[]): bigint[] {
  const end = 2n ** (family === 'IPv4' ? 32n : 128n);
  const inside = list.filter((text) => text.includes(':') === (family === 'IPv6')).map(rangeOf);
  return [0n, end - 1n, ...inside.flatMap(({ first, last }) => [first - 1n, first, last, last + 1n])].filter(
    (value) => value >= 0n && value < end,
  );
}

describe('everybody less exceptions', () => {
  it('is exactly the addresses that no exception names', () => {
    fc.assert(
      fc.property(fc.constantFrom(...families), prefixes, (family, except) => {
        const rest = complement(family, except);
        const isExcepted = isIn(except);
        const isRest = isIn(rest);
        for (const value of borders(family, [...except, ...rest])) {
          expect(isRest(family, value)).toBe(!isExcepted(family, value));
        }
      }),
    );
  });

  it('is written in as few prefixes as can be, rising and apart', () => {
    fc.assert(
      fc.property(fc.constantFrom(...families), prefixes, (family, except) => {
        const rest = complement(family, except);
        expect(aggregate(rest)).toEqual(rest);
      }),
    );
  });

  it('is everybody where nothing of the family is excepted', () => {
    expect(complement('IPv4', ['2001:db8::/32'])).toEqual(['0.0.0.0/0']);
    expect(complement('IPv6', ['10.0.0.0/8'])).toEqual(['::/0']);
  });

  it('is nobody where everybody is excepted', () => {
    expect(complement('IPv4', ['0.0.0.0/1', '128.0.0.0/1'])).toEqual([]);
  });

  it('needs a prefix for each bit of one address', () => {
    const rest = complement('IPv4', ['168.63.129.16/32']);
    expect(rest).toHaveLength(32);
    expect(rest).toContain('0.0.0.0/1');
    expect(rest).toContain('168.63.129.17/32');
  });
});

describe('a range', () => {
  it('is exactly its prefixes', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.nat(5000), (from, size) => {
        const [first, last] = [BigInt(from), BigInt(Math.min(from + size, 2 ** 32 - 1))];
        const list = prefixesOfRange({ family: 'IPv4', first, last });
        const isInside = isIn(list);
        expect(aggregate(list)).toEqual(list);
        for (const value of [first, last, (first + last) / 2n]) expect(isInside('IPv4', value)).toBe(true);
        for (const value of [first - 1n, last + 1n]) {
          if (value >= 0n && value < 2n ** 32n) expect(isInside('IPv4', value)).toBe(false);
        }
      }),
    );
  });
});

describe('what two sets have in common', () => {
  it('is exactly what is in both', () => {
    fc.assert(
      fc.property(prefixes, prefixes, (a, b) => {
        const both = commonPrefixes(a, b);
        const [isInA, isInB, isInBoth] = [isIn(a), isIn(b), isIn(both)];
        for (const family of families) {
          for (const value of borders(family, [...a, ...b, ...both])) {
            expect(isInBoth(family, value)).toBe(isInA(family, value) && isInB(family, value));
          }
        }
      }),
    );
  });
});

describe('exceptions', () => {
  it('are refused where what is left is more than a rule may name', () => {
    const scattered = Array.from({ length: 60 }, (_, index) => `10.${index * 4}.${index}.7/32`);
    expect(problemOfExceptions(scattered)).toContain('1000');
  });

  it('are refused where they leave nobody', () => {
    expect(problemOfExceptions(['0.0.0.0/0', '::/0'])).toContain('nobody');
  });

  it('are accepted for the probe of the load balancer and the subnet of Bastion', () => {
    expect(problemOfExceptions(['168.63.129.16/32', '10.20.250.0/26'])).toBeUndefined();
    expect(problemOfExceptions([])).toBeUndefined();
  });
});
