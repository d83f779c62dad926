import { odata, type TableClient } from '@azure/data-tables';
import * as z from 'zod';
import { canonicalJson } from '../../core/canonicalJson.ts';
import type { AuditRecord, UnsealedAuditRecord } from '../../core/auditRecord.ts';
import type { AuditPage, AuditQuery, AuditTrail, IndexedPartition } from '../../core/stores.ts';
import { isIndexedAt, isLastingPartition } from '../../core/auditRecord.ts';
import { canonicalId } from '../../core/resourceId.ts';
import { encodePosition, positionOf } from './auditContinuation.ts';
import { ask, eachRow, insertOnce, rowsOfPartition, type Entity } from './calls.ts';
import { keyOf, parseRow, toProperties } from './entity.ts';

/** A page ends with the partition that reaches this, be it by what it returns or by what it had to read. */
const recordsPerPage = 100;
const partitionsPerPage = 100;
const monthsPerPage = 24;
/** As many as Table Storage returns at once. */
const rowsPerCall = 1000;

/** What every record has, whatever its event. */
export const auditRecordSchema = z.looseObject({
  partition: z.string(),
  sequence: z.int().min(1),
  event: z.string(),
  at: z.string(),
  actor: z.string(),
  reasons: z.array(z.looseObject({})),
  correlationId: z.string(),
  previousHash: z.string(),
  hash: z.string(),
});

/**
 * The audit trail and the index that makes it findable. Neither is ever changed or deleted from here: in Azure the
 * app's role may only insert and read.
 */
export function createAuditTrail(
  tables: { audit: TableClient; index: TableClient },
  now: () => Date,
): AuditTrail {
  const { audit, index } = tables;

  async function read(partition: string): Promise<AuditRecord[]> {
    const records: AuditRecord[] = [];
    for await (const entity of rowsOfPartition(`audit records of ${partition}`, audit, partition)) {
      records.push(parse(partition, entity));
    }
    return records;
  }

  async function query(asked: AuditQuery): Promise<AuditPage> {
    const { after, to } = positionOf(asked, now());
    const records: AuditRecord[] = [];
    let position = after;
    let partitionsRead = 0;
    // One that never ends is met again with each of its records, of which whoever may write an NSG can make many.
    const lasting = new Map<string, AuditRecord[]>();
    let month = after.slice(0, 7);
    for (let scanned = 0; month <= to.slice(0, 7); scanned += 1, month = monthAfter(month)) {
      if (scanned === monthsPerPage) {
        return { records, continuation: encodePosition({ after: firstInstantOf(month), to }) };
      }
      for await (const row of indexRows(index, `${indexOf(asked)}-${month}`, position, to)) {
        if (records.length >= recordsPerPage || partitionsRead >= partitionsPerPage) {
          return { records, continuation: encodePosition({ after: position, to }) };
        }
        const [at = '', partition = ''] = row.split('_');
        const found = lasting.get(partition) ?? (await read(partition));
        if (isLastingPartition(partition)) lasting.set(partition, found);
        records.push(...found.filter((record) => isIndexedAt(record, at) && matches(asked, record)));
        partitionsRead += 1;
        position = row;
      }
    }
    return { records };
  }

  return {
    read,
    query,
    async insert(record) {
      const what = nameOf(record.partition, record.sequence);
      const entity = {
        partitionKey: record.partition,
        rowKey: rowKeyOf(record.sequence),
        // Canonical: what is stored is what was hashed.
        ...toProperties(what, canonicalJson(record)),
      };
      return (await insertOnce(what, audit, entity)) === 'exists' ? 'exists' : 'inserted';
    },
    async index(record) {
      const at = new Date(record.at).toISOString();
      await Promise.all(
        indexesOf(record).map(async ({ name, ...ids }) => {
          const entity = {
            partitionKey: `${name}-${at.slice(0, 7)}`,
            rowKey: `${at}_${record.partition}`,
            ...ids,
          };
          await ask(`index ${record.partition}`, (signal) => index.createEntity(entity, signal), 'exists');
        }),
      );
    },
    async *partitions() {
      let last: string | undefined;
      const keys = eachRow('list audit partitions', audit, { select: ['PartitionKey'] });
      for await (const { partitionKey } of keys) {
        if (partitionKey !== undefined && partitionKey !== last) yield partitionKey;
        last = partitionKey;
      }
    },
    async indexed(from, to) {
      const found: IndexedPartition[] = [];
      for (let month = from.slice(0, 7); month <= to.slice(0, 7); month = monthAfter(month)) {
        for await (const row of indexRows(index, `all-${month}`, from, to, rowsPerCall)) {
          const separator = row.indexOf('_');
          found.push({ partition: row.slice(separator + 1), at: row.slice(0, separator) });
        }
      }
      return found;
    },
  };
}

async function* indexRows(
  table: TableClient,
  partition: string,
  after: string,
  to: string,
  pageSize = partitionsPerPage,
) {
  const filter = odata`PartitionKey eq ${partition} and RowKey gt ${after} and RowKey lt ${to}`;
  const rows = eachRow(`audit index ${partition}`, table, { filter, select: ['RowKey'] }, pageSize);
  for await (const { rowKey } of rows) if (rowKey !== undefined) yield rowKey;
}

/** Where a record's partition is found: by everybody, by its requester, by each of its virtual machines. */
function indexesOf(record: UnsealedAuditRecord): { name: string; [id: string]: string }[] {
  const requesterId = record.requester?.objectId;
  const virtualMachines = new Map(record.virtualMachines?.map(({ id }) => [keyOf(id), id]));
  return [
    { name: 'all' },
    ...(requesterId === undefined ? [] : [{ name: `requester-${keyOf(requesterId)}`, requesterId }]),
    ...[...virtualMachines].map(([key, id]) => ({ name: `vm-${key}`, virtualMachineId: id })),
  ];
}

function indexOf(query: AuditQuery): string {
  if (query.virtualMachineId !== undefined) return `vm-${keyOf(query.virtualMachineId)}`;
  if (query.requesterId !== undefined) return `requester-${keyOf(query.requesterId)}`;
  return 'all';
}

/** The index may only find too much: what a caller may see is decided on the record itself. */
function matches(query: AuditQuery, record: AuditRecord): boolean {
  const { requesterId, virtualMachineId } = query;
  return (
    (requesterId === undefined || equal(record.requester?.objectId ?? '', requesterId)) &&
    (virtualMachineId === undefined ||
      (record.virtualMachines ?? []).some(({ id }) => equal(id, virtualMachineId)))
  );
}

function equal(a: string, b: string): boolean {
  return canonicalId(a) === canonicalId(b);
}

function rowKeyOf(sequence: number): string {
  return String(sequence).padStart(10, '0');
}

function parse(partition: string, entity: Entity): AuditRecord {
  const key = entity.rowKey ?? '';
  const inPlace = auditRecordSchema.refine(
    (record) => rowKeyOf(record.sequence) === key,
    'stands under the number of another record',
  );
  return parseRow(nameOf(partition, key), entity, inPlace) as unknown as AuditRecord;
}

function nameOf(partition: string, sequence: number | string): string {
  return `audit record ${sequence} of ${partition}`;
}

function firstInstantOf(month: string): string {
  return `${month}-01T00:00:00.000Z`;
}

function monthAfter(month: string): string {
  const year = Number(month.slice(0, 4));
  const number = Number(month.slice(5));
  return number === 12
    ? `${String(year + 1).padStart(4, '0')}-01`
    : `${month.slice(0, 4)}-${String(number + 1).padStart(2, '0')}`;
}
