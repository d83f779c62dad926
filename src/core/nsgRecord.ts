import type { Reason } from './reason.ts';

/** What has been said of one NSG: the drift that was decided on, so that each decision is audited once. */
export interface NsgRecord {
  nsgId: string;
  /** What has been told and still holds, so that it is told once: key → instant, ISO 8601. */
  told: Record<string, string>;
  /** Decisions on drift whose audit records are not known to be there yet. */
  journal: DriftEntry[];
  /** Number of the last decision on drift that was audited in the partition of this NSG. */
  recorded: number;
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
] as const;
export type DriftEvent = (typeof driftEvents)[number];

/** One decision on drift; its audit record is made from it, under its number in the NSG's partition. */
export interface DriftEntry {
  /** 1, 2, 3 …: also the sequence number of its audit record. */
  number: number;
  event: DriftEvent;
  /** ISO 8601. */
  at: string;
  /** The rule that it is about. */
  rule: string;
  requestId?: string;
  reasons: Reason[];
}
