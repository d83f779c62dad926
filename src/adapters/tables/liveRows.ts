import type { TableClient, TableEntity, TransactionAction } from '@azure/data-tables';
import * as z from 'zod';
import {
  isRunning,
  protocols,
  requestStates,
  type LiveRow,
  type SeenGrant,
} from '../../core/accessRequest.ts';
import { causeOf } from '../../core/cause.ts';
import type { Log } from '../../core/clock.ts';
import { checkRow } from '../../core/liveRow.ts';
import {
  UnreadableRowError,
  type BaselineMark,
  type LiveRows,
  type NsgRows,
  type SeenMark,
  type UnendedRow,
} from '../../core/stores.ts';
import { canonicalId } from '../../core/resourceId.ts';
import { baselineKeyOf, createBaselines, isBaselineKey, readBaselineRow } from './baselines.ts';
import { ask, getRow, insertOnce, replaceRow, rowsOfPartition, type Entity } from './calls.ts';
import { parseRow, partitionOfNsg, toProperties } from './entity.ts';

const unended = 'unended';
/** As many changes as Table Storage takes in one transaction. */
const largestTransaction = 100;
const never = new Date(0).toISOString();
const instant = z.iso.datetime({ offset: true });

const acceptedSchema = z.record(z.string(), z.union([z.literal('absent'), z.record(z.string(), z.json())]));

// Loose: a field that a newer version added survives being read and written here.
const liveSchema: z.ZodType<LiveRow> = z.looseObject({
  nsgId: z.string(),
  requestId: z.string(),
  version: z.int(),
  state: z.enum(requestStates),
  start: instant,
  end: instant,
  boxes: z.array(
    z.looseObject({
      protocol: z.enum(protocols),
      sourceAddressPrefixes: z.array(z.string()),
      destinationAddressPrefixes: z.array(z.string()),
      destinationPorts: z.array(z.int()),
    }),
  ),
  accepted: acceptedSchema.exactOptional(),
  flushConnection: z.literal(true).exactOptional(),
});

const seenSchema: z.ZodType<SeenGrant> = z.looseObject({
  version: z.int(),
  readAt: instant,
  state: z.enum(['open', 'shut']),
  rules: z.record(z.string(), z.string()),
  changes: z.array(z.string()),
  goneBefore: z.literal(true).optional(),
  flows: z.enum(['cut', 'not-cut']).optional(),
});

const unendedSchema = z.object({
  rowKey: z.string(),
  requesterId: z.string(),
  createdAt: instant,
  endedAt: instant.optional(),
  sealed: z.boolean().optional(),
});

/** Live rows, one partition for each network security group, and one for the requests that have not ended. */
export function createLiveRows(table: TableClient, log: Pick<Log, 'error'>): LiveRows {
  /**
   * One row that cannot be read, or planned with, must not keep every port of its NSG open, nor its own: it counts as older than any
   * version and as not desired, so its grant shuts, and whoever knows the request writes the row anew.
   */
  function parse(nsgId: string, requestId: string, entity: Entity): LiveRow {
    try {
      const row = read(nsgId, requestId, entity);
      const seen = seenOf(entity);
      return seen === undefined ? row : { ...row, seen };
    } catch (error) {
      if (!(error instanceof UnreadableRowError)) throw error;
      log.error('live-row-unreadable', { nsgId, requestId, cause: causeOf(error) });
      return { nsgId, requestId, version: 0, state: 'closing', start: never, end: never, boxes: [] };
    }
  }

  async function allOfNsg(nsgId: string): Promise<NsgRows> {
    const rows: NsgRows = { grants: [], baselines: [] };
    const what = `live rows of ${nsgId}`;
    for await (const entity of rowsOfPartition(what, table, partitionOfNsg(nsgId))) {
      const { rowKey = '', etag } = entity;
      if (!isBaselineKey(rowKey)) {
        rows.grants.push({ row: parse(nsgId, rowKey, entity), etag });
        continue;
      }
      const row = readBaselineRow(nsgId, entity, log);
      if (row !== 'unreadable') rows.baselines.push({ row, etag });
    }
    return rows;
  }

  return {
    ...createBaselines(table, log),
    allOfNsg,
    ofNsg: async (nsgId) => (await allOfNsg(nsgId)).grants,
    async markSeen(nsgId, marks) {
      const changed: string[] = [];
      for (let first = 0; first < marks.length; first += largestTransaction) {
        changed.push(...(await markAtOnce(table, nsgId, marks.slice(first, first + largestTransaction))));
      }
      return changed;
    },
    async get(nsgId, requestId) {
      const entity = await getRow(nameOf(nsgId, requestId), table, partitionOfNsg(nsgId), requestId);
      return entity === undefined ? undefined : { row: parse(nsgId, requestId, entity), etag: entity.etag };
    },
    async insert(row) {
      const inserted = await insertOnce(nameOf(row.nsgId, row.requestId), table, entityOf(row));
      return inserted === 'exists' ? 'exists' : 'inserted';
    },
    async replace(row, etag) {
      const replaced = await replaceRow(nameOf(row.nsgId, row.requestId), table, entityOf(row), etag);
      return replaced === 'changed' ? 'changed' : 'replaced';
    },
    async remove(nsgId, requestId) {
      await remove(`remove ${nameOf(nsgId, requestId)}`, table, partitionOfNsg(nsgId), requestId);
    },
    async unended() {
      const rows: UnendedRow[] = [];
      for await (const entity of rowsOfPartition('unended requests', table, unended)) {
        rows.push(parseUnended(entity, log));
      }
      return rows;
    },
    async addUnended({ requestId, ...row }) {
      const entity = { partitionKey: unended, rowKey: requestId, ...row };
      await ask(`add unended ${requestId}`, (signal) => table.createEntity(entity, signal), 'exists');
    },
    async markEnded(requestId, endedAt) {
      const change = { partitionKey: unended, rowKey: requestId, endedAt };
      // Absent: it was swept away already, there is nothing left to mark.
      await ask(`mark ended ${requestId}`, (signal) => table.updateEntity(change, 'Merge', signal), 'absent');
    },
    async markSealed(requestId) {
      const change = { partitionKey: unended, rowKey: requestId, sealed: true };
      await ask(
        `mark sealed ${requestId}`,
        (signal) => table.updateEntity(change, 'Merge', signal),
        'absent',
      );
    },
    async markUnsealed(requestId) {
      const change = { partitionKey: unended, rowKey: requestId, sealed: false };
      await ask(
        `mark unsealed ${requestId}`,
        (signal) => table.updateEntity(change, 'Merge', signal),
        'absent',
      );
    },
    async removeUnended(requestId) {
      await remove(`remove unended ${requestId}`, table, unended, requestId);
    },
  };
}

