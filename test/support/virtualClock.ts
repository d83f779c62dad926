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
  /** How many sleepers have been woken so far. */
  woken(): number;
}

export function virtualClock(start: Date): VirtualClock {
  let now = start.getTime();
  let order = 0;
  let woken = 0;
  /** A binary heap: the sleeper that is due first, and of those the one that lay down first, stands at the top. */
  const sleepers: Sleeper[] = [];

  function add(sleeper: Sleeper): void {
    let place = sleepers.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = sleepers[above];
      if (parent === undefined || isBefore(parent, sleeper)) break;
      sleepers[place] = parent;
      place = above;
    }
    sleepers[place] = sleeper;
  }

  function takeFirst(): void {
    const last = sleepers.pop();
    if (last === undefined || sleepers.length === 0) return;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const [one, other] = [sleepers[left], sleepers[left + 1]];
      const smaller = other !== undefined && one !== undefined && isBefore(other, one) ? left + 1 : left;
      const child = sleepers[smaller];
      if (child === undefined || isBefore(last, child)) break;
      sleepers[place] = child;
      place = smaller;
    }
    sleepers[place] = last;
  }

  async function wakeNext(until: number): Promise<boolean> {
    const [sleeper] = sleepers;
    if (sleeper === undefined || sleeper.at > until) return false;
    takeFirst();
    now = Math.max(now, sleeper.at);
    woken += 1;
    sleeper.wake();
    await quiet();
    return true;
  }

  return {
    now: () => new Date(now),
    woken: () => woken,
    sleep: (milliseconds) =>
      new Promise((wake) => {
        order += 1;
        add({ at: now + milliseconds, order, wake });
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

function isBefore(a: Sleeper, b: Sleeper): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Lets everything that needs no time happen: what is in memory goes on in microtasks, all of which come before this. */
async function quiet(): Promise<void> {
  await setImmediate();
}
