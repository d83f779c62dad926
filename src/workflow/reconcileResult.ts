import type { SeenGrant } from '../core/accessRequest.ts';
import type { ReadNsgResult } from '../core/network.ts';
import type { WithoutRows } from '../core/planWithoutRows.ts';
import type { Reason } from '../core/reason.ts';
import type { Seen } from './closeByRule.ts';
import { limits } from './dependencies.ts';
import type { Held } from './holdBack.ts';

/** What an NSG that needs no write shows of a baseline. */
export type BaselineStanding =
  /** All of its rules are there. */
  | { state: 'standing' }
  /** They are, and a rule of somebody else that comes first may let in what they keep shut. */
  | { state: 'bypassed'; by: string; reason: Reason }
  /** Not all of its rules find room. */
  | { state: 'no-capacity'; reason: Reason }
  /** It was ended, and none of its rules is there. */
  | { state: 'gone' };

/** What a reconcile found out about one NSG. Nothing here is an answer to "accepted": only to "read back". */
export type ReconcileResult =
  /**
   * A plan over an NSG and rows read after the last write is empty, and the NSG is `Succeeded`; grants that are not open yet
   * apart, where they are held back or left to whoever reconciles next.
   */
  | {
      kind: 'converged';
      /** Requests whose rules are all there. */
      admitted: ReadonlySet<string>;
      /** Requests that have any rule there that may admit. */
      present: ReadonlySet<string>;
      /** Requests that cannot be opened on this NSG as it stands. */
      refused: ReadonlyMap<string, Reason>;
      /** What was read back of each grant that is open, or over and shut. */
      seen: ReadonlyMap<string, SeenGrant>;
      /** What was read back of each baseline that has a row, by the canonical id of its virtual machine. */
      baselines: ReadonlyMap<string, BaselineStanding>;
      /** When the NSG that this rests on was asked for. */
      readAt: Date;
      /** Grants that wait, for what is left of the write budget is kept for closes. */
      held?: Held;
    }
  /** The NSG is no more. */
  | { kind: 'gone'; reason: Reason }
  /** Trying the same again cannot cure it. Where the NSG was read, `seen` says what is there all the same. */
  | { kind: 'refused'; reason: Reason; seen?: Seen }
  /** There are no rows to go by: what was over by itself, or all of ours, was closed, and nothing opened. */
  | { kind: 'without-rows'; tables: WithoutRows; reason: Reason; seen: Seen }
  /** Not settled yet: call again. */
  | { kind: 'again'; afterSeconds: number; reason: Reason };

export interface ReconcileCall {
  correlationId: string;
  /** A close waits more briefly for somebody else's operation than an open. */
  purpose: 'open' | 'close';
  /** Whose step asks: it notes itself what was read back of this grant, with its next change. */
  requestId?: string;
  /** Something is told of this NSG, or not audited yet: whether it is still so is to be found out. */
  revisit?: boolean;
  /** The tables may be lost: their marker is looked for even where every rule of ours has a row. */
  areTablesDoubted?: boolean;
  /** Whether somebody waits to reconcile the same NSG next: what came later is left to them. */
  isAwaited?: () => boolean;
}

export type Reconcile = (nsgId: string, call: ReconcileCall) => Promise<ReconcileResult>;

/** What Azure answers to a read, and to a write, that leaves nothing to do in this call. */
type FinalAnswer = Extract<ReadNsgResult, { kind: 'not-found' | 'not-permitted' | 'throttled' }>;

/** The end of a reconcile whose read or write was answered so. */
export function endedBy(answer: FinalAnswer): ReconcileResult {
  const { kind, message } = answer;
  switch (kind) {
    case 'not-found':
      return { kind: 'gone', reason: { code: 'target-gone', message } };
    case 'not-permitted':
      return { kind: 'refused', reason: { code: 'not-permitted', message } };
    case 'throttled':
      return again(answer.retryAfterSeconds, { code: 'throttled', message });
  }
}

/** Not settled; Azure's own wait is obeyed as far as a port may wait to be shut. */
export function again(afterSeconds: number, reason: Reason): ReconcileResult {
  return { kind: 'again', afterSeconds: Math.min(afterSeconds, limits.longestPause), reason };
}
