import { ExpressionError } from './expression.ts';
import type { Functions, Value } from './expression.ts';

/** Ticks of 100 ns from the year 1 to the epoch of Unix. */
const epochTicks = 621_355_968_000_000_000n;

/** The functions that depend on nothing but their arguments and the clock, as the reference describes them. */
export function pureFunctions(now: () => Date): Functions {
  return {
    concat: (...texts) => texts.map((one) => text(one)).join(''),
    string: (value = null) => (typeof value === 'string' ? value : JSON.stringify(value)),
    toLower: (value = null) => text(value).toLowerCase(),
    startsWith: (value = null, start = null) =>
      text(value).toLowerCase().startsWith(text(start).toLowerCase()),
    substring: (value = null, from = null, count = null) => part(text(value), integer(from), integer(count)),
    length: (value = null) => (Array.isArray(value) ? value.length : text(value).length),
    coalesce: (...values) => values.find((value) => value !== null) ?? null,
    equals: (one = null, other = null) => isEqual(one, other),
    less: (one = null, other = null) => number(one) < number(other),
    greater: (one = null, other = null) => number(one) > number(other),
    not: (value = null) => !flag(value),
    and: (...values) => values.every(flag),
    or: (...values) => values.some(flag),
    // Both branches have been evaluated before: nothing may rest on one of them being left out.
    if: (condition = null, yes = null, no = null) => (flag(condition) ? yes : no),
    add: (one = null, other = null) => integer(one) + integer(other),
    sub: (one = null, other = null) => integer(one) - integer(other),
    utcNow: () => now().toISOString(),
    addMinutes: (instant = null, minutes = null) =>
      new Date(time(text(instant)) + integer(minutes) * 60_000).toISOString(),
    ticks: (instant = null) => BigInt(time(text(instant))) * 10_000n + epochTicks,
  };
}

/** A value that must be a text; throws an ExpressionError for another. */
export function text(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new ExpressionError(`A text was expected, not ${shown(value ?? null)}.`);
}

function flag(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`true or false was expected, not ${shown(value)}.`);
}

function number(value: Value): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw new ExpressionError(`A number was expected, not ${shown(value)}.`);
}

function integer(value: Value): number {
  if (Number.isInteger(value)) return Number(value);
  throw new ExpressionError(`A whole number was expected, not ${shown(value)}.`);
}

/** Beyond the text it is an error, not a shorter text. */
function part(whole: string, from: number, count: number): string {
  if (from < 0 || count < 0 || from + count > whole.length) {
    throw new ExpressionError(`substring of ${count} at ${from} is outside of a text of ${whole.length}.`);
  }
  return whole.slice(from, from + count);
}

function time(instant: string): number {
  const milliseconds = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.test(instant)
    ? Date.parse(instant)
    : Number.NaN;
  if (Number.isNaN(milliseconds)) throw new ExpressionError(`"${instant}" is no instant.`);
  return milliseconds;
}

function isEqual(one: Value, other: Value): boolean {
  return typeof one === typeof other && shown(one) === shown(other);
}

function shown(value: Value): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
