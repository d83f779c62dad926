import { canonicalJson, contentHash } from './canonicalJson.ts';
import type { AccessRequest, JournalEntry } from './accessRequest.ts';
import type { AuditRecord } from './auditRecord.ts';
import { nameRange, verifyChain, type ChainFault } from './verifyChain.ts';

export type TrailFault =
  | ChainFault
  /** The request's own journal says something else. */
  | 'contradicts-request'
  /** A seal says something else. */
  | 'contradicts-seal';

export interface TrailFinding {
  partition: string;
  /** The record that it concerns; of several missing ones the first. */
  sequence: number;
  fault: TrailFault;
  message: string;
}

/** That somebody was refused who wanted to decide on a request or to review it: the one record of its partition. */
export const refusedEvent = 'request.decision-refused';

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

  for (const record of records.filter((each) => each.partition !== partition)) {
    const { sequence } = record;
    report(sequence, 'misplaced', `Record ${sequence} belongs to partition ${record.partition}.`);
  }
  const links = records.map((record) => ({
    ...record,
    number: record.sequence,
    contentHash: contentHash(record),
  }));
  for (const { number, fault, message } of verifyChain('Record', links)) report(number, fault, message);

  if (witness !== undefined) {
    const last = Math.max(0, ...records.map(({ sequence }) => sequence));
    if (last < witness.recorded) {
      report(
        last + 1,
        'missing',
        `${nameRange('Record', last + 1, witness.recorded)} missing at the end: the request's row says that ${witness.recorded} were written.`,
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
    canonicalJson(record.reasons) === canonicalJson(entry.reasons) &&
    canonicalJson(record.details?.['changes'] ?? []) === canonicalJson(entry.changes ?? []) &&
    // A record that follows late says when; the journal could not.
    (entry.observedAt === undefined || record.details?.['observedAt'] === entry.observedAt) &&
    record.details?.['comment'] === entry.comment &&
    (entry.correlationId === undefined || record.correlationId === entry.correlationId) &&
    record.details?.['actorName'] === entry.actorName
  );
}

/** The name of a journal entry's event in the audit. */
export function eventOf(
  entry: Pick<JournalEntry, 'event'>,
): `request.${AccessRequest['journal'][0]['event']}` {
  return `request.${entry.event}`;
}
