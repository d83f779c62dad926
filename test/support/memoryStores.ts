import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { encodePosition, positionOf } from '../../src/adapters/tables/auditContinuation.ts';
import type { AccessRequest, LiveRow } from '../../src/core/accessRequest.ts';
import type { NsgRecord } from '../../src/core/nsgRecord.ts';
import { isIndexedAt, type AuditRecord, type UnsealedAuditRecord } from '../../src/core/auditRecord.ts';
import type { BaselineRow } from '../../src/core/baseline.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Policies, Policy } from '../../src/core/policy.ts';
import type { Seal } from '../../src/core/seal.ts';
import type {
  AuditPage,
  AuditQuery,
  AuditTrail,
  InstallationMarker,
  LiveRows,
  NsgRecords,
  Requests,
  Seals,
  Stored,
  SweepState,
  UnendedRow,
} from '../../src/core/stores.ts';
import { canonicalId } from '../../src/core/resourceId.ts';

/** Rows under keys, each change with a new ETag; what goes in and out is a copy, as it is with a real table. */
class MemoryTable<Row> {
  readonly #rows = new Map<string, { text: string; etag: string }>();
  #changes = 0;

  get(key: string): Stored<Row> | undefined {
    const found = this.#rows.get(key);
    return found === undefined ? undefined : { row: JSON.parse(found.text) as Row, etag: found.etag };
  }

  /** As Table Storage does for a sender who lost the answer: the same content again is inserted, not refused. */
  insert(key: string, row: Row): Stored<Row> | 'exists' {
    const found = this.#rows.get(key);
    if (found === undefined) return this.put(key, row);
    return found.text === JSON.stringify(row) ? { row, etag: found.etag } : 'exists';
  }

  replace(key: string, row: Row, etag: string): Stored<Row> | 'changed' {
    return this.#rows.get(key)?.etag === etag ? this.put(key, row) : 'changed';
  }

  put(key: string, row: Row): Stored<Row> {
    this.#changes += 1;
    const etag = `W/"${this.#changes}"`;
    this.#rows.set(key, { text: JSON.stringify(row), etag });
    return { row, etag };
  }

  delete(key: string): void {
    this.#rows.delete(key);
  }

