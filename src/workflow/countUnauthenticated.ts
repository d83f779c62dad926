import { randomUUID } from 'node:crypto';
import { chainRecord, type AuditRecord, type UnsealedAuditRecord } from '../core/auditRecord.ts';
import { credentialRefusalCodes, type UnauthenticatedCounter } from '../core/caller.ts';
import { causeOf } from '../core/cause.ts';
import type { Log } from '../core/clock.ts';
import type { AuditTrail } from '../core/stores.ts';

/** The end of a day's chain as last seen. */
interface Head {
  partition: string;
  sequence: number;
  hash: string;
  minute: string;
}

const codes: ReadonlySet<string> = new Set(credentialRefusalCodes);

/**
 * Counts refused credentials and records them in the audit, one record a minute at most, for this process and for all
 * that share the tables. Anybody can be refused as often as they like: one record each would let them fill the audit.
 *
 * What finds its minute taken is carried into the next record; what is carried when the process ends is lost. A
 * failing audit is logged and never thrown, and asked again a minute later.
 */
export function createUnauthenticatedCounter(dependencies: {
  audit: AuditTrail;
  log: Log;
}): UnauthenticatedCounter {
  const { audit, log } = dependencies;
  const counts = new Map<string, number>();
  let head: Head | undefined;
  let lastTried = '';

  function add(reason: string, count: number): void {
    counts.set(reason, (counts.get(reason) ?? 0) + count);
  }

  return {
    async refused(reason, now) {
      // The codes are ours; should another text ever arrive here, it stays out of the audit.
      add(codes.has(reason) ? reason : 'other', 1);
      const minute = minuteOf(now.toISOString());
      if (minute <= lastTried) return;
      lastTried = minute;
      const taken = [...counts];
      counts.clear();
      try {
        const result = await recordMinute(audit, head, recordOf(minute, taken), minute);
        head = result.head;
        if (result.recorded) return;
      } catch (error) {
        head = undefined;
        log.error('Refused credentials could not be audited; the count is kept', {
          cause: causeOf(error),
        });
      }
      for (const [code, count] of taken) add(code, count);
    },
  };
}

/** Appends the record unless this minute, or by another clock a later one, has one already. */
async function recordMinute(
  audit: AuditTrail,
  known: Head | undefined,
  record: UnsealedAuditRecord,
  minute: string,
): Promise<{ recorded: boolean; head: Head | undefined }> {
  const { partition } = record;
  let head = known?.partition === partition ? known : await readHead(audit, partition);
  for (;;) {
    if (head !== undefined && head.minute >= minute) return { recorded: false, head };
    if (head === undefined) await audit.index({ ...record, at: `${minute.slice(0, 10)}T00:00:00.000Z` });
    const next = chainRecord(record, head);
    if ((await audit.insert(next)) === 'inserted') return { recorded: true, head: headOf(next) };
    const found = await readHead(audit, partition);
    if (found === undefined || found.sequence < next.sequence) {
      throw new Error(`The audit of ${partition} has a gap before record ${next.sequence}.`);
    }
    head = found;
  }
}

async function readHead(audit: AuditTrail, partition: string): Promise<Head | undefined> {
  const last = (await audit.read(partition)).at(-1);
  return last === undefined ? undefined : headOf(last);
}

function headOf({ partition, sequence, hash, at }: AuditRecord): Head {
  return { partition, sequence, hash, minute: minuteOf(at) };
}

function recordOf(minute: string, counts: readonly (readonly [string, number])[]): UnsealedAuditRecord {
  return {
    partition: `unauthenticated-${minute.slice(0, 10)}`,
    event: 'unauthenticated',
    at: `${minute}:00.000Z`,
    actor: 'nobody',
    reasons: [],
    // Tells two processes' records of one minute apart, which are otherwise often equal.
    correlationId: randomUUID(),
    details: {
      minute,
      count: counts.reduce((sum, [, count]) => sum + count, 0),
      ...Object.fromEntries(counts),
    },
  };
}

/** `2026-11-23T08:05` */
function minuteOf(instant: string): string {
  return instant.slice(0, 16);
}
