import ipaddr from 'ipaddr.js';
import * as z from 'zod';

export type Family = 'IPv4' | 'IPv6';

export type PrefixResult =
  { ok: true; prefix: string; family: Family } | { ok: false; problem: string; correct?: string };

/** The addresses of one prefix, first and last included. */
export interface AddressRange {
  family: Family;
  first: bigint;
  last: bigint;
}

const bitsOf = { IPv4: 32, IPv6: 128 } as const;
const multicast = ['224.0.0.0/4', 'ff00::/8'];
const mapped = '::ffff:0:0/96';

// ipaddr.js alone takes `010.0.0.1` for 8.0.0.1, `10.1` for 10.0.0.1 and `::1.2.3.4` for `::ffff:1.2.3.4`: what it may
// read is therefore decided by these two, and the length by our own expression.
const strictIPv4 = z.ipv4();
const strictIPv6 = z.ipv6();
const strictLength = /^(0|[1-9][0-9]{0,2})$/;

/**
 * Reads an IP address or CIDR prefix as a person writes it, strictly.
 * The canonical form always has a length (`203.0.113.7/32`, `2001:db8::/48`), IPv6 as in RFC 5952. A refusal has a
 * sentence and, where one can be told, the form that would be right. Never throws.
 */
export function parsePrefix(text: string): PrefixResult {
  if (text === '') return refuse('The address is empty.');
  if (/\s/.test(text))
    return refuse('The address contains whitespace.', correction(text.replaceAll(/\s/g, '')));
  if (text.includes('%'))
    return refuse(`${quote(text)} has a zone, which means nothing outside its own host.`);
  const read = readText(text);
  if ('problem' in read) return read;
  const { family, first, length } = read;
  const network = (first >> BigInt(bitsOf[family] - length)) << BigInt(bitsOf[family] - length);
  const prefix = formatPrefix(family, network, length);
  if (family === 'IPv6' && containsPrefix(mapped, prefix)) {
    return refuse(
      `${quote(text)} is an IPv4 address written as IPv6; Azure would never match it.`,
      correction(withoutIPv4Mapping(prefix)),
    );
  }
  if (multicast.some((group) => containsPrefix(group, prefix))) {
    return refuse(`${quote(text)} is a multicast address, from which nothing can come.`);
  }
  if (network !== first) {
    return refuse(`${quote(text)} has bits set behind its prefix length: the network is ${prefix}.`, prefix);
  }
  return { ok: true, prefix, family };
}

/**
 * The canonical form of an address or prefix in somebody else's rule, or undefined if it is none.
 * As strict about the text as `parsePrefix`, but multicast and IPv4-mapped ranges are addresses too.
 */
export function canonicalPrefix(text: string): string | undefined {
  const read = readText(text);
  if ('problem' in read || read.first % (1n << BigInt(bitsOf[read.family] - read.length)) !== 0n)
    return undefined;
  return formatPrefix(read.family, read.first, read.length);
}

/** The IPv4 prefix that an IPv4-mapped IPv6 prefix stands for; any other canonical prefix as it is. */
export function withoutIPv4Mapping(prefix: string): string {
  if (!containsPrefix(mapped, prefix)) return prefix;
  const { first, last } = rangeOf(prefix);
  const length = lengthOf({ family: 'IPv6', first, last }) - 96;
  return formatPrefix('IPv4', first & 0xffff_ffffn, length);
}

type Refusal = Extract<PrefixResult, { ok: false }>;