  /** In the order of the keys. */
  under(prefix: string): (Stored<Row> & { key: string })[] {
    return [...this.#rows]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { text, etag }]) => ({ key, row: JSON.parse(text) as Row, etag }));
  }
}

/** Requests in memory. */
export function createMemoryRequests(): Requests {
  const table = new MemoryTable<AccessRequest>();
  return {
    get: (id) => Promise.resolve(table.get(id)),
    insert: (request) => Promise.resolve(table.insert(request.id, request)),
    replace: (request, etag) => Promise.resolve(table.replace(request.id, request, etag)),
  };
}

/** Live rows in memory. */
export function createMemoryLiveRows(): LiveRows {
  const rows = new MemoryTable<LiveRow>();
  const baselines = new MemoryTable<BaselineRow>();
  const unended = new MemoryTable<UnendedRow>();
  const keyOf = (nsgId: string, requestId: string) => `${canonicalId(nsgId)} ${requestId}`;
  const baselineKeyOf = (nsgId: string, virtualMachineId: string) =>
    keyOf(nsgId, canonicalId(virtualMachineId));
  const grantsOf = (nsgId: string) => rows.under(keyOf(nsgId, '')).map(({ row, etag }) => ({ row, etag }));
  return {
    ofNsg: (nsgId) => Promise.resolve(grantsOf(nsgId)),
    allOfNsg: (nsgId) =>
      Promise.resolve({
        grants: grantsOf(nsgId),
        baselines: baselines.under(keyOf(nsgId, '')).map(({ row, etag }) => ({ row, etag })),
      }),
    markSeen(nsgId, marks) {
      const changed = marks.flatMap((mark) => {
        if ('requestId' in mark) {
          const key = keyOf(nsgId, mark.requestId);
          return note(rows, key, mark) ? [] : [mark.requestId];
        }
        const key = baselineKeyOf(nsgId, mark.virtualMachineId);
        return note(baselines, key, mark) ? [] : [mark.virtualMachineId];
      });
      return Promise.resolve(changed);
    },
    getBaseline: (nsgId, virtualMachineId) =>
      Promise.resolve(baselines.get(baselineKeyOf(nsgId, virtualMachineId))),
    everyBaseline: () => Promise.resolve(baselines.under('').map(({ row, etag }) => ({ row, etag }))),
    insertBaseline: (row) =>
      Promise.resolve(
        baselines.insert(baselineKeyOf(row.nsgId, row.virtualMachineId), row) === 'exists'
          ? 'exists'
          : 'inserted',
      ),
    replaceBaseline: (row, etag) =>
      Promise.resolve(
        baselines.replace(baselineKeyOf(row.nsgId, row.virtualMachineId), row, etag) === 'changed'
          ? 'changed'
          : 'replaced',
      ),
    removeBaseline(nsgId, virtualMachineId, etag) {
      const key = baselineKeyOf(nsgId, virtualMachineId);
      const found = baselines.get(key);
      if (found !== undefined && found.etag !== etag) return Promise.resolve('changed');
      baselines.delete(key);
      return Promise.resolve('removed');
    },
    get: (nsgId, requestId) => Promise.resolve(rows.get(keyOf(nsgId, requestId))),
    insert: (row) =>
      Promise.resolve(rows.insert(keyOf(row.nsgId, row.requestId), row) === 'exists' ? 'exists' : 'inserted'),
    replace: (row, etag) =>
      Promise.resolve(
        rows.replace(keyOf(row.nsgId, row.requestId), row, etag) === 'changed' ? 'changed' : 'replaced',
      ),
    remove(nsgId, requestId) {
      rows.delete(keyOf(nsgId, requestId));
      return Promise.resolve();
    },
    unended: () => Promise.resolve(unended.under('').map(({ row }) => row)),
    addUnended(row) {
      unended.insert(row.requestId, row);
      return Promise.resolve();
    },
    markEnded(requestId, endedAt) {
      const found = unended.get(requestId);
      if (found !== undefined) unended.put(requestId, { ...found.row, endedAt });
      return Promise.resolve();
    },
    markSealed(requestId) {
      const found = unended.get(requestId);
      if (found !== undefined) unended.put(requestId, { ...found.row, sealed: true });
      return Promise.resolve();
    },
    markUnsealed(requestId) {
      const found = unended.get(requestId);
      if (found !== undefined) {
        const { requestId: id, requesterId, createdAt, endedAt } = found.row;
        unended.put(requestId, {
          ...{ requestId: id, requesterId, createdAt },
          ...(endedAt === undefined ? {} : { endedAt }),
        });
      }
      return Promise.resolve();
    },
    removeUnended(requestId) {
      unended.delete(requestId);
      return Promise.resolve();
    },
  };
}

/** Whether a row that still has this ETag was there to note it. */
function note<Row extends { seen?: unknown }>(
  table: MemoryTable<Row>,
  key: string,
  { etag, seen }: { etag: string; seen: Row['seen'] },
): boolean {
  const found = table.get(key);
  return found !== undefined && table.replace(key, { ...found.row, seen }, etag) !== 'changed';
}

/** Policies in memory. */
export function createMemoryPolicies(): Policies {
  const table = new MemoryTable<Policy>();
  const all = () => table.under('').map(({ row, etag }) => ({ row, etag }));
  return {
    list: () => Promise.resolve(all().filter(({ row }) => row.isDeleted !== true)),
    all: () => Promise.resolve(all()),
    get: (id) => Promise.resolve(table.get(canonicalId(id))),
    insert: (policy) => Promise.resolve(table.insert(canonicalId(policy.id), policy)),
    replace: (policy, etag) => Promise.resolve(table.replace(canonicalId(policy.id), policy, etag)),
  };
}

const perPage = 100;

/** The audit trail in memory. */
export function createMemoryAuditTrail(now: () => Date): AuditTrail {
  const records = new MemoryTable<AuditRecord>();
  const index = new MemoryTable<IndexRow>();
  const read = (partition: string) => records.under(`${partition} `).map(({ row }) => row);

  function query(asked: AuditQuery): AuditPage {
    const { after, to } = positionOf(asked, now());
    const found = index.under('').filter(({ key, row }) => key > after && key < to && admits(asked, row));
    const page: AuditRecord[] = [];
    let position = after;
    for (const { key, row } of found) {
      if (page.length >= perPage) {
        return { records: page, continuation: encodePosition({ after: position, to }) };
      }
      const instant = key.slice(0, key.indexOf('_'));
      const there = read(row.partition).filter((record) => isIndexedAt(record, instant));
      page.push(...there.filter((record) => admits(asked, indexRow(record))));
      position = key;
    }
    return { records: page };
  }

  return {
    read: (partition) => Promise.resolve(read(partition)),
    insert(record) {
      const key = `${record.partition} ${String(record.sequence).padStart(10, '0')}`;
      const sorted = JSON.parse(canonicalJson(record)) as AuditRecord;
      return Promise.resolve(records.insert(key, sorted) === 'exists' ? 'exists' : 'inserted');
    },
    index(record: UnsealedAuditRecord) {
      const key = `${new Date(record.at).toISOString()}_${record.partition}`;
      const [found, row] = [index.get(key)?.row, indexRow(record)];
      index.put(key, {
        ...row,
        requesters: [...(found?.requesters ?? []), ...row.requesters],
        virtualMachines: [...(found?.virtualMachines ?? []), ...row.virtualMachines],
      });
      return Promise.resolve();
    },
    // Within `then`, so that a refused continuation is a rejection, as it is from a real table.
    query: (asked) => Promise.resolve(asked).then(query),
    async *partitions() {
      const all = records.under('').map(({ row }) => row.partition);
      yield* await Promise.resolve(new Set(all));
    },
    indexed(from, to) {
      const found = index.under('').filter(({ key }) => key > from && key < to);
      return Promise.resolve(
        found.map(({ key, row }) => ({ partition: row.partition, at: key.slice(0, key.indexOf('_')) })),
      );
    },
  };
}

/** The chain of seals in memory. */
export function createMemorySeals(): Seals {
  const table = new MemoryTable<Seal>();
  const all = () => table.under('').map(({ row }) => row);
  return {
    newest: () => Promise.resolve(all().at(-1)),
    after: (number) => Promise.resolve(all().filter((seal) => seal.number > number)),
    insert(seal) {
      const sorted = JSON.parse(canonicalJson(seal)) as Seal;
      const inserted = table.insert(String(seal.number).padStart(10, '0'), sorted);
      return Promise.resolve(inserted === 'exists' ? 'exists' : 'inserted');
    },
  };
}

/** What the sweep says, in memory. */
export function createMemorySweepState(): SweepState {
  const marker = new MemoryTable<InstallationMarker>();
  const instants = new MemoryTable<string>();
  const read = (name: string) => Promise.resolve(instants.get(name)?.row);
  const write = (name: string) => (at: string) => {
    instants.put(name, at);
    return Promise.resolve();
  };
  return {
    marker: () => Promise.resolve(marker.get('marker')?.row),
    insertMarker: (made) =>
      Promise.resolve(marker.insert('marker', made) === 'exists' ? 'exists' : 'inserted'),
    heartbeat: () => read('heartbeat'),
    beat: write('heartbeat'),
    listedAt: () => read('listed'),
    listed: write('listed'),
    lostSince: () => read('lost'),
    sayLost(at) {
      instants.insert('lost', at);
      return Promise.resolve();
    },
  };
}

/** Of an installation whose sweep has always just been through. */
export function createBeatingSweepState(clock: Pick<Clock, 'now'>): SweepState {
  const state = createMemorySweepState();
  void state.insertMarker({ madeAt: clock.now().toISOString(), madeBy: 'sallyport' });
  return { ...state, heartbeat: () => Promise.resolve(clock.now().toISOString()) };
}

interface IndexRow {
  partition: string;
  requesters: string[];
  virtualMachines: string[];
}

function indexRow({ partition, requester, virtualMachines = [] }: UnsealedAuditRecord): IndexRow {
  return {
    partition,
    requesters: requester === undefined ? [] : [canonicalId(requester.objectId)],
    virtualMachines: virtualMachines.map(({ id }) => canonicalId(id)),
  };
}

function admits(query: AuditQuery, row: IndexRow): boolean {
  const { virtualMachineId, requesterId } = query;
  return (
    (requesterId === undefined || row.requesters.includes(canonicalId(requesterId))) &&
    (virtualMachineId === undefined || row.virtualMachines.includes(canonicalId(virtualMachineId)))
  );
}

/** What is remembered of NSGs, in memory. */
export function createMemoryNsgRecords(): NsgRecords {
  const table = new MemoryTable<NsgRecord>();
  return {
    get: (nsgId) => Promise.resolve(table.get(canonicalId(nsgId))),
    insert: (record) =>
      Promise.resolve(table.insert(canonicalId(record.nsgId), record) === 'exists' ? 'exists' : 'inserted'),
    replace: (record, etag) =>
      Promise.resolve(
        table.replace(canonicalId(record.nsgId), record, etag) === 'changed' ? 'changed' : 'replaced',
      ),
    nsgIds: () =>
      Promise.resolve(table.under('').flatMap(({ row }) => (row.isGone === true ? [] : [row.nsgId]))),
    unsettled: () =>
      Promise.resolve(
        table
          .under('')
          .map(({ row }) => row)
          .filter(
            ({ journal, told, flush }) =>
              journal.length > 0 || Object.keys(told).length > 0 || flush !== undefined,
          ),
      ),
  };
}
