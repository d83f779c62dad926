import type { Clock } from '../../core/clock.ts';

/** Asks, or answers with what was answered not long ago. */
export type KeptAnswers<Answer> = (
  key: string,
  isFresh: boolean,
  ask: () => Promise<Answer>,
) => Promise<Answer>;

/** How long what Azure says of rights, locks and admin rules holds, in seconds: many opens cost one reading. */
export const answersHold = 60;

/**
 * Keeps answers for so many seconds, and shares one that is under way among all who ask meanwhile. What `isKept` does
 * not take, and what was thrown, is asked again next time. `isFresh` asks anew in any case: what was asked before may be
 * older than the wish.
 */
export function keepAnswers<Answer>(
  clock: Clock,
  seconds: number,
  isKept: (answer: Answer) => boolean,
): KeptAnswers<Answer> {
  const known = new Map<string, { until: Date; answer: Promise<Answer> }>();
  return async (key, isFresh, ask) => {
    const now = clock.now();
    for (const [other, { until }] of known) if (until <= now) known.delete(other);
    const kept = known.get(key);
    if (kept !== undefined && !isFresh) return kept.answer;
    const answer = ask();
    const entry = { until: new Date(now.getTime() + seconds * 1000), answer };
    known.set(key, entry);
    // Only its own: a newer question may have been answered meanwhile.
    const forget = () => known.get(key) === entry && known.delete(key);
    try {
      const settled = await answer;
      if (!isKept(settled)) forget();
      return settled;
    } catch (error) {
      forget();
      throw error;
    }
  };
}
