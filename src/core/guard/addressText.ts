import type { Spans } from './spans.ts';

export const families = ['IPv4', 'IPv6'] as const;
export type Family = (typeof families)[number];

/** Every address of a family: IPv4 as numbers, IPv6 as bigints. */
export const everyAddress: Record<Family, Spans> = { IPv4: [0, 2 ** 32], IPv6: [0n, 1n << 128n] };

/**
 * Reads an address or a prefix without host bits; undefined if the text is neither.
 * Written for the guard alone: a mistake in the planner's reading of addresses must not be made here as well.
 */
export function readPrefix(
  text: string,
): { family: Family; from: number | bigint; to: number | bigint } | undefined {
  const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? [];
  const v4 = readIPv4(address);
  if (v4 !== undefined) {
    const size = 2 ** (32 - Number(length ?? 32));
    return size >= 1 && v4 % size === 0 ? { family: 'IPv4', from: v4, to: v4 + size } : undefined;
  }
  const v6 = readIPv6(address);
  if (v6 === undefined || Number(length ?? 128) > 128) return undefined;
  const size = 1n << BigInt(128 - Number(length ?? 128));
  return v6 % size === 0n ? { family: 'IPv6', from: v6, to: v6 + size } : undefined;
}

function readIPv4(text: string): number | undefined {
  const parts = text.split('.');
  // A leading zero is octal to some readers: such text means nothing certain.
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) {
    return undefined;
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

function readIPv6(text: string): bigint | undefined {
  const [, head, tail = ''] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (head !== undefined) {
    const v4 = readIPv4(tail);
    if (v4 === undefined) return undefined;
    return readIPv6(`${head}${Math.floor(v4 / 65536).toString(16)}:${(v4 % 65536).toString(16)}`);
  }
  const halves = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const [left = [], right = []] = halves;
  const given = left.length + right.length;
  if (halves.length > 2 || (halves.length === 2 ? given > 7 : given !== 8)) return undefined;
  const groups = [...left, ...Array.from({ length: 8 - given }, () => '0'), ...right];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => value * 65536n + BigInt(`0x${group}`), 0n);
}

/** One address as people write it; IPv6 as in RFC 5952. */
export function writeAddress(value: number | bigint): string {
  if (typeof value === 'number') return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const zeros = [8, 7, 6, 5, 4, 3, 2]
    .flatMap((length) => groups.map((_, start) => ({ start, length })))
    .find(
      ({ start, length }) =>
        start + length <= 8 && groups.slice(start, start + length).every((group) => group === '0'),
    );
  if (zeros === undefined) return groups.join(':');
  return `${groups.slice(0, zeros.start).join(':')}::${groups.slice(zeros.start + zeros.length).join(':')}`;
}

/** A set of addresses as texts: an address, a prefix, or a range where no prefix is exact. */
export function writeAddresses(spans: Spans, family: Family): string[] {
  const bits = family === 'IPv4' ? 32 : 128;
  return Array.from({ length: spans.length / 2 }, (_, index) => {
    const from = BigInt(spans[2 * index] ?? 0);
    const size = BigInt(spans[2 * index + 1] ?? 0) - from;
    const text = (value: bigint) => writeAddress(family === 'IPv4' ? Number(value) : value);
    const length = bits - (size.toString(2).length - 1);
    if (size === 1n) return text(from);
    if ((size & (size - 1n)) === 0n && from % size === 0n) return `${text(from)}/${length}`;
    return `${text(from)}-${text(from + size - 1n)}`;
  });
}
