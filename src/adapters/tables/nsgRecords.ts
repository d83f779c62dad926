import type { TableClient, TableEntity } from '@azure/data-tables';
import * as z from 'zod';
import { driftEvents, type NsgRecord } from '../../core/nsgRecord.ts';
import { reasonCodes } from '../../core/reason.ts';
import { UnreadableRowError, type NsgRecords } from '../../core/stores.ts';
import { eachRow, getRow, insertOnce, replaceRow } from './calls.ts';
import { keyOf, parseRow, toProperties } from './entity.ts';

const partition = 'nsg';
const instant = z.iso.datetime({ offset: true });

/** What every reconcile decides by; the rest of the row is ours and passes through. */
const schema = z.looseObject({
  nsgId: z.string(),
  told: z.record(z.string(), instant),
  journal: z.array(
    z.looseObject({
      number: z.int(),
      event: z.enum(driftEvents),
      at: instant,
      rule: z.string().exactOptional(),
      requestId: z.string().optional(),
      accepted: z
        .looseObject({ number: z.int(), form: z.union([z.literal('absent'), z.looseObject({})]) })
        .optional(),
      correlationId: z.string(),
      reasons: z.array(z.looseObject({ code: z.enum(reasonCodes), message: z.string() })),
    }),
  ),
  recorded: z.int(),
  isGone: z.literal(true).exactOptional(),
  flush: z
    .looseObject({
      former: z.looseObject({ value: z.json().exactOptional() }),
      requestIds: z.array(z.string()),
      claim: z.int(),
      at: instant,
    })
    .exactOptional(),
});

/** What is remembered of NSGs, all in one partition: it is listed often and changed seldom. */
export function createNsgRecords(table: TableClient): NsgRecords {
  return {
    async get(nsgId) {
      const entity = await getRow(nameOf(nsgId), table, partition, keyOf(nsgId));
      if (entity === undefined) return undefined;
      return { row: parseRow(nameOf(nsgId), entity, schema) as NsgRecord, etag: entity.etag };
    },
    async insert(record) {
      const inserted = await insertOnce(nameOf(record.nsgId), table, entityOf(record));
      return inserted === 'exists' ? 'exists' : 'inserted';
    },
    async replace(record, etag) {
      const replaced = await replaceRow(nameOf(record.nsgId), table, entityOf(record), etag);
      return replaced === 'changed' ? 'changed' : 'replaced';
    },
    async nsgIds() {
      return (await listAll(table)).filter(({ isGone }) => !isGone).map(({ nsgId }) => nsgId);
    },
    async unsettled() {
      const records: NsgRecord[] = [];
      const query = { filter: `PartitionKey eq '${partition}' and isUnsettled eq true` };
      for await (const entity of eachRow('unsettled records of NSGs', table, query)) {
        const name = `record of an NSG ${entity.rowKey ?? ''}`;
        try {
          records.push(parseRow(name, entity, schema) as NsgRecord);
        } catch (error) {
          // Whoever reconciles that NSG reads it again, and says so.
          if (!(error instanceof UnreadableRowError)) throw error;
        }
      }
      return records;
    },
  };
}

/** The id of every NSG of which there is a record, those that are gone included: for verification. */
export async function listNsgIds(table: TableClient): Promise<string[]> {
  return (await listAll(table)).map(({ nsgId }) => nsgId);
}

async function listAll(table: TableClient): Promise<{ nsgId: string; isGone: boolean }[]> {
  const found: { nsgId: string; isGone: boolean }[] = [];
  const query = { filter: `PartitionKey eq '${partition}'`, select: ['nsgId', 'isGone'] };
  for await (const { nsgId, isGone } of eachRow('records of NSGs', table, query)) {
    if (typeof nsgId === 'string') found.push({ nsgId, isGone: isGone === true });
  }
  return found;
}

function entityOf(record: NsgRecord): TableEntity {
  const content = toProperties(nameOf(record.nsgId), JSON.stringify(record));
  const isUnsettled =
    record.journal.length > 0 || Object.keys(record.told).length > 0 || record.flush !== undefined;
  return {
    partitionKey: partition,
    rowKey: keyOf(record.nsgId),
    nsgId: record.nsgId,
    isUnsettled,
    isGone: record.isGone === true,
    ...content,
  };
}

function nameOf(nsgId: string): string {
  return `record of ${nsgId}`;
}
