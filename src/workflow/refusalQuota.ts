/** How many refusals of one person are worth an audit record each, and in which time. */
const perPerson = { refusals: 20, seconds: 60 } as const;
/** People remembered at a time; beyond it the oldest are forgotten, so that memory stays bounded. */
const people = 10_000;

/** Keeps somebody who is refused again and again from filling the audit. Counts within one process. */
export interface RefusalQuota {
  /** Seconds until this person may ask again; 0 if now. */
  exhausted(objectId: string, now: Date): number;
  count(objectId: string, now: Date): void;
}

/** A quota that has counted nobody yet. */
export function createRefusalQuota(): RefusalQuota {
  const windows = new Map<string, { began: number; refusals: number }>();

  function current(objectId: string, now: Date): { began: number; refusals: number } | undefined {
    const window = windows.get(objectId);
    if (window === undefined || now.getTime() < window.began + perPerson.seconds * 1000) return window;
    windows.delete(objectId);
    return undefined;
  }

  return {
    exhausted(objectId, now) {
      const window = current(objectId, now);
      if (window === undefined || window.refusals < perPerson.refusals) return 0;
      return Math.max(1, Math.ceil((window.began + perPerson.seconds * 1000 - now.getTime()) / 1000));
    },
    count(objectId, now) {
      const window = current(objectId, now) ?? { began: now.getTime(), refusals: 0 };
      windows.set(objectId, { ...window, refusals: window.refusals + 1 });
      const oldest = windows.keys().next().value;
      if (windows.size > people && oldest !== undefined) windows.delete(oldest);
    },
  };
}
