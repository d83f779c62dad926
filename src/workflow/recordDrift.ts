import { isDeepStrictEqual } from 'node:util';
import { isRunning, type AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { chainRecord, type UnsealedAuditRecord } from '../core/auditRecord.ts';
import type { Drift } from '../core/driftFinding.ts';
import type { DriftPortion } from '../core/driftPortion.ts';
import { driftEventName, driftPartition, type DriftEntry, type NsgRecord } from '../core/nsgRecord.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { LiveRows, Stored } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { promptly, readWhole } from './recordJournal.ts';
import { settle } from './settle.ts';

export type RecordDependencies = Pick<Dependencies, 'nsgs' | 'requests' | 'live' | 'audit' | 'clock' | 'log'>;

/** What of this has not been told while the record says so. */
export function untold(found: readonly Drift[], record: NsgRecord | undefined): Drift[] {
  if (record === undefined) return [...found];
  return found.filter(
    ({ key, rule, accepted }) =>
      !(key in record.told) &&
      !record.journal.some(
        (entry) =>
          accepted !== undefined && entry.rule === rule && isDeepStrictEqual(entry.accepted, accepted),
      ),
  );
}

/** Milliseconds that what is to be put right waits until it is noted, in tables that may be anything. */
const patience = 2000;

/** What this work on the notes of an NSG returns; undefined where it takes too long. Throws what the work throws. */
export function within<T>(clock: Dependencies['clock'], work: () => Promise<T>): Promise<T | undefined> {
  return Promise.race([work(), clock.sleep(patience).then(() => undefined)]);
}

/** The same, and undefined also where it fails, which is logged: no port waits for it. */
export async function inTime<T>(
  { clock, log }: Pick<Dependencies, 'clock' | 'log'>,
  facts: { nsgId: string; correlationId: string },
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await within(clock, work);
  } catch (error) {
    const { nsgId, correlationId } = facts;
    log.error('drift-not-recorded', { nsgId, correlationId, cause: causeOf(error) });
    return undefined;
  }
}

/**
 * Notes decisions on drift in the record of their NSG, before anything is done about them: only if the record is still
 * what it was before that NSG was read, so that of several workers one tells. `changed` if it is not: look again.
 */
export async function journalDrift(
  { nsgs, audit }: Pick<Dependencies, 'nsgs' | 'audit'>,
  nsgId: string,
  stored: Stored<NsgRecord> | undefined,
  { listed, counted }: DriftPortion,
  noticed: { at: Date; correlationId: string },
): Promise<'journaled' | 'changed'> {
  const at = noticed.at.toISOString();
  const entries = listed.map(
    ({ event, rule, requestId, virtualMachineId, accepted, reasons }): UnnumberedEntry => ({
      event,
      at,
      rule,
      correlationId: noticed.correlationId,
      reasons,
      ...(requestId === undefined ? {} : { requestId }),
      ...(virtualMachineId === undefined ? {} : { virtualMachineId }),
      ...(accepted === undefined ? {} : { accepted }),
    }),
  );
  // What is accepted is desired from then on and not found again; what is put right may come again.
  const told = [...listed, ...counted]
    .filter(({ accepted }) => accepted === undefined)
    .map(({ key }) => [key, at]);
  const record = await withEntries(audit, nsgId, stored?.row, entries);
  const next = { ...record, told: { ...record.told, ...(Object.fromEntries(told) as NsgRecord['told']) } };
  return storeRecord(nsgs, next, stored?.etag);
}

export type UnnumberedEntry = Omit<DriftEntry, 'number'>;

/** The record of an NSG, or its first one, with these at the end of its journal. Throws what the audit throws. */
export async function withEntries(
  audit: Dependencies['audit'],
  nsgId: string,
  before: NsgRecord | undefined,
  entries: readonly UnnumberedEntry[],
): Promise<NsgRecord> {
  const record: NsgRecord = before ?? { nsgId, told: {}, journal: [], recorded: 0 };
  const isFirst = record.recorded === 0 && record.journal.length === 0;
  // A record that was lost begins anew; the audit goes on where it was.
  const recorded = isFirst ? (await audit.read(driftPartition(nsgId))).length : record.recorded;
  const last = record.journal.at(-1)?.number ?? recorded;
  const journal = entries.map((entry, index): DriftEntry => ({ number: last + index + 1, ...entry }));
  const next: NsgRecord = { ...record, recorded, journal: [...record.journal, ...journal] };
  delete next.isGone;
  return next;
}

/** Inserts the record, or replaces the one of this ETag; `changed` if another is there. */
export async function storeRecord(
  nsgs: Dependencies['nsgs'],
  record: NsgRecord,
  etag: string | undefined,
): Promise<'journaled' | 'changed'> {
  const done = etag === undefined ? await nsgs.insert(record) : await nsgs.replace(record, etag);
  return done === 'inserted' || done === 'replaced' ? 'journaled' : 'changed';
}

/**
 * Carries out what is journaled, in order: the request's row and its live rows take what was accepted, the audit gets its
 * record, the journal is emptied. `outdated` are keys, with their instants, of what is told and no longer so.
 *
 * May be killed anywhere, repeated and raced at will: an entry has one number, and its record is made from it alone.
 * Returns whether anything was accepted. Throws what the stores throw, or when the audit has a gap.
 */
