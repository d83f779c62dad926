import type { Reason } from './reason.ts';

/**
 * What is remembered of one NSG between reconciles: what was last read back as settled, and what has been said of it.
 *
 * It saves reading the NSG again, and tells "deleted by somebody" from "never written". It is evidence and never a wish:
 * losing it costs reads, and opens nothing.
 */
export interface NsgRecord {
  nsgId: string;
  /** What was read back of each grant, by request id. */
  grants: Record<string, SeenGrant>;
  /** What has been told and still holds, so that it is told once: key → instant, ISO 8601. */
  told: Record<string, string>;
  /** Decisions on drift whose audit records are not known to be there yet. */
  journal: DriftEntry[];
  /** Number of the last decision on drift that was audited in the partition of this NSG. */
  recorded: number;
}

/** One grant as the NSG was last seen with it. */
export interface SeenGrant {
  /** Version of the live row that was read together with it. */
  version: number;
  /**
   * `open`: every rule is there, as desired and settled. `shut`: its row was ending before the NSG was read, and no rule
   * of it that may admit was left.
   */
  state: 'open' | 'shut';
  /** While open: number of the rule → hash of its canonical meaning, as read back. */
  rules: Record<string, string>;
  /** Who could newly reach what by the write that was read back, or no longer: sentences for the audit. */
  changes: string[];
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
