import { causeOf } from '../core/cause.ts';
import type { Clock, Log } from '../core/clock.ts';
import type { SweepState } from '../core/stores.ts';
import type { Reason } from '../core/reason.ts';
import { secondsAfter } from './dependencies.ts';

/** Whether somebody looks after what is opened. */
export interface Heartbeat {
  /** Whether the last complete sweep is recent enough that something may be opened. Never throws. */
  isFresh(): Promise<boolean>;
}

/** What somebody is told whose request was accepted and is not opened yet. */
export const waitingForSweep: Reason = {
  code: 'waiting-for-sweep',
  message:
    'Access is opened as soon as Sallyport has made sure that it can be closed again: its sweep is not through. It ends when it was to end.',
};

/**
 * How old a heartbeat may be, in seconds, for a sweep that runs so often: three periods, so that one that fails and one
 * that is late stop nobody. At least a minute, for a sweep takes its time whatever its period.
 */
export function heartbeatBound(periodSeconds: number): number {
  return Math.max(3 * periodSeconds, 60);
}

/** Milliseconds that are waited for the heartbeat: whoever asks has read rows, and what it closes is not to come too late. */
const patience = 2000;

/** Clocks of workers differ; what is further in the future than this was not said by a clock that is right. */
const tolerance = 60;

/**
 * Judges by the heartbeat in the tables. One that was read is believed until it is too old, so that an open costs no
 * read of its own. What cannot be read is not fresh.
 */
export function createHeartbeat(
  { sweepState, clock, log }: { sweepState: Pick<SweepState, 'heartbeat'>; clock: Clock; log: Log },
  periodSeconds: number,
): Heartbeat {
  const bound = heartbeatBound(periodSeconds);
  let last: Date | undefined;

  function isRecent(at: Date | undefined, now: Date): boolean {
    return at !== undefined && now < secondsAfter(at, bound) && at < secondsAfter(now, tolerance);
  }

  return {
    async isFresh() {
      if (isRecent(last, clock.now())) return true;
      try {
        const read = await Promise.race([
          sweepState.heartbeat(),
          clock.sleep(patience).then(() => Promise.reject(new Error('The heartbeat was not read in time.'))),
        ]);
        last = read === undefined ? undefined : new Date(read);
      } catch (error) {
        log.error('heartbeat-unreadable', { cause: causeOf(error) });
        return false;
      }
      return isRecent(last, clock.now());
    },
  };
}
