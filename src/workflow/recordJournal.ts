import type { AccessRequest, JournalEntry } from '../core/accessRequest.ts';
import { chainRecord, type AuditRecord, type UnsealedAuditRecord } from '../core/auditRecord.ts';
import type { Decision } from '../core/reason.ts';
import type { AuditTrail } from '../core/stores.ts';
import { eventOf, isRecordOf } from '../core/verifyTrail.ts';
import type { Submission } from './contracts.ts';
import { secondsAfter } from './dependencies.ts';

/** A record that is made later than this after what it tells, in seconds, says when it was made, or is found by that. */
export const promptly = 60;

/** The records of one request, as far as somebody has read them. */
export interface KnownRecords {
  records?: readonly AuditRecord[];
}

/**
 * Completes the audit records of one request, one for each journal entry and under its number.
 * Returns the number of the last journal entry, whose record is now known to be there. Throws an Error when what is
 * there is not what the journal says, or when records that were known to be there are gone; storage errors pass
 * through. May be repeated and raced at will. `known` is what the caller has read of the records, and is brought up to
 * date: records are never changed, and one that others have added meanwhile is met when the same number is inserted.
 */
export async function recordJournal(
  request: AccessRequest,
  audit: AuditTrail,
  now: Date,
  known: KnownRecords = {},
): Promise<number> {
  const last = request.journal.length;
  if (request.recorded >= last) return last;
  let present =
    known.records !== undefined && known.records.length >= request.recorded
      ? known.records
      : await readWhole(request.id, audit, 0);
  checkAgainst(request, present);
  for (;;) {
    known.records = present;
    const entry = request.journal[present.length];
    if (entry === undefined) return last;
    const appended = await append(recordOf(request, entry, now), present, audit);
    if (appended === 'exists') {
      present = await readWhole(request.id, audit, present.length + 1);
      checkAgainst(request, present);
    } else {
      present = [...present, appended];
    }
  }
}

export interface DeniedSubmission {
  /** A new id, 32 lower-case hexadecimal digits; never one that a request may have. */
  id: string;
  /** When it was denied, ISO 8601. */
  at: string;
  submission: Submission;
  decision: Decision;
  /** It was more time for this request. */
  extensionOf?: Pick<AccessRequest, 'id' | 'virtualMachines'>;
}

/**
 * Records that a submission was denied: it has no request row, only this, the one record of its partition.
 * May be repeated. Throws an Error when the id has another record; storage errors pass through.
 */
export async function recordDenied(denied: DeniedSubmission, audit: AuditTrail): Promise<void> {
  await recordAlone(recordOfDenied(denied), audit);
}

/**
 * Records something that is the one record of its partition. May be repeated. Throws an Error when the partition has
 * another record; storage errors pass through.
 */
export async function recordAlone(record: UnsealedAuditRecord, audit: AuditTrail): Promise<void> {
  if ((await append(record, [], audit)) === 'exists') {
    throw new Error(`The audit of ${record.partition} has a record already: an id was used twice.`);
  }
}

/**
 * Inserts the next record of a partition, chained to the one before it.
 * The index comes first: a crash in between leaves an entry without records, which is harmless; the other way round
 * it would leave a record that nobody finds.
 */
async function append(
  next: UnsealedAuditRecord,
  present: readonly AuditRecord[],
  audit: AuditTrail,
): Promise<AuditRecord | 'exists'> {
  if (present.length === 0) await audit.index(next);
  const record = chainRecord(next, present.at(-1));
  return (await audit.insert(record)) === 'inserted' ? record : 'exists';
}

/**
 * Reads a partition that must be without gaps, of as many records at least. Throws an Error where it is not: nothing can be
 * appended then, and somebody must look.
 */
export async function readWhole(
  partition: string,
  audit: AuditTrail,
  atLeast: number,
): Promise<AuditRecord[]> {
  const present = await audit.read(partition);
  const whole = present.every((record, index) => record.sequence === index + 1);
  if (!whole || present.length < atLeast) {
    throw new Error(
      `The audit of ${partition} has a gap: it holds ${present.length} records, not in sequence.`,
    );
  }
  return present;
}

function checkAgainst(request: AccessRequest, present: readonly AuditRecord[]): void {
  if (present.length < request.recorded) {
    throw new Error(
      `The audit of request ${request.id} has ${present.length} records where ${request.recorded} were written.`,
    );
  }
  for (const entry of request.journal.slice(0, present.length)) {
    const record = present[entry.number - 1];
    if (record === undefined || !isRecordOf(record, entry)) {
      throw new Error(
        `The audit of request ${request.id} contradicts its journal at ${entry.number}: ` +
          `${record?.event ?? 'nothing'} where ${eventOf(entry)} is expected.`,
      );
    }
  }
}

/** Made from the row, so that a later attempt at the same record says the same, but for that it is later. */
function recordOf(request: AccessRequest, entry: JournalEntry, now: Date): UnsealedAuditRecord {
  const { objectId, displayName } = request.requester;
  const { changes, comment, actorName } = entry;
  const isLate = now > secondsAfter(new Date(entry.at), promptly);
  const observedAt = entry.observedAt ?? (isLate ? now.toISOString() : undefined);
  const details = {
    ...(changes === undefined || changes.length === 0 ? {} : { changes }),
    ...(observedAt === undefined ? {} : { observedAt }),
    ...(comment === undefined ? {} : { comment }),
    ...(actorName === undefined ? {} : { actorName }),
  };
  return {
    partition: request.id,
    event: eventOf(entry),
    at: entry.at,
    actor: entry.actor,
    requester: { objectId, displayName },
    virtualMachines: request.virtualMachines,
    networkSecurityGroups: [...new Set(request.targets.map(({ nsgId }) => nsgId))],
    from: request.start,
    until: request.end,
    justification: request.justification,
    reasons: entry.reasons,
    correlationId: entry.correlationId ?? request.correlationId,
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}

function recordOfDenied({
  id,
  at,
  submission,
  decision,
  extensionOf,
}: DeniedSubmission): UnsealedAuditRecord {
  const { objectId, displayName } = submission.requester;
  return {
    partition: id,
    event: eventOf({ event: 'denied' }),
    at,
    actor: 'sallyport',
    requester: { objectId, displayName },
    // A protocol that was left out would have come from the policy.
    virtualMachines:
      extensionOf?.virtualMachines ??
      submission.virtualMachines.map((virtualMachine) => ({
        id: virtualMachine.id,
        ports: virtualMachine.ports.map(({ number, protocol, allowedSourceAddressPrefix }) => ({
          number,
          protocol: protocol ?? '*',
          allowedSourceAddressPrefixes: [allowedSourceAddressPrefix],
        })),
      })),
    justification: submission.justification,
    reasons: decision.reasons,
    correlationId: submission.correlationId,
    details: {
      duration: submission.duration,
      ...(extensionOf === undefined ? {} : { extensionOf: extensionOf.id }),
    },
  };
}