export async function completeDrift(
  dependencies: RecordDependencies,
  nsgId: string,
  outdated: NsgRecord['told'] = {},
): Promise<boolean> {
  const { nsgs } = dependencies;
  let hasAccepted = false;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const stored = await nsgs.get(nsgId);
    if (stored === undefined) return hasAccepted;
    const { row } = stored;
    const told = Object.fromEntries(Object.entries(row.told).filter(([key, at]) => outdated[key] !== at));
    const isSame = Object.keys(told).length === Object.keys(row.told).length;
    if (row.journal.length === 0 && isSame) return hasAccepted;
    for (const entry of row.journal) {
      hasAccepted = (await accept(dependencies, row.nsgId, entry)) || hasAccepted;
    }
    const next = { ...row, ...(await recordAll(dependencies, row)), told };
    if ((await nsgs.replace(next, stored.etag)) === 'replaced' && next.journal.length === 0) {
      return hasAccepted;
    }
  }
  throw new Error(`The record of ${nsgId} was changed by others ten times in a row.`);
}

/** Notes in the request's row, and in its live rows, what is accepted of one of its rules. */
async function accept(
  dependencies: RecordDependencies,
  nsgId: string,
  { requestId, accepted }: DriftEntry,
): Promise<boolean> {
  const { requests, live, clock } = dependencies;
  if (requestId === undefined || accepted === undefined) return false;
  const seenAt = clock.now();
  const known = await requests.get(requestId);
  if (known === undefined) return shutOrphan(live, nsgId, requestId);
  const { stored } = await changeRequest(
    requests,
    requestId,
    (current) => withAccepted(current, nsgId, accepted),
    known,
  );
  await settle(dependencies, stored.row, seenAt);
  return true;
}

/**
 * Has a live row without a request want nothing any more: tables were lost while it was written, and nobody would end it.
 * Whoever changes it meanwhile is found by the next look.
 */
async function shutOrphan(live: LiveRows, nsgId: string, requestId: string): Promise<boolean> {
  const stored = await live.get(nsgId, requestId);
  if (stored === undefined || !isRunning(stored.row)) return false;
  const shut = { ...stored.row, version: stored.row.version + 1, state: 'closing' } as const;
  return (await live.replace(shut, stored.etag)) === 'replaced';
}

/** The request with this form of the rule as its desired one; undefined if it is so already, or is over. */
function withAccepted(
  request: AccessRequest,
  nsgId: string,
  { number, form }: NonNullable<DriftEntry['accepted']>,
): AccessRequest | undefined {
  if (!isRunning(request)) return undefined;
  const isThis = (target: { nsgId: string }) => canonicalId(target.nsgId) === canonicalId(nsgId);
  const current = request.targets.find(isThis)?.accepted?.[number];
  if (isDeepStrictEqual(current, form)) return undefined;
  return {
    ...request,
    version: request.version + 1,
    targets: request.targets.map((target) =>
      isThis(target) ? { ...target, accepted: { ...target.accepted, [number]: form } } : target,
    ),
  };
}

/** Inserts the records that are missing; where a number was given twice, says how the journal goes on instead. */
async function recordAll(
  dependencies: RecordDependencies,
  { nsgId, journal }: NsgRecord,
): Promise<Pick<NsgRecord, 'journal' | 'recorded'>> {
  const { audit, clock } = dependencies;
  const partition = driftPartition(nsgId);
  let present = await readWhole(partition, audit, 0);
  for (const [index, entry] of journal.entries()) {
    const record = chainRecord(await recordOf(dependencies, nsgId, entry), present[entry.number - 2]);
    const existing = present[entry.number - 1];
    if (existing?.hash === record.hash) continue;
    if (existing !== undefined || entry.number !== present.length + 1) {
      // The record of the NSG was lost once and began anew, and so did its numbers.
      const rest = journal.slice(index);
      const renumbered = rest.map((each, place) => ({ ...each, number: present.length + place + 1 }));
      return { journal: renumbered, recorded: present.length };
    }
    const isLate = clock.now() > secondsAfter(new Date(entry.at), promptly);
    await audit.index(record);
    // Seals look for what is new by instant.
    if (isLate) await audit.index({ ...record, at: clock.now().toISOString() });
    if ((await audit.insert(record)) === 'exists') {
      present = await audit.read(partition);
      if (present[entry.number - 1]?.hash !== record.hash) return { journal, recorded: entry.number - 1 };
    } else {
      present = [...present, record];
    }
  }
  return { journal: [], recorded: present.length };
}

/** Made from the entry and from what never changes of its request, so that a later attempt says the same. */
async function recordOf(
  { requests }: Pick<Dependencies, 'requests'>,
  nsgId: string,
  entry: DriftEntry,
): Promise<UnsealedAuditRecord> {
  const { rule, requestId, requestIds, virtualMachineId, accepted } = entry;
  const details = {
    ...(rule === undefined ? {} : { rule }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(requestIds === undefined ? {} : { requestIds }),
    ...(virtualMachineId === undefined ? {} : { virtualMachineId }),
    ...(accepted === undefined || accepted.form === 'absent'
      ? {}
      : { accepted: JSON.stringify(accepted.form) }),
  };
  const request = requestId === undefined ? undefined : (await requests.get(requestId))?.row;
  return {
    partition: driftPartition(nsgId),
    event: driftEventName(entry.event),
    at: entry.at,
    actor: 'sallyport',
    ...(request === undefined
      ? {}
      : {
          requester: {
            objectId: request.requester.objectId,
            displayName: request.requester.displayName,
          },
          virtualMachines: request.virtualMachines,
        }),
    networkSecurityGroups: [nsgId],
    reasons: entry.reasons,
    correlationId: entry.correlationId,
    details,
  };
}
