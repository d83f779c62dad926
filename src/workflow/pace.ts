import type { Clock } from '../core/clock.ts';

/** Does a key's work now or soon; resolves when work that began after the call has ended. */
export type Pace = (key: string, work: () => Promise<void>) => Promise<void>;

interface Lane {
  /** When the next work may begin. */
  free: Promise<void>;
  next?: Promise<void>;
}

/**
 * Makes a Pace: work of one key runs once at a time with a pause after it, and all who come meanwhile share the one that
 * is next. However many call, a key's work begins once per pause. The work must not reject.
 */
export function createPace(clock: Pick<Clock, 'sleep'>, pauseSeconds: number): Pace {
  const lanes = new Map<string, Lane>();

  function begin(key: string, work: () => Promise<void>): Promise<void> {
    const done = work();
    const lane: Lane = { free: done.then(() => clock.sleep(pauseSeconds * 1000)) };
    lanes.set(key, lane);
    void lane.free.then(() => {
      if (lane.next === undefined) lanes.delete(key);
    });
    return done;
  }

  return (key, work) => {
    const lane = lanes.get(key);
    if (lane === undefined) return begin(key, work);
    lane.next ??= lane.free.then(() => begin(key, work));
    return lane.next;
  };
}
