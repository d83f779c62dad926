import type { Reason } from './reason.ts';

/** How far ahead access may be asked for, in seconds. */
const furthest = 7 * 24 * 3600;
/** Clocks differ: a start that has passed by less than this, in seconds, is now. */
const tolerance = 60;

/** Why access cannot be asked for to begin then; undefined if it can. `start` is ISO 8601, or absent for at once. */
export function obstacleToStart(
  { start, breakGlass }: { start?: string; breakGlass?: boolean },
  now: Date,
): Reason | undefined {
  if (start === undefined) return undefined;
  if (breakGlass === true) {
    const message = 'Whoever skips approval does so because it cannot wait: leave the start out.';
    return { code: 'start-not-allowed', message, field: 'start' };
  }
  const from = new Date(now.getTime() - tolerance * 1000);
  const to = new Date(now.getTime() + furthest * 1000);
  const at = new Date(start);
  if (from <= at && at <= to) return undefined;
  const message =
    at < from
      ? 'The start has passed: leave it out to begin at once.'
      : 'The start is more than seven days ahead.';
  const allowed = { from: now.toISOString(), to: to.toISOString() };
  return { code: 'start-not-allowed', message, field: 'start', allowed };
}

/** When access begins that is granted now: at the start that was chosen, or at once. */
export function startOf({ chosenStart }: { chosenStart?: string | undefined }, now: Date): Date {
  return chosenStart !== undefined && Date.parse(chosenStart) > now.getTime() ? new Date(chosenStart) : now;
}
