import type { TableClient, TableEntity } from '@azure/data-tables';
import * as z from 'zod';
import type { AuditCopyState, AuditCopyStates } from '../../core/auditCopyState.ts';
import { getRow, insertOnce, replaceRow } from './calls.ts';
import { parseRow, toProperties } from './entity.ts';

const partitionKey = 'audit-copy';
const instant = z.iso.datetime({ offset: true });

const schema: z.ZodType<AuditCopyState> = z.object({
  indexedFrom: instant,
  indexedUpTo: instant,
  indexedPast: z.string().min(1).exactOptional(),
  seal: z.int().min(0),
  sealPast: z.int().min(1).exactOptional(),
  day: z.iso.date(),
  failures: z.int().min(0),
  ranAt: instant.exactOptional(),
  partitions: z.array(
    z.object({
      partition: z.string().min(1),
      sequence: z.int().min(0),
      met: instant,
      rests: z.literal(true).exactOptional(),
      endedAt: instant.exactOptional(),
      sealed: z.literal(true).exactOptional(),
    }),
  ),
});

/** How far the audit has been copied: one row for each sink, in the table of what the sweep says of itself. */
export function createAuditCopyStates(table: TableClient): AuditCopyStates {
  return {
    async get(sink) {
      const entity = await getRow(nameOf(sink), table, partitionKey, sink);
      return entity && { row: parseRow(nameOf(sink), entity, schema), etag: entity.etag };
    },
    async insert(sink, state) {
      const inserted = await insertOnce(nameOf(sink), table, entityOf(sink, state));
      return inserted === 'exists' ? 'exists' : { row: state, ...inserted };
    },
    async replace(sink, state, etag) {
      const replaced = await replaceRow(nameOf(sink), table, entityOf(sink, state), etag);
      return replaced === 'changed' ? 'changed' : { row: state, ...replaced };
    },
  };
}

function entityOf(sink: string, state: AuditCopyState): TableEntity {
  return { partitionKey, rowKey: sink, ...toProperties(nameOf(sink), JSON.stringify(state)) };
}

function nameOf(sink: string): string {
  return `state of the audit copy ${sink}`;
}
