import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

/** Time that passes only while nothing else can happen, also for libraries that wait with `setTimeout`. */
export interface VirtualTime extends Clock {
  /** Milliseconds since the beginning. */
  elapsed(): number;
  /** Runs work to its end, jumping to the next instant that anybody waits for whenever everything waits. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Calls `wake` after so many milliseconds; the returned function takes that back. */
  after(milliseconds: number, wake: () => void): () => void;
}

interface Sleeper {
  at: number;
  wake: (() => void) | undefined;
}

/** Turns of the event loop in which promises that wait for nothing but each other have settled. */
const turns = 4;

/** `isBusy` says whether something real is under way that must end before time may pass. */
export function createVirtualTime(start: Date, isBusy: () => boolean = () => false): VirtualTime {
  const began = start.getTime();
  let now = began;
  /** The next one last. */
  const sleepers: Sleeper[] = [];

  function after(milliseconds: number, wake: () => void): () => void {
    const sleeper: Sleeper = { at: now + Math.max(0, milliseconds), wake };
    let [low, high] = [0, sleepers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      // Before its equals, so that they wake in the order in which they fell asleep.
      if ((sleepers[middle]?.at ?? 0) > sleeper.at) low = middle + 1;
      else high = middle;
    }
    sleepers.splice(low, 0, sleeper);
    return () => {
      sleeper.wake = undefined;
    };
  }

  function wakeNext(): boolean {
    for (let next = sleepers.pop(); next !== undefined; next = sleepers.pop()) {
      if (next.wake === undefined) continue;
      now = Math.max(now, next.at);
      next.wake();
      return true;
    }
    return false;
  }

  return {
    now: () => new Date(now),
    elapsed: () => now - began,
    sleep: (milliseconds) => new Promise((wake) => after(milliseconds, wake)),
    after,
    async run(work) {
      let settled = false as boolean;
      const done = work.finally(() => {
        settled = true;
      });
      done.catch(() => undefined);
      await quiet(isBusy);
      while (!settled) {
        if (!wakeNext()) throw new Error('Everything waits for something that never comes.');
        await quiet(isBusy);
      }
      return done;
    },
  };
}

async function quiet(isBusy: () => boolean): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await setImmediate();
    if (isBusy()) turn = 0;
  }
}

/**
 * Makes `setTimeout` of this process wait on virtual time: the SDK's poller, its retries and our deadlines have no
 * other clock. For a process that does nothing else.
 */
export function takeOverTimers(time: VirtualTime): void {
  const cancels = new Map<object, () => void>();
  const set = (wake: (...parameters: unknown[]) => void, milliseconds = 0, ...parameters: unknown[]) => {
    const timer = { ref: () => timer, unref: () => timer, hasRef: () => true };
    const cancel = time.after(milliseconds, () => {
      cancels.delete(timer);
      wake(...parameters);
    });
    cancels.set(timer, cancel);
    return timer;
  };
  const clear = (timer: object | undefined) => {
    if (timer === undefined) return;
    cancels.get(timer)?.();
    cancels.delete(timer);
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
}
