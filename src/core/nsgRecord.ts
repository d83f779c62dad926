import { createHash } from 'node:crypto';
import type { AcceptedRules } from './accessRequest.ts';
import type { FlushRecord } from './flushConnection.ts';
import type { Reason } from './reason.ts';
import { canonicalId } from './resourceId.ts';

/** What has been said of one NSG: the drift that was decided on, so that each decision is audited once. */
export interface NsgRecord {
  nsgId: string;
  /** What has been told and still holds, so that it is told once: key → instant, ISO 8601. */
  told: Record<string, string>;
  /** Decisions on drift whose audit records are not known to be there yet. */
  journal: DriftEntry[];
  /** Number of the last decision on drift that was audited in the partition of this NSG. */
  recorded: number;
  /** The NSG is no more and no grant goes through it: it is not looked for again. */
  isGone?: true;
  /** `flushConnection` is, or may be, switched on by our doing: what it was. */
  flush?: FlushRecord;
}

export const driftEvents = [
  'rule-deleted',
  'rule-narrowed',
  'rule-widened',
  'rule-tampered',
  'baseline-removed',
  'blocked-by-foreign-rule',
  'bypassed-by-foreign-rule',
  'leftover-closed',
  'late-open-reverted',
  'flush-connection-set',
  'flush-connection-put-back',
  'flush-connection-left',
] as const;
export type DriftEvent = (typeof driftEvents)[number];
/** What we do to `flushConnection`, told in the same journal: `left` as somebody else has it by now. */
export type FlushEvent = Extract<DriftEvent, `flush-connection-${string}`>;

/** One decision on drift, or one change of `flushConnection`; its audit record is made from it, under its number in the NSG's partition. */
export interface DriftEntry {
  /** 1, 2, 3 …: also the sequence number of its audit record. */
  number: number;
  event: DriftEvent;
  /** ISO 8601. */
  at: string;
  /** The rule that it is about; absent where it is about `flushConnection`. */
  rule?: string;
  requestId?: string;
  /** The grants whose end it is about, where they may be several. */
  requestIds?: string[];
  /** Whose baseline it is about: an ARM id. */
  virtualMachineId?: string;
  /** What is accepted of a rule of this number of the grant: to be noted in the request's row. */
  accepted?: { number: number; form: AcceptedRules[string] };
  /** Of the call that noticed it. */
  correlationId: string;
  reasons: Reason[];
}

/** The audit partition of what was decided on one NSG. */
export function driftPartition(nsgId: string): string {
  return `nsg-${createHash('sha256').update(canonicalId(nsgId)).digest('hex').slice(0, 32)}`;
}

/** The name of a decision in the audit. */
export function driftEventName(event: DriftEvent): `nsg.${DriftEvent}` {
  return `nsg.${event}`;
}