/** Either all are marked in one transaction or, where one row was changed, each that was not. */
async function markAtOnce(
  table: TableClient,
  nsgId: string,
  marks: (SeenMark | BaselineMark)[],
): Promise<string[]> {
  const entities = marks.map((mark) => {
    const [id, rowKey] =
      'requestId' in mark
        ? [mark.requestId, mark.requestId]
        : [mark.virtualMachineId, baselineKeyOf(mark.virtualMachineId)];
    const entity = { partitionKey: partitionOfNsg(nsgId), rowKey, seen: JSON.stringify(mark.seen) };
    return { id, entity, etag: mark.etag };
  });
  if (marks.length > 1) {
    const actions = entities.map(({ entity, etag }): TransactionAction => [
      'update',
      entity,
      'Merge',
      { etag },
    ]);
    const what = `mark ${marks.length} live rows of ${nsgId} as seen`;
    const done = await ask(what, () => table.submitTransaction(actions), 'changed', 'absent');
    if (done !== 'changed' && done !== 'absent') return [];
  }
  const changed: string[] = [];
  for (const { id, entity, etag } of entities) {
    const done = await ask(
      `mark ${nameOf(nsgId, entity.rowKey)} as seen`,
      (signal) => table.updateEntity(entity, 'Merge', { ...signal, etag }),
      'changed',
      'absent',
    );
    if (done === 'changed' || done === 'absent') changed.push(id);
  }
  return changed;
}

/** In a property of its own, so that it can be noted without writing the row. */
function seenProperty(seen: SeenGrant | undefined): { seen?: string } {
  return seen === undefined ? {} : { seen: JSON.stringify(seen) };
}

/** What cannot be read is no evidence, and costs no more than reading the NSG again. */
function seenOf({ seen }: Entity): SeenGrant | undefined {
  if (typeof seen !== 'string') return undefined;
  try {
    return seenSchema.parse(JSON.parse(seen));
  } catch {
    return undefined;
  }
}

async function remove(what: string, table: TableClient, partition: string, row: string): Promise<void> {
  await ask(what, (signal) => table.deleteEntity(partition, row, signal), 'absent');
}

function entityOf({ seen, ...row }: LiveRow): TableEntity {
  const content = toProperties(nameOf(row.nsgId, row.requestId), JSON.stringify(row));
  return {
    partitionKey: partitionOfNsg(row.nsgId),
    rowKey: row.requestId,
    nsgId: row.nsgId,
    ...content,
    ...seenProperty(seen),
  };
}

/** A rule is made from this row: one that does not belong where it stands is no row of this NSG. */
function read(nsgId: string, requestId: string, entity: Entity): LiveRow {
  const belongs = liveSchema.refine(
    (row) => row.requestId === requestId && canonicalId(row.nsgId) === canonicalId(nsgId),
    'is the row of another request or NSG',
  );
  const row = parseRow(nameOf(nsgId, requestId), entity, belongs);
  if (!isRunning(row)) return row;
  try {
    checkRow(row);
  } catch (error) {
    // Nothing can be planned with it, not even that the others close.
    throw new UnreadableRowError(causeOf(error), { cause: error });
  }
  return row;
}

/** What cannot be read still says which request it is: the sweep goes by the request's own row. */
function parseUnended(entity: Entity, log: Pick<Log, 'error'>): UnendedRow {
  const parsed = unendedSchema.safeParse(entity);
  if (!parsed.success) {
    const requestId = entity.rowKey ?? '';
    log.error('unended-row-unreadable', { requestId, cause: z.prettifyError(parsed.error) });
    return { requestId, requesterId: '', createdAt: never };
  }
  const { rowKey, requesterId, createdAt, endedAt, sealed } = parsed.data;
  return {
    requestId: rowKey,
    requesterId,
    createdAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(sealed === true ? { sealed } : {}),
  };
}

function nameOf(nsgId: string, requestId: string): string {
  return `live row ${requestId} of ${nsgId}`;
}
