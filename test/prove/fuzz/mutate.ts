import type { Random } from '../random.ts';

/** What has hurt parsers before: edges of numbers, of encodings, of alphabets, and names that objects bring along. */
const tokens = [
  ...[
    '',
    ' ',
    '\t',
    '\u0000',
    '\n',
    '\r\n',
    '"',
    "'",
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ';',
    '/',
    '%',
    '&',
    '=',
  ],
  ...['__proto__', 'constructor', 'toString', 'null', 'true', 'NaN', 'Infinity', '-0', '1e999', '0x10', '١٢'],
  ...['2147483648', '4294967296', '9007199254740993', '65535', '65536', '-1', '0', '1.0', '00', '+1', '1e2'],
  ...['\u202e', '\u200b', '\ufeff', '\ud800', '\udfff', '𝒳', 'İ', 'K', 'ß', '%00', '%2e%2e', '../', '$where'],
  ...['203.0.113.7', '010.0.0.1', '::ffff:203.0.113.7', '0.0.0.0/0', '*', 'Internet', '::/0', 'PT1H', 'P1Y'],
  ...["' or 1=1 --", '<script>', '${jndi:ldap://x}', '{{7*7}}', 'A'.repeat(300)],
];

/** A text, changed in one to four places. */
export function mutate(random: Random, text: string): string {
  let changed = text;
  for (let times = 1 + random.below(4); times > 0; times -= 1) changed = mutateOnce(random, changed);
  return changed;
}

function mutateOnce(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const length = 1 + random.below(random.oneIn(4) ? 20 : 3);
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at) + random.pick(tokens) + text.slice(at);
    case 2:
      return text.slice(0, at) + random.pick(tokens) + text.slice(at + length);
    case 3:
      return text.slice(0, at) + text.slice(at, at + length).repeat(2) + text.slice(at + length);
    case 4:
      return text.slice(0, at) + String.fromCharCode(random.below(128)) + text.slice(at + 1);
    case 5:
      return random.oneIn(2) ? text.toUpperCase() : text.toLowerCase();
    default:
      return (
        text.slice(0, at) +
        String.fromCharCode((text.charCodeAt(at) || 48) ^ (1 << random.below(8))) +
        text.slice(at + 1)
      );
  }
}

/** A text of tokens alone, mostly nonsense. */
export function nonsense(random: Random): string {
  return Array.from({ length: random.below(5) }, () => random.pick(tokens)).join('');
}

type Plain = null | boolean | number | string | Plain[] | { [name: string]: Plain };

const edges: readonly Plain[] = [
  ...[null, true, false, 0, -0, -1, 1, 22.5, 65_535, 65_536, 1e21, 5e-324, 2 ** 53, Number.MAX_VALUE],
  ...['', ' ', '22', 'Tcp', [], [[]], [null], {}, { length: 1 }, { then: 'x' }, { toString: null }],
];

/** A value of JSON, changed in one to three places: replaced, removed, doubled, renamed or mutated as text. */
export function mutateJson(random: Random, value: unknown): Plain {
  const copy = structuredClone(value) as Plain;
  let root: { root: Plain } = { root: copy };
  for (let times = 1 + random.below(3); times > 0; times -= 1) {
    root = { root: changeSomewhere(random, root.root) };
  }
  return root.root;
}

function changeSomewhere(random: Random, value: Plain): Plain {
  const isInner = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (!isInner || random.oneIn(12)) return changed(random, value);
  if (Array.isArray(value)) {
    const index = random.below(value.length);
    if (random.oneIn(8)) return value.toSpliced(index, 1);
    if (random.oneIn(8)) return [...value, ...Array<Plain>(1 + random.below(25)).fill(value[index] ?? null)];
    return value.with(index, changeSomewhere(random, value[index] ?? null));
  }
  const name = random.pick(Object.keys(value));
  const inner = value[name] ?? null;
  const others = Object.entries(value).filter(([other]) => other !== name);
  if (random.oneIn(8)) return Object.fromEntries(others);
  if (random.oneIn(8)) return Object.fromEntries([...others, [mutate(random, name), inner]]);
  if (random.oneIn(8)) return Object.fromEntries([...Object.entries(value), [nonsense(random), inner]]);
  return Object.fromEntries([...others, [name, changeSomewhere(random, inner)]]);
}

function changed(random: Random, value: Plain): Plain {
  if (typeof value === 'string' && !random.oneIn(4)) return mutate(random, value);
  if (typeof value === 'number' && !random.oneIn(3)) {
    return random.pick([value + 1, value - 1, -value, value / 2, value * 2 ** random.below(60)]);
  }
  return random.oneIn(5) ? nonsense(random) : structuredClone(random.pick(edges));
}
