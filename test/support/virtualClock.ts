import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

interface Sleeper {
  at: number;
  order: number;
  wake: () => void;
}

/** A clock that a test drives: time passes only while nothing else can happen. */
export interface VirtualClock extends Clock {
  /** Runs work to its end, letting time jump to the next sleeper whenever everything waits. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Lets time pass up to an instant, waking sleepers on the way. */
  advanceTo(instant: Date): Promise<void>;
}

export function virtualClock(start: Date): VirtualClock {
  let now = start.getTime();
  let order = 0;
  let sleepers: Sleeper[] = [];

  function next(): Sleeper | undefined {
    return sleepers.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
  }

  async function wakeNext(until: number): Promise<boolean> {
    const sleeper = next();
    if (sleeper === undefined || sleeper.at > until) return false;
    sleepers = sleepers.filter((other) => other !== sleeper);
    now = Math.max(now, sleeper.at);
    sleeper.wake();
    await quiet();
    return true;
  }

  return {
    now: () => new Date(now),
    sleep: (milliseconds) =>
      new Promise((wake) => {
        order += 1;
        sleepers.push({ at: now + milliseconds, order, wake });
      }),
    async run(work) {
      let settled = false as boolean;
      const done = work.finally(() => {
        settled = true;
      });
      done.catch(() => undefined);
      await quiet();
      while (!settled) {
        if (!(await wakeNext(Number.POSITIVE_INFINITY))) await quiet();
      }
      return done;
    },
    async advanceTo(instant) {
      await quiet();
      while (await wakeNext(instant.getTime()));
      now = Math.max(now, instant.getTime());
    },
  };
}

/** Lets everything that needs no time happen. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}
