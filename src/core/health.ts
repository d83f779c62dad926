export const healthStatuses = ['ok', 'failing', 'unknown'] as const;
/** `unknown`: it could not be looked at, which says nothing of it. */
export type HealthStatus = (typeof healthStatuses)[number];

/** What a look at one thing came to. */
export type Verdict =
  | { status: 'ok' }
  | {
      status: 'failing' | 'unknown';
      /** A whole sentence of our own, for auditors and administrators: no text of a library or service. */
      reason: string;
      /** Since when, ISO 8601, where that is known from more than having looked. */
      since?: string;
      /** Their text, for the log. */
      cause?: string;
    };

/** Looks at one thing that the app depends on, changing nothing. Whoever calls does not wait for ever, and may be thrown at. */
export type HealthCheck = (call: { correlationId: string }) => Promise<Verdict>;

/** What one sweep did. */
export interface LastSweep {
  /** ISO 8601. */
  began: string;
  ended: string;
  /** It has written the heartbeat. */
  complete: boolean;
  /** The counts of its report, by their names there. */
  counts: Record<string, number>;
  /** Ids of subscriptions in which nothing is looked at, for want of the right to list there. */
  unlistedSubscriptions: string[];
}

/** The newest sweep, complete or not: each replaces the one before. */
export interface LastSweeps {
  newest(): Promise<LastSweep | undefined>;
  note(sweep: LastSweep): Promise<void>;
}

/** A code of a service as it may be shown, after a space; nothing where it is none. */
export function shownCode(code: unknown): string {
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? ` ${code}` : '';
}
