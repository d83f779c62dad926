import { parse, serialize } from 'tinyduration';

/** Longer is over any limit: a just-in-time grant is a matter of hours. */
export const maximumDurationSeconds = 7 * 24 * 3600;

export type DurationResult = { ok: true; seconds: number } | { ok: false; problem: string };

const maximumLength = 32;

/**
 * tinyduration's own expression is not anchored and takes signs, commas and mixed weeks, so this gate decides what a
 * duration is. At most three decimals, so that a sum of floats that is within a millionth of whole seconds is whole.
 */
const amount = String.raw`\d{1,9}(?:\.\d{1,3})?`;
const shape = new RegExp(
  `^P(?:${amount}W|(?=.)(?:${amount}D)?(?:T(?=.)(?:${amount}H)?(?:${amount}M)?(?:${amount}S)?)?)$`,
);
const variableLength = /^P[^T]*[YM]/;
const secondsIn = { weeks: 604_800, days: 86_400, hours: 3_600, minutes: 60, seconds: 1 } as const;

/**
 * Reads an ISO 8601 duration of days, hours, minutes and seconds, or of weeks alone.
 * Refuses whatever is not exactly one length between one second and seven days.
 */
export function parseDuration(text: string): DurationResult {
  const seconds = text.length <= maximumLength ? secondsOf(text) : 'is too long';
  return typeof seconds === 'number' ? { ok: true, seconds } : refusal(seconds);
}

/** Writes seconds as Azure writes such limits: hours, minutes and seconds, no days (`PT24H`). */
export function formatDuration(seconds: number): string {
  return serialize({
    hours: Math.floor(seconds / 3600),
    minutes: Math.floor((seconds % 3600) / 60),
    seconds: seconds % 60,
  });
}

function secondsOf(text: string): number | string {
  if (text.includes('-')) return 'must not be negative';
  if (variableLength.test(text)) return 'must not use years or months, whose length varies';
  if (!shape.test(text)) return 'is not an ISO 8601 duration in upper case';
  if (/\.\d+[A-Z]./.test(text)) return 'may have a fraction in its last part only';
  const parts = parse(text);
  const sum = Object.entries(secondsIn).reduce(
    (total, [unit, length]) => total + (parts[unit as keyof typeof secondsIn] ?? 0) * length,
    0,
  );
  const seconds = Math.round(sum);
  if (Math.abs(sum - seconds) > 1e-6) return 'must be a whole number of seconds';
  if (seconds === 0) return 'must not be zero';
  if (seconds > maximumDurationSeconds) return 'must not be longer than seven days';
  return seconds;
}

function refusal(what: string): DurationResult {
  return { ok: false, problem: `The duration ${what}. Use days, hours or minutes, such as PT3H or PT90M.` };
}
