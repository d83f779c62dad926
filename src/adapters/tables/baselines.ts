import { odata, type TableClient, type TableEntity } from '@azure/data-tables';
import * as z from 'zod';
import { protocols } from '../../core/accessRequest.ts';
import { checkBaseline, machineKey, type BaselineRow } from '../../core/baseline.ts';
import { causeOf } from '../../core/cause.ts';
import type { Log } from '../../core/clock.ts';
import { canonicalId } from '../../core/resourceId.ts';
import { UnreadableRowError, type Baselines, type Stored } from '../../core/stores.ts';
import { ask, eachRow, getRow, insertOnce, replaceRow, type Entity } from './calls.ts';
import { parseRow, partitionOfNsg, toProperties } from './entity.ts';

const prefix = 'baseline-';
const instant = z.iso.datetime({ offset: true });

// Loose: a field that a newer version added survives being read and written here.
const baselineSchema: z.ZodType<BaselineRow> = z.looseObject({
  nsgId: z.string(),
  virtualMachineId: z.string(),
  version: z.int(),
  state: z.enum(['standing', 'ending']),
  endingAt: instant.exactOptional(),
  standsSince: instant.exactOptional(),
  boxes: z.array(
    z.looseObject({
      protocol: z.enum(protocols),
      sourceAddressPrefixes: z.array(z.string()),
      destinationAddressPrefixes: z.array(z.string()),
      destinationPorts: z.array(z.int()),
    }),
  ),
  causes: z.array(
    z.looseObject({
      policyId: z.string(),
      version: z.int(),
      ports: z.array(z.looseObject({ number: z.int(), protocol: z.enum(protocols) })),
      source: z.union([
        z.looseObject({ kind: z.enum(['internet', 'none']) }),
        z.looseObject({ kind: z.literal('everybody'), except: z.array(z.string()) }),
      ]),
      isNamed: z.literal(true).exactOptional(),
      leftAt: instant.exactOptional(),
    }),
  ),
  leftAt: instant.exactOptional(),
});

const seenSchema = z.record(z.string(), z.string());

/** The key of a baseline's row in the partition of its NSG. */
export function baselineKeyOf(virtualMachineId: string): string {
  return `${prefix}${machineKey(virtualMachineId)}`;
}

/** Whether a row of an NSG is one of a baseline and not of a grant. */
export function isBaselineKey(rowKey: string): boolean {
  return rowKey.startsWith(prefix);
}

/** Baselines, each a row beside the live rows of its network security group. */
export function createBaselines(table: TableClient, log: Pick<Log, 'error'>): Baselines {
  return {
    async getBaseline(nsgId, virtualMachineId) {
      const what = nameOf(nsgId, virtualMachineId);
      const entity = await getRow(what, table, partitionOfNsg(nsgId), baselineKeyOf(virtualMachineId));
      if (entity === undefined) return undefined;
      return { row: readBaselineRow(nsgId, entity, log), etag: entity.etag };
    },
    async everyBaseline() {
      const rows: Stored<BaselineRow>[] = [];
      // `.` comes right after `-`: every key with the prefix, and no other.
      const filter = odata`RowKey ge ${prefix} and RowKey lt ${'baseline.'}`;
      for await (const entity of eachRow('baselines', table, { filter })) {
        const nsgId = entity['nsgId'];
        const row = readBaselineRow(typeof nsgId === 'string' ? nsgId : '', entity, log);
        if (row !== 'unreadable') rows.push({ row, etag: entity.etag });
      }
      return rows;
    },
    async insertBaseline(row) {
      const inserted = await insertOnce(nameOf(row.nsgId, row.virtualMachineId), table, entityOf(row));
      return inserted === 'exists' ? 'exists' : 'inserted';
    },
    async replaceBaseline(row, etag) {
      const what = nameOf(row.nsgId, row.virtualMachineId);
      return (await replaceRow(what, table, entityOf(row), etag)) === 'changed' ? 'changed' : 'replaced';
    },
    async removeBaseline(nsgId, virtualMachineId, etag) {
      const removed = await ask(
        `remove ${nameOf(nsgId, virtualMachineId)}`,
        (signal) =>
          table.deleteEntity(partitionOfNsg(nsgId), baselineKeyOf(virtualMachineId), { ...signal, etag }),
        'changed',
        'absent',
      );
      return removed === 'changed' ? 'changed' : 'removed';
    },
  };
}

/**
 * The row that an entity holds. One that cannot be read, or of which no rules may be made, stops nothing and opens
 * nothing: it is told, and its rules stay as they are, as those of no row.
 */
export function readBaselineRow(
  nsgId: string,
  entity: Entity,
  log: Pick<Log, 'error'>,
): BaselineRow | 'unreadable' {
  const { rowKey = '' } = entity;
  const belongs = baselineSchema.refine(
    (row) => baselineKeyOf(row.virtualMachineId) === rowKey && canonicalId(row.nsgId) === canonicalId(nsgId),
    'is the row of another machine or NSG',
  );
  try {
    const row = parseRow(`row ${rowKey} of ${nsgId}`, entity, belongs);
    checked(row);
    const seen = seenOf(entity);
    return seen === undefined ? row : { ...row, seen };
  } catch (error) {
    if (!(error instanceof UnreadableRowError)) throw error;
    log.error('baseline-row-unreadable', { nsgId, rowKey, cause: causeOf(error) });
    return 'unreadable';
  }
}

function checked(row: BaselineRow): void {
  try {
    checkBaseline(row);
  } catch (error) {
    throw new UnreadableRowError(causeOf(error), { cause: error });
  }
}

/** In a property of its own, so that it can be noted without writing the row. What cannot be read is no evidence. */
function seenOf({ seen }: Entity): BaselineRow['seen'] {
  if (typeof seen !== 'string') return undefined;
  try {
    return seenSchema.parse(JSON.parse(seen));
  } catch {
    return undefined;
  }
}

function entityOf({ seen, ...row }: BaselineRow): TableEntity {
  return {
    partitionKey: partitionOfNsg(row.nsgId),
    rowKey: baselineKeyOf(row.virtualMachineId),
    nsgId: row.nsgId,
    virtualMachineId: row.virtualMachineId,
    ...toProperties(nameOf(row.nsgId, row.virtualMachineId), JSON.stringify(row)),
    ...(seen === undefined ? {} : { seen: JSON.stringify(seen) }),
  };
}

function nameOf(nsgId: string, virtualMachineId: string): string {
  return `baseline of ${virtualMachineId} at ${nsgId}`;
}
