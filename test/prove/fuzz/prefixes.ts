import { isIP } from 'node:net';
import { canonicalPrefix, parsePrefix } from '../../../src/core/address.ts';
import { span } from '../../support/packetOracle.ts';
import type { Random } from '../random.ts';
import { mutate } from './mutate.ts';

const edges4 = [
  '0',
  '1',
  '7',
  '9',
  '10',
  '127',
  '128',
  '203',
  '223',
  '224',
  '239',
  '240',
  '255',
  '256',
  '010',
  '0x7',
  '',
];
const edges6 = ['0', '1', 'f', 'ff', 'fff', 'ffff', '2001', 'db8', 'fe80', 'ff02', '00db', '10000', 'g', ''];

/** Texts that are nearly addresses, against Node's own opinion of addresses and arithmetic that is not the product's. */
export function fuzzPrefix(random: Random): Promise<string | undefined> {
  const text = aText(random);
  const read = parsePrefix(text);
  const expected = expectedOf(text);
  const shown = JSON.stringify(text);
  const wrong = (what: string) => Promise.resolve(`${shown} ${what}: ${JSON.stringify(read)}`);
  if (!read.ok) {
    if (expected !== undefined) return wrong('is refused and is a prefix');
    if (read.problem.length > 400) return wrong('has a problem without an end');
    return read.correct !== undefined && !isFixed(read.correct)
      ? wrong('is not corrected')
      : Promise.resolve(undefined);
  }
  if (expected === undefined) return wrong('is taken and is none');
  const [got, own] = [span(read.prefix), span(expected)];
  if (got.family !== own.family || got.first !== own.first || got.last !== own.last)
    return wrong('changes its meaning');
  if (read.family !== (own.family === 4 ? 'IPv4' : 'IPv6')) return wrong('has another family');
  if (!isFixed(read.prefix) || canonicalPrefix(text) !== read.prefix) return wrong('has no fixed form');
  return Promise.resolve(undefined);
}

function isFixed(prefix: string): boolean {
  const again = parsePrefix(prefix);
  return again.ok && again.prefix === prefix;
}

function aText(random: Random): string {
  const four = Array.from({ length: random.oneIn(12) ? random.below(6) : 4 }, () => random.pick(edges4)).join(
    '.',
  );
  const groups = Array.from({ length: 1 + random.below(9) }, () => random.pick(edges6));
  if (random.oneIn(2)) groups.splice(random.below(groups.length), 1 + random.below(4), '');
  const six = groups.join(':') + (random.oneIn(8) ? `:${four}` : '');
  const address = random.pick([
    four,
    four,
    six,
    six,
    `::ffff:${four}`,
    `::${four}`,
    '203.0.113.0',
    '2001:db8::',
  ]);
  const length = random.pick([
    '',
    '',
    '/0',
    '/1',
    '/8',
    '/24',
    '/31',
    '/32',
    '/33',
    '/64',
    '/96',
    '/127',
    '/128',
    '/129',
    '/032',
    '/+8',
    '/',
  ]);
  return random.oneIn(5) ? mutate(random, address + length) : address + length;
}

/** The prefix in a spelling that the oracle's arithmetic reads, if the text is one; undefined if it is none. */
function expectedOf(text: string): string | undefined {
  const [address = '', length, ...more] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  const bits = version === 4 ? 32 : 128;
  if (version === 0 || more.length > 0) return undefined;
  if (length !== undefined && (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits)) return undefined;
  // The address part in hexadecimal groups: the URL parser is a second opinion on IPv6.
  const plain = version === 4 ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
  if (version === 6 && /^::\d+\.\d+\.\d+\.\d+$/.test(address)) return undefined;
  const prefix = `${plain}/${length ?? bits}`;
  const { family, first, last } = span(prefix);
  const within = (outer: string) => {
    const range = span(outer);
    return range.family === family && range.first <= first && last <= range.last;
  };
  const hasHostBits = first % (last - first + 1n) !== 0n;
  // A prefix that begins in the middle is judged by its network, as whoever wrote it meant.
  if (hasHostBits || within('224.0.0.0/4') || within('ff00::/8') || within('::ffff:0:0/96')) return undefined;
  return prefix;
}
