import { chainRecord, isLastingPartition, type AuditRecord } from '../../src/core/auditRecord.ts';
import type { AuditCopyState } from '../../src/core/auditCopyState.ts';
import type { AuditSink } from '../../src/core/auditSink.ts';
import { chainSeal } from '../../src/core/seal.ts';
import { copyAudit } from '../../src/workflow/copyAudit.ts';
import { requestId, sampleRecord } from '../contracts/samples.ts';
import { createMemoryAuditCopyStates } from './memoryAuditCopyStates.ts';
import { createMemoryAuditTrail, createMemorySeals } from './memoryStores.ts';

const minute = 60_000;
const finalEvents = ['request.closed', 'request.denied', 'request.break-glass-reviewed'];

/** What happens to one run of the walker. */
export interface WalkOptions {
  /** Minutes that its clock is ahead. */
  skew?: number;
  /** Which of its effects is its last, and whether that is still done. */
  killed?: { at: number; done: boolean };
  /** Which of its sends fail, and whether what they sent is stored all the same. */
  failing?: (send: number) => 'refused' | 'stored' | undefined;
  /** Partitions that the sink will not have. */
  refused?: readonly string[];
  /** Partitions that cannot be read. */
  unreadable?: readonly string[];
  /** Further sinks. */
  beside?: readonly AuditSink[];
}