function readText(text: string): { family: Family; first: bigint; length: number } | Refusal {
  const [address = '', lengthText, ...rest] = text.split('/');
  const family = readFamily(address);
  if (family === undefined || rest.length > 0) {
    return refuse(
      `${quote(text)} is no IP address or prefix: write four decimal numbers without leading zeros (203.0.113.7, 203.0.113.0/24) or an IPv6 address or prefix (2001:db8::/48).`,
    );
  }
  const bits = bitsOf[family];
  if (lengthText !== undefined && (!strictLength.test(lengthText) || Number(lengthText) > bits)) {
    return refuse(`The prefix length of ${quote(text)} is not a whole number from 0 to ${bits}.`);
  }
  const embedded = /^::(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (embedded !== undefined) {
    return refuse(
      `${quote(text)} is an IPv4-compatible IPv6 address, a form that was withdrawn.`,
      correction(embedded),
    );
  }
  return { family, first: valueOf(ipaddr[family].parse(address)), length: Number(lengthText ?? bits) };
}

/** The family of a strict address. Rules are full of tags: what can be neither is told without asking a parser. */
function readFamily(address: string): Family | undefined {
  if (address.includes(':')) return strictIPv6.safeParse(address).success ? 'IPv6' : undefined;
  return /^\d/.test(address) && strictIPv4.safeParse(address).success ? 'IPv4' : undefined;
}

/** Whether every address of `inner` is in `outer`; canonical prefixes. */
export function containsPrefix(outer: string, inner: string): boolean {
  const a = rangeOf(outer);
  const b = rangeOf(inner);
  return a.family === b.family && a.first <= b.first && b.last <= a.last;
}

/** Whether two ranges have an address in common. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** Whether a canonical prefix is a whole address family. */
export function isEverybody(prefix: string): boolean {
  return prefix.endsWith('/0');
}

/** The address family of a canonical prefix. */
export function familyOf(prefix: string): Family {
  return prefix.includes(':') ? 'IPv6' : 'IPv4';
}

/** The first and last address of a canonical prefix; throws on anything else. */
export function rangeOf(prefix: string): AddressRange {
  const family = familyOf(prefix);
  const [address, length] = ipaddr[family].parseCIDR(prefix);
  const first = valueOf(address);
  return { family, first, last: first + (1n << BigInt(bitsOf[family] - length)) - 1n };
}

/** The fewest canonical prefixes with exactly the addresses of a range, rising. */
export function prefixesOfRange({ family, first, last }: AddressRange): string[] {
  const bits = BigInt(bitsOf[family]);
  const prefixes: string[] = [];
  for (let at = first; at <= last;) {
    // As large as its first address is aligned to, and not beyond the end.
    let length = bits;
    while (length > 0n && at % (2n << (bits - length)) === 0n && at + (2n << (bits - length)) - 1n <= last) {
      length -= 1n;
    }
    prefixes.push(formatPrefix(family, at, Number(length)));
    at += 1n << (bits - length);
  }
  return prefixes;
}

/**
 * The fewest canonical prefixes with exactly the same addresses: sorted, IPv4 first, none overlapping, siblings merged.
 */
export function aggregate(prefixes: string[]): string[] {
  if (prefixes.length < 2) return [...prefixes];
  const sorted = [...new Set(prefixes)]
    .map(rangeOf)
    .sort((a, b) =>
      a.family !== b.family
        ? a.family < b.family
          ? -1
          : 1
        : compare(a.first, b.first) || compare(b.last, a.last),
    );
  const merged: AddressRange[] = [];
  for (const range of sorted) {
    const top = merged.at(-1);
    if (top !== undefined && rangesOverlap(top, range)) continue;
    merged.push(range);
    for (let pair = siblings(merged); pair !== undefined; pair = siblings(merged)) {
      merged.splice(-2, 2, pair);
    }
  }
  return merged.map((range) => formatPrefix(range.family, range.first, lengthOf(range)));
}

/** The parent prefix of the last two, if they are its two halves. */
function siblings(ranges: AddressRange[]): AddressRange | undefined {
  const [low, high] = ranges.slice(-2);
  if (low === undefined || high === undefined || low.family !== high.family) return undefined;
  const size = high.last - high.first + 1n;
  const aligned = low.first % (2n * size) === 0n && low.last - low.first + 1n === size;
  return aligned && low.first + size === high.first ? { ...low, last: high.last } : undefined;
}

function lengthOf(range: AddressRange): number {
  return bitsOf[range.family] - ((range.last - range.first + 1n).toString(2).length - 1);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function valueOf(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function formatPrefix(family: Family, first: bigint, length: number): string {
  const bytes = Array.from({ length: bitsOf[family] / 8 }, (_, index) =>
    Number((first >> BigInt(bitsOf[family] - 8 * (index + 1))) & 0xffn),
  );
  const address = ipaddr.fromByteArray(bytes);
  return `${address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()}/${length}`;
}

function refuse(problem: string, correct?: string): Refusal {
  return { ok: false, problem, ...(correct === undefined ? {} : { correct }) };
}

/** What would be right instead, unless that is refused as well. */
function correction(text: string): string | undefined {
  const result = parsePrefix(text);
  return result.ok ? result.prefix : undefined;
}

/** A caller's text, cut short: it ends up in sentences. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
