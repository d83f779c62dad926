import { finalStates } from '../core/accessRequest.ts';
import type { AuditCopyState, AuditCopyStates, CopiedPartition } from '../core/auditCopyState.ts';
import { isLastingPartition, type AuditRecord } from '../core/auditRecord.ts';
import type { AuditSink } from '../core/auditSink.ts';
import { causeOf } from '../core/cause.ts';
import type { Clock, Log } from '../core/clock.ts';
import type { AuditTrail, Seals, Stored } from '../core/stores.ts';
import { eventOf, refusedEvent } from '../core/verifyTrail.ts';
import { adoptedEvent } from './adoptInstallation.ts';
import { secondsAfter } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { copyLimits, firstState, withNewPartitions } from './partitionsToCopy.ts';

export interface CopyDependencies {
  audit: Pick<AuditTrail, 'read' | 'indexed'>;
  seals: Pick<Seals, 'newest' | 'after'>;
  states: AuditCopyStates;
  clock: Pick<Clock, 'now'>;
  log: Log;
}

const partitionsPerSend = 50;
const partitionsPerRun = 1000;
/** Seconds after which no further partition is read. */
const timeLimit = 40;

/**
 * Sends every sink the audit records that it does not have yet, in order within a partition. May be killed anywhere,
 * repeated and raced at will: a record is sent at least once. Never throws; what failed is logged, and comes again with the
 * next call. One sink's failure does not hold up another.
 */
export async function copyAudit(
  dependencies: CopyDependencies,
  sinks: readonly AuditSink[],
  limit: number = copyLimits.partitions,
): Promise<void> {
  await Promise.all(
    sinks.map(async (sink) => {
      try {
        await copyTo(sink, dependencies, limit);
      } catch (error) {
        dependencies.log.error('audit-copy-failed', { sink: sink.name, cause: causeOf(error) });
      }
    }),
  );
}

async function copyTo(
  sink: AuditSink,
  { audit, seals, states, clock, log }: CopyDependencies,
  limit: number,
): Promise<void> {
  const began = clock.now();
  let stored: Stored<AuditCopyState> | undefined = await states.get(sink.name);
  const before = stored?.row ?? (await firstState(seals, began));
  const state = await withNewPartitions({ audit, seals }, before, began, limit);

  const due = state.partitions.filter(({ rests }) => rests === undefined);
  // Of a sink that fails, one partition at a time: a record that it will not have must hold up no other partition.
  const perSend = before.failures === 0 ? partitionsPerSend : 1;
  const looked = new Map<string, CopiedPartition | 'gone'>();
  let records = 0;
  let savedAt = 0;
  const failures: { partition: string; cause: string; isOfSink: boolean }[] = [];

  for (let start = 0; start < Math.min(due.length, partitionsPerRun); start += perSend) {
    if (failures.length > 0 || clock.now() > secondsAfter(began, timeLimit)) break;
    const chunk = due.slice(start, start + perSend);
    const read = await readAll(chunk);
    const fresh = chunk.flatMap((each) =>
      (read.get(each) ?? []).filter(({ sequence }) => sequence > each.sequence),
    );
    const isSent = fresh.length === 0 || (await send(fresh));
    for (const each of chunk) {
      const found = read.get(each);
      looked.set(each.partition, found === undefined || !isSent ? each : judge(each, found, began));
    }
    if (isSent) records += fresh.length;
    // Between saves a crash has no more than so much sent again.
    if (looked.size - savedAt < partitionsPerSend || failures.length > 0) continue;
    savedAt = looked.size;
    // Another walker is at it as well.
    if (!(await save())) return;
  }
  const left = due.length - looked.size;
  if (records > 0 || left > 0) {
    log.info('audit-copied', { sink: sink.name, records, left, indexedUpTo: state.indexedUpTo });
  }
  const [first] = failures;
  if (first !== undefined) {
    const { partition, cause } = first;
    log.error('audit-copy-failed', { sink: sink.name, partition, cause });
  }
  await save();

  async function readAll(chunk: readonly CopiedPartition[]): Promise<Map<CopiedPartition, AuditRecord[]>> {
    const read = new Map<CopiedPartition, AuditRecord[]>();
    await inParallel(chunk, async (each) => {
      try {
        read.set(each, await audit.read(each.partition));
      } catch (error) {
        failures.push({ partition: each.partition, cause: causeOf(error), isOfSink: false });
      }
    });
    return read;
  }

  async function send(fresh: readonly AuditRecord[]): Promise<boolean> {
    try {
      await sink.send(fresh);
      return true;
    } catch (error) {
      failures.unshift({ partition: fresh[0]?.partition ?? '', cause: causeOf(error), isOfSink: true });
      return false;
    }
  }

  /** Keeps what is known. Those that were looked at go to the end, so that the others have their turn. */
  async function save(): Promise<boolean> {
    const partitions = [
      ...state.partitions.filter(({ partition }) => !looked.has(partition)),
      ...looked.values(),
    ]
      .filter((each) => each !== 'gone')
      .filter((each) => !isOver(each, state, began));
    const hasFailed = failures.some(({ isOfSink }) => isOfSink);
    const next = {
      ...state,
      failures: hasFailed ? before.failures + 1 : 0,
      ranAt: began.toISOString(),
      partitions,
    };
    const saved =
      stored === undefined
        ? await states.insert(sink.name, next)
        : await states.replace(sink.name, next, stored.etag);
    if (saved === 'exists' || saved === 'changed') return false;
    stored = saved;
    return true;
  }
}

/** What is to be expected of a partition all of whose records the sink has. */
function judge(
  { partition, sequence, met, sealed }: CopiedPartition,
  records: readonly AuditRecord[],
  now: Date,
): CopiedPartition | 'gone' {
  const last = records.at(-1);
  const copied: CopiedPartition = {
    partition,
    sequence: Math.max(sequence, last?.sequence ?? 0),
    met,
    ...(sealed && { sealed }),
  };
  const day = /^unauthenticated-(\d{4}-\d{2}-\d{2})$/.exec(partition)?.[1];
  const longAgo = day === undefined ? copyLimits.patience : 24 * 3600 + copyLimits.overlap;
  const isLongAgo = met < secondsAfter(now, -longAgo).toISOString();
  if (last === undefined) return isLongAgo ? 'gone' : copied;
  if (isLastingPartition(partition)) return { ...copied, rests: true };
  if (day === undefined ? !records.some(isLast) : !isLongAgo) return copied;
  // A review may follow much later: a seal names it then.
  return isReviewOpen(records) ? { ...copied, rests: true } : { ...copied, rests: true, endedAt: last.at };
}

const lastEvents: ReadonlySet<string> = new Set([
  ...[...finalStates].map((state) => `request.${state}`),
  refusedEvent,
  adoptedEvent,
]);

function isLast({ event }: AuditRecord): boolean {
  return lastEvents.has(event);
}

function isReviewOpen(records: readonly AuditRecord[]): boolean {
  const reviewed = eventOf({ event: 'break-glass-reviewed' });
  return (
    records.some(({ reasons }) => reasons.some(({ code }) => code === 'break-glass')) &&
    !records.some(({ event }) => event === reviewed)
  );
}

/** Nothing can follow, and nobody names it any more: neither the index, where it is read again, nor a seal. */
function isOver(
  { met, endedAt, sealed }: CopiedPartition,
  { indexedFrom }: AuditCopyState,
  now: Date,
): boolean {
  if (endedAt === undefined || met >= indexedFrom) return false;
  return sealed === true || endedAt < secondsAfter(now, -copyLimits.patience).toISOString();
}
