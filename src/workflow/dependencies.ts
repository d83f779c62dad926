import type { Authorization } from '../core/authorization.ts';
import type { Clock, Log } from '../core/clock.ts';
import type { Installation } from '../core/installation.ts';
import type { Inventory } from '../core/inventory.ts';
import type { Network } from '../core/network.ts';
import type { Policies } from '../core/policy.ts';
import type { Quotas } from '../core/quotas.ts';
import type { Rights } from '../core/rights.ts';
import type { SecurityAdminRules } from '../core/securityAdminRule.ts';
import type { AuditTrail, LiveRows, NsgRecords, Requests, Seals, SweepState } from '../core/stores.ts';
import type { WriteBudget } from '../core/writeBudget.ts';
import type { Heartbeat } from './heartbeat.ts';

/** Everything outside that the life of a grant touches. */
export interface Dependencies {
  requests: Requests;
  live: LiveRows;
  audit: AuditTrail;
  seals: Seals;
  nsgs: NsgRecords;
  sweepState: SweepState;
  heartbeat: Heartbeat;
  policies: Policies;
  network: Network;
  inventory: Inventory;
  rights: Rights;
  securityAdminRules: SecurityAdminRules;
  authorization: Authorization;
  budget: WriteBudget;
  clock: Clock;
  log: Log;
  installation: Installation;
  quotas: Quotas;
  /** A new unguessable id, 32 lower-case hexadecimal digits. */
  newId: () => string;
}

/** Instants and bounds that several steps share, in seconds. */
export const limits = {
  /** No write is sent later than this after its rows were read (I5). */
  freshness: 5,
  /** What one write call may take before its result counts as unknown. */
  writeTimeout: 20,
  /** A grant that is still not open this long after its start ends failed. */
  openWithin: 300,
  /** Whoever would have to wait longer than this for Azure to take a write that opens is not accepted. */
  admitWithin: 1,
  /** A step waits out an instant that is nearer than this: durable timers fire up to a second early. */
  waitOut: 2,
  /** Reconcile begins no further round after this. */
  reconcile: 20,
  /** How long after its beginning a step still waits for reconcile; an activity must return within 60 s. */
  reconcileWait: 45,
  /** The sweep takes over when a step is overdue by this much. */
  overdue: 15,
  /** Ended rows are kept this long, so that a late writer meets a newer version and not an empty place. */
  keepEnded: 300,
  /** A live row is made only from a request that was read at most this long ago: well within `keepEnded`. */
  insertWithin: 150,
  /** A row without a request is kept this long: its POST may still go on, or be repeated under its key. */
  keepOrphan: 7 * 24 * 3600,
  /** Azure's Retry-After is obeyed up to this; a port that is to be shut waits no longer. */
  longestPause: 300,
  /** A grant that waits for the heartbeat looks again after this, if the sweep has not rung for it before. */
  heartbeatPause: 30,
  /** After this a running reconcile is no longer waited for by new callers: something in it may hang. */
  laneLost: 60,
} as const;

/** The instant so many seconds later, or earlier if they are negative. */
export function secondsAfter(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000);
}
