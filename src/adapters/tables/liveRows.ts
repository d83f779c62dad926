import type { TableClient, TableEntity } from '@azure/data-tables';
import * as z from 'zod';
import { protocols, requestStates, type LiveRow } from '../../core/accessRequest.ts';
import { causeOf } from '../../core/cause.ts';
import type { Log } from '../../core/clock.ts';
import { UnreadableRowError, type LiveRows, type UnendedRow } from '../../core/stores.ts';
import { canonicalId } from '../../core/virtualMachineId.ts';
import { ask, getRow, insertOnce, replaceRow, rowsOfPartition, type Entity } from './calls.ts';
import { keyOf, parseRow, toProperties } from './entity.ts';

const unended = 'unended';
const never = new Date(0).toISOString();
const instant = z.iso.datetime({ offset: true });

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
});

const unendedSchema = z.object({
  rowKey: z.string(),
  requesterId: z.string(),
  createdAt: instant,
  endedAt: instant.optional(),
  sealed: z.literal(true).optional(),
});

/** Live rows, one partition for each network security group, and one for the requests that have not ended. */
export function createLiveRows(table: TableClient, log: Pick<Log, 'error'>): LiveRows {
  /**
   * One row that cannot be read must not keep every port of its NSG open, nor its own: it counts as older than any
   * version and as not desired, so its grant shuts, and whoever knows the request writes the row anew.
   */
  function parse(nsgId: string, requestId: string, entity: Entity): LiveRow {
    try {
      return read(nsgId, requestId, entity);
    } catch (error) {
      if (!(error instanceof UnreadableRowError)) throw error;
      log.error('live-row-unreadable', { nsgId, requestId, cause: causeOf(error) });
      return { nsgId, requestId, version: 0, state: 'closing', start: never, end: never, boxes: [] };
    }
  }

  return {
    async ofNsg(nsgId) {
      const rows: LiveRow[] = [];
      const what = `live rows of ${nsgId}`;
      for await (const entity of rowsOfPartition(what, table, partitionOf(nsgId))) {
        rows.push(parse(nsgId, entity.rowKey ?? '', entity));
      }
      return rows;
    },
    async get(nsgId, requestId) {
      const entity = await getRow(nameOf(nsgId, requestId), table, partitionOf(nsgId), requestId);
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
      await remove(`remove ${nameOf(nsgId, requestId)}`, table, partitionOf(nsgId), requestId);
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
    async removeUnended(requestId) {
      await remove(`remove unended ${requestId}`, table, unended, requestId);
    },
  };
}

async function remove(what: string, table: TableClient, partition: string, row: string): Promise<void> {
  await ask(what, (signal) => table.deleteEntity(partition, row, signal), 'absent');
}

function partitionOf(nsgId: string): string {
  return `nsg-${keyOf(nsgId)}`;
}

function entityOf(row: LiveRow): TableEntity {
  const content = toProperties(nameOf(row.nsgId, row.requestId), JSON.stringify(row));
  return { partitionKey: partitionOf(row.nsgId), rowKey: row.requestId, nsgId: row.nsgId, ...content };
}

/** A rule is made from this row: one that does not belong where it stands is no row of this NSG. */
function read(nsgId: string, requestId: string, entity: Entity): LiveRow {
  const belongs = liveSchema.refine(
    (row) => row.requestId === requestId && canonicalId(row.nsgId) === canonicalId(nsgId),
    'is the row of another request or NSG',
  );
  return parseRow(nameOf(nsgId, requestId), entity, belongs);
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
    ...(sealed === undefined ? {} : { sealed }),
  };
}

function nameOf(nsgId: string, requestId: string): string {
  return `live row ${requestId} of ${nsgId}`;
}
