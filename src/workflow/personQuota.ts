import type { Quotas } from '../core/quotas.ts';
import type { LiveRows } from '../core/stores.ts';
import { createRefusalQuota, type RefusalQuota } from './refusalQuota.ts';

/** Nobody is taken more from than this; what a person does beyond it is refused and not audited. */
export interface OverQuota {
  kind: 'over-quota';
  code: 'too-many-requests' | 'too-many-live-requests';
  /** A whole sentence. */
  message: string;
  retryAfterSeconds: number;
}

/**
 * What one person may take at a time. Calls and refusals are counted within one process; live requests by the rows, which
 * are only read for somebody of whom this process knows a quarter of the quota: whoever asks now and then costs no read.
 */
export interface PersonQuota extends RefusalQuota {
  /** Counts a call that asks for something. */
  call(objectId: string, now: Date): OverQuota | undefined;
  /** Whether so many calls would be too many; counts none. */
  overCalls(objectId: string, now: Date, calls: number): OverQuota | undefined;
  /** Whether somebody has as many requests that have not ended as they may have, if so many more are asked for. */
  live(
    live: Pick<LiveRows, 'unended'>,
    objectId: string,
    now: Date,
    more?: number,
  ): Promise<OverQuota | undefined>;
  /** Notes a request that was accepted, and when it ends. */
  accepted(objectId: string, end: string): void;
}

/** People remembered at a time; beyond it the oldest are forgotten, so that memory stays bounded. */
const people = 10_000;
const windowSeconds = 60;
/** When to ask again whose grants have to end first: nobody knows which will be ended early. */
const liveRetry = 60;

/** A quota that has counted nobody yet. */
export function createPersonQuota(quotas: Quotas): PersonQuota {
  const windows = new Map<string, { began: number; calls: number }>();
  const ends = new Map<string, number[]>();

  function windowOf(objectId: string, time: number): { began: number; calls: number } {
    const known = windows.get(objectId);
    return known === undefined || time >= known.began + windowSeconds * 1000
      ? { began: time, calls: 0 }
      : known;
  }

  function overCalls(objectId: string, now: Date, calls: number): OverQuota | undefined {
    const time = now.getTime();
    const window = windowOf(objectId, time);
    if (window.calls + calls <= quotas.requestsPerMinute) return undefined;
    return {
      kind: 'over-quota',
      code: 'too-many-requests',
      message: `One person may ask ${quotas.requestsPerMinute} times in a minute. Wait before you ask again.`,
      retryAfterSeconds: Math.max(1, Math.ceil(window.began / 1000 + windowSeconds - time / 1000)),
    };
  }

  return {
    ...createRefusalQuota(),
    overCalls,

    call(objectId, now) {
      const over = overCalls(objectId, now, 1);
      if (over !== undefined) return over;
      const window = windowOf(objectId, now.getTime());
      windows.delete(objectId);
      windows.set(objectId, { ...window, calls: window.calls + 1 });
      forgetOldest(windows);
      return undefined;
    },

    async live(live, objectId, now, more = 1) {
      const most = quotas.liveGrantsPerPerson;
      const own = (ends.get(objectId) ?? []).filter((end) => end > now.getTime());
      if (own.length + more <= Math.ceil(most / 4)) return undefined;
      const rows = await live.unended();
      const count = rows.filter((row) => row.requesterId === objectId && row.endedAt === undefined).length;
      if (count + more <= most) return undefined;
      return {
        kind: 'over-quota',
        code: 'too-many-live-requests',
        message: `You have ${count} requests that have not ended, and one person may have ${most}. End one, or wait until one ends.`,
        retryAfterSeconds: liveRetry,
      };
    },

    accepted(objectId, end) {
      const known = (ends.get(objectId) ?? []).slice(1 - quotas.liveGrantsPerPerson);
      ends.delete(objectId);
      ends.set(objectId, [...known, Date.parse(end)]);
      forgetOldest(ends);
    },
  };
}

function forgetOldest(map: Map<string, unknown>): void {
  const oldest = map.keys().next().value;
  if (map.size > people && oldest !== undefined) map.delete(oldest);
}
