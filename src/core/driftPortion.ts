import type { Drift } from './driftFinding.ts';

/** What of new findings is noted at once. */
export interface DriftPortion {
  /** To be journaled, each for itself. */
  listed: Drift[];
  /** Put right with the others and never found again: only their number is told, with the last that is listed. */
  counted: Drift[];
}

/** Of each kind; whoever may write an NSG can make a thousand findings at once, and each costs several calls. */
const mostOfKind = 25;

/**
 * As much of new findings as one record of an NSG and one call can take. What lasts (something accepted, a foreign rule)
 * is found again and told later; of what is put right the number of all is told now. Pure.
 */
export function portionOf(news: readonly Drift[]): DriftPortion {
  const accepted = news.filter((finding) => finding.accepted !== undefined);
  const foreign = news.filter(({ event }) => foreignEvents.has(event));
  const putRight = news.filter((finding) => !accepted.includes(finding) && !foreign.includes(finding));
  const counted = putRight.slice(mostOfKind);
  const named = putRight.slice(0, mostOfKind).map((finding, index) =>
    index === mostOfKind - 1 && counted.length > 0
      ? {
          ...finding,
          reasons: finding.reasons.flatMap((reason) => [
            reason,
            { code: reason.code, message: `And ${counted.length} more rules of our name, not listed here.` },
          ]),
        }
      : finding,
  );
  return { listed: [...accepted.slice(0, mostOfKind), ...named, ...foreign.slice(0, mostOfKind)], counted };
}

const foreignEvents: ReadonlySet<Drift['event']> = new Set([
  'blocked-by-foreign-rule',
  'bypassed-by-foreign-rule',
]);
