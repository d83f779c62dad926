import type { AccessRequest, JournalEntry } from './accessRequest.ts';
import { canonicalJson, hashOfRecord, type AuditRecord } from './auditRecord.ts';

export type TrailFault =
  /** The content is not what was hashed. */
  | 'changed'
  /** A number is skipped, or the request's row knows of more records than there are. */
  | 'missing'
  /** A number is there twice. */
  | 'duplicate'
  /** A record of another partition, or out of order. */
  | 'misplaced'
  /** A record does not follow from the one before it: one of the two was replaced. */
  | 'broken-chain'
  /** The request's own journal says something else. */
  | 'contradicts-request';

export interface TrailFinding {
  partition: string;
  /** The record that it concerns; of several missing ones the first. */
  sequence: number;
  fault: TrailFault;
  message: string;
}

/** What the row of the request behind a partition knows of its records. */
export interface TrailWitness {
  /** As read before the records: they were there by then. */
  recorded: number;
  /** As read after the records: it holds the entry of every record. */
  journal: readonly JournalEntry[];
}

/**
 * Checks the records of one partition, in the order of their keys, against each other and, where the request's row
 * is at hand, against it.
 *
 * Without a witness it cannot see a truncated end, a partition that is wholly gone, or a last record that was
 * rewritten together with its hash; with one it sees these unless the row was rewritten to match. No finding means
 * consistent, not proven complete.
 */
export function verifyTrail(
  partition: string,
  records: readonly AuditRecord[],
  witness?: TrailWitness,
): TrailFinding[] {
  const findings: TrailFinding[] = [];
  const report = (sequence: number, fault: TrailFault, message: string) =>
    findings.push({ partition, sequence, fault, message });

  let previous: AuditRecord | undefined;
  for (const record of records) {
    const { sequence } = record;
    const expected = (previous?.sequence ?? 0) + 1;
    if (record.partition !== partition) {
      report(sequence, 'misplaced', `Record ${sequence} belongs to partition ${record.partition}.`);
    }
    if (hashOfRecord(record) !== record.hash) {
      report(sequence, 'changed', `Record ${sequence} was changed after it was written: its hash differs.`);
    }
    if (sequence < expected) {
      report(
        sequence,
        sequence === previous?.sequence ? 'duplicate' : 'misplaced',
        sequence === previous?.sequence
          ? `Record ${sequence} is there twice.`
          : `Record ${sequence} stands behind record ${expected - 1}.`,
      );
      continue;
    }
    if (sequence > expected) {
      report(expected, 'missing', `${named(expected, sequence - 1)} missing before record ${sequence}.`);
    } else if (record.previousHash !== (previous?.hash ?? '')) {
      report(sequence, 'broken-chain', `Record ${sequence} does not follow from the record before it.`);
    }
    previous = record;
  }

  if (witness !== undefined) {
    const last = previous?.sequence ?? 0;
    if (last < witness.recorded) {
      report(
        last + 1,
        'missing',
        `${named(last + 1, witness.recorded)} missing at the end: the request's row says that ${witness.recorded} were written.`,
      );
    }
    for (const record of records) {
      const entry = witness.journal[record.sequence - 1];
      if (entry === undefined || !isRecordOf(record, entry)) {
        report(
          record.sequence,
          'contradicts-request',
          `Record ${record.sequence} (${record.event}) is not what the request's journal says.`,
        );
      }
    }
  }
  return findings;
}

/** Whether a record tells of this journal entry. What the row may change later, such as the end, is not compared. */
export function isRecordOf(record: AuditRecord, entry: JournalEntry): boolean {
  return (
    record.sequence === entry.number &&
    record.event === eventOf(entry) &&
    record.at === entry.at &&
    record.actor === entry.actor &&
    canonicalJson(record.reasons) === canonicalJson(entry.reasons)
  );
}

/** The name of a journal entry's event in the audit. */
export function eventOf(
  entry: Pick<JournalEntry, 'event'>,
): `request.${AccessRequest['journal'][0]['event']}` {
  return `request.${entry.event}`;
}

function named(first: number, last: number): string {
  return first === last ? `Record ${first} is` : `Records ${first} to ${last} are`;
}