/** An audit in memory that grows, is sealed as the sweep seals it, and is copied to one sink. */
export function copyWorld(start: Date, limit?: number) {
  let now = start.getTime();
  const at = (minutesAgo = 0) => new Date(now - minutesAgo * minute).toISOString();
  const audit = createMemoryAuditTrail(() => new Date(now));
  const seals = createMemorySeals();
  const states = createMemoryAuditCopyStates();
  const inserted = new Map<string, { records: AuditRecord[]; last: number; sealed: number }>();
  const received: AuditRecord[] = [];
  const logged: { level: string; message: string; facts: Record<string, unknown> }[] = [];
  const calls: string[] = [];
  let names = 0;

  async function append(
    partition: string,
    event: string,
    { minutesAgo = 0, isBreakGlass = false, isIndexed = true } = {},
  ): Promise<void> {
    const found = inserted.get(partition) ?? { records: [], last: now, sealed: 0 };
    const reasons = isBreakGlass ? [{ code: 'break-glass' as const, message: 'Approval was skipped.' }] : [];
    const content = sampleRecord(partition, at(minutesAgo), { event, reasons });
    if (isIndexed && (found.records.length === 0 || isLastingPartition(partition)))
      await audit.index(content);
    const record = chainRecord(content, found.records.at(-1));
    await audit.insert(record);
    inserted.set(partition, { ...found, records: [...found.records, record], last: now });
  }

  function mayBeSealed(
    partition: string,
    { records, last }: { records: AuditRecord[]; last: number },
  ): boolean {
    const day = /^unauthenticated-(.+)$/.exec(partition)?.[1];
    if (day !== undefined) return now > Date.parse(day) + 24 * 60 * minute + 5 * minute;
    if (isLastingPartition(partition)) return now > last + 5 * minute;
    return finalEvents.includes(records.at(-1)?.event ?? '');
  }

  return {
    received,
    logged,
    /** Of the walkers' calls of the stores and the sink, those of the last run. */
    calls,
    inserted: () => [...inserted].map(([partition, { records }]) => ({ partition, records })),
    pass(minutes: number) {
      now += minutes * minute;
    },
    append,
    /** A partition's name that no other has. */
    newName: () => requestId(`request ${(names += 1)}`),
    /** An entry of the index whose record is still to be written. */
    index: (partition: string, minutesAgo = 0) => audit.index(sampleRecord(partition, at(minutesAgo))),
    today: () => `unauthenticated-${at().slice(0, 10)}`,
    /** The day's refused credentials, indexed under its beginning. */
    async refuse() {
      const partition = `unauthenticated-${at().slice(0, 10)}`;
      if (!inserted.has(partition)) {
        await audit.index(sampleRecord(partition, `${at().slice(0, 10)}T00:00:00.000Z`));
      }
      await append(partition, 'unauthenticated', { isIndexed: false });
    },
    async seal() {
      const due = [...inserted].filter(
        ([partition, each]) => each.records.length > each.sealed && mayBeSealed(partition, each),
      );
      if (due.length === 0) return;
      const sealed = due.map(([partition, { records }]) => ({
        partition,
        count: records.length,
        headHash: records.at(-1)?.hash ?? '',
      }));
      await seals.insert(chainSeal({ at: at(), sealed, indexedUpTo: at(5) }, await seals.newest()));
      for (const [, each] of due) each.sealed = each.records.length;
    },
    state: async (): Promise<AuditCopyState | undefined> => (await states.get('sink'))?.row,
    async walk(options: WalkOptions = {}): Promise<void> {
      const { skew = 0, killed, failing, refused = [], unreadable = [], beside = [] } = options;
      let effects = 0;
      let sends = 0;
      calls.length = 0;
      const effect = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
        effects += 1;
        const isLast = killed !== undefined && effects === killed.at;
        if (killed !== undefined && (effects > killed.at || (isLast && !killed.done)))
          throw new Error('Killed.');
        calls.push(name);
        const result = await work();
        if (isLast) throw new Error('Killed.');
        return result;
      };
      const sink: AuditSink = {
        name: 'sink',
        send: (records) =>
          effect('sink.send', () => {
            sends += 1;
            const isRefused = records.some(({ partition }) => refused.includes(partition));
            const fault = isRefused ? 'refused' : failing?.(sends);
            if (fault !== 'refused') received.push(...records);
            return fault === undefined ? Promise.resolve() : Promise.reject(new Error('The sink fails.'));
          }),
      };
      const log =
        (level: string) =>
        (message: string, facts: Record<string, unknown> = {}) => {
          logged.push({ level, message, facts });
        };
      await copyAudit(
        {
          audit: {
            read: (partition) =>
              effect('audit.read', () =>
                unreadable.includes(partition)
                  ? Promise.reject(new Error('The row holds no record.'))
                  : audit.read(partition),
              ),
            indexed: (from, to) => effect('audit.indexed', () => audit.indexed(from, to)),
          },
          seals: {
            newest: () => effect('seals.newest', () => seals.newest()),
            after: (number) => effect('seals.after', () => seals.after(number)),
          },
          states: {
            get: (name) => effect('states.get', () => states.get(name)),
            insert: (name, state) => effect('states.insert', () => states.insert(name, state)),
            replace: (name, state, etag) => effect('states.replace', () => states.replace(name, state, etag)),
          },
          clock: { now: () => new Date(now + skew * minute) },
          log: { info: log('info'), warn: log('warn'), error: log('error') },
        },
        [sink, ...beside],
        limit,
      );
    },
  };
}

export type CopyWorld = ReturnType<typeof copyWorld>;

/** What the sink lacks, or got before what comes before it. */
export function missing({ received, inserted }: CopyWorld): string[] {
  const problems: string[] = [];
  const got = new Map<string, number>();
  for (const { partition, sequence } of received) {
    const before = got.get(partition) ?? 0;
    if (sequence > before + 1) problems.push(`${partition}: ${sequence} after ${before}`);
    got.set(partition, Math.max(before, sequence));
  }
  for (const { partition, records } of inserted()) {
    if (got.get(partition) !== records.length && records.length > 0) {
      problems.push(`${partition}: ${got.get(partition) ?? 0} of ${records.length}`);
    }
  }
  return problems;
}

/** Records that the sink got more than once. */
export function doubled({ received }: CopyWorld): string[] {
  const names = received.map(({ partition, sequence }) => `${partition} ${sequence}`);
  return names.filter((name, index) => names.indexOf(name) !== index);
}
