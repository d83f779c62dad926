import type { TableClient, TableEntity } from '@azure/data-tables';
import * as z from 'zod';
import { requestStates, type AccessRequest } from '../../core/accessRequest.ts';
import type { Requests, Stored } from '../../core/stores.ts';
import { eachRow, getRow, insertOnce, replaceRow, type Entity } from './calls.ts';
import { parseRow, toProperties } from './entity.ts';

const rowKey = 'request';
const instant = z.iso.datetime({ offset: true });

/** What every step decides by; the rest of the row is ours and passes through. */
const schema = z.looseObject({
  id: z.string(),
  state: z.enum(requestStates),
  version: z.int(),
  targets: z.array(z.looseObject({ nsgId: z.string(), boxes: z.array(z.looseObject({})) })),
  found: z
    .array(
      z.looseObject({
        virtualMachineId: z.string(),
        vmId: z.string().optional(),
        networkInterfaceId: z.string(),
        addresses: z.array(z.string()),
        nsgIds: z.array(z.string()),
      }),
    )
    .optional(),
  start: instant,
  end: instant,
  nextDue: instant,
  journal: z.array(z.looseObject({ number: z.int(), event: z.string(), at: instant, actor: z.string() })),
  recorded: z.int(),
});

/**
 * Requests, one partition each.
 * An insert or replace whose first try succeeded unseen may be reported as `changed`: read again and decide anew.
 */
export function createRequests(table: TableClient): Requests {
  return {
    async get(id) {
      const entity = await getRow(nameOf(id), table, id, rowKey);
      return entity === undefined ? undefined : { row: parse(id, entity), etag: entity.etag };
    },
    async insert(request) {
      const inserted = await insertOnce(nameOf(request.id), table, entityOf(request));
      return inserted === 'exists' ? 'exists' : stored(request, inserted);
    },
    async replace(request, etag) {
      const replaced = await replaceRow(nameOf(request.id), table, entityOf(request), etag);
      return replaced === 'changed' ? 'changed' : stored(request, replaced);
    },
  };
}

/** The id of every request there is, ended ones included: for verification. */
export async function* listRequestIds(table: TableClient): AsyncGenerator<string> {
  for await (const { partitionKey } of eachRow('list requests', table, { select: ['PartitionKey'] })) {
    if (partitionKey !== undefined) yield partitionKey;
  }
}

function stored(row: AccessRequest, { etag }: { etag: string }): Stored<AccessRequest> {
  return { row, etag };
}

function entityOf(request: AccessRequest): TableEntity {
  const content = toProperties(nameOf(request.id), JSON.stringify(request));
  return { partitionKey: request.id, rowKey, ...content };
}

function parse(id: string, entity: Entity): AccessRequest {
  const row = parseRow(
    nameOf(id),
    entity,
    schema.refine((request) => request.id === id, 'is the row of another request'),
  );
  return row as unknown as AccessRequest;
}

function nameOf(id: string): string {
  return `request ${id}`;
}
