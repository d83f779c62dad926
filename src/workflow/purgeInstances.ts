import type { Orchestrations } from './contracts.ts';
import { secondsAfter } from './dependencies.ts';

/** How long Durable keeps what has finished, in seconds: long enough to look at what went wrong. */
const keep = 7 * 24 * 3600;
const hour = 3600;

/**
 * Makes what purges finished orchestrations that were made more than seven days ago: one span of time in each call, an
 * hour at first and twice as long after each that held nothing, so that no call deletes without bound and an installation
 * of years is soon through. It begins a day before `oldest` whenever the process starts.
 */
export function createPurge(): (orchestrations: Orchestrations, oldest: Date, now: Date) => Promise<number> {
  let from: Date | undefined;
  let span = hour;

  return async function purge(orchestrations, oldest, now) {
    from ??= secondsAfter(oldest, -24 * hour);
    const until = secondsAfter(now, -keep);
    const to = secondsAfter(from, span);
    // Less than the smallest span is left for later: it would ask every minute for nothing.
    if (to > until) {
      span = hour;
      if (secondsAfter(from, hour) > until) return 0;
      return purge(orchestrations, oldest, now);
    }
    const purged = await orchestrations.purge(from, to);
    from = to;
    span = purged === 0 ? span * 2 : hour;
    return purged;
  };
}
