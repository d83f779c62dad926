import type { TableClient, TableEntity } from '@azure/data-tables';
import * as z from 'zod';
import { protocols } from '../../core/accessRequest.ts';
import { parsePrefix } from '../../core/address.ts';
import { parseDuration } from '../../core/duration.ts';
import { policyEvents, type Policies, type Policy } from '../../core/policy.ts';
import { reasonCodes } from '../../core/reason.ts';
import type { Stored } from '../../core/stores.ts';
import { getRow, insertOnce, replaceRow, rowsOfPartition, type Entity } from './calls.ts';
import { keyOf, parseRow, toProperties } from './entity.ts';

const partition = 'policy';
const instant = z.iso.datetime({ offset: true });
const prefix = z.string().refine((text) => {
  const parsed = parsePrefix(text);
  return parsed.ok && parsed.prefix === text;
}, 'must be a canonical prefix such as 203.0.113.0/24');
const reason = z.strictObject({
  code: z.enum(reasonCodes),
  message: z.string(),
  field: z.string().exactOptional(),
  allowed: z.unknown().optional(),
});

// Strict: a condition that a newer version wrote and this one does not know must not be passed over.
const schema: z.ZodType<Policy> = z.strictObject({
  id: z.string().min(1),
  version: z.int().min(1),
  entries: z.array(
    z.strictObject({
      selector: z.union([
        z.strictObject({ virtualMachineIds: z.array(z.string().min(1)) }),
        z.strictObject({
          scopes: z.array(z.string().min(1)),
          tags: z.record(z.string(), z.string()).exactOptional(),
        }),
      ]),
      ports: z.array(
        z.strictObject({
          number: z.int().min(1).max(65535),
          protocol: z.enum(protocols),
          allowedSourceAddressPrefixes: z.array(prefix),
          maxRequestAccessDuration: z
            .string()
            .refine((text) => parseDuration(text).ok, 'must be a duration such as PT3H'),
          sourcesAsWritten: z.union([z.string(), z.array(z.string())]).exactOptional(),
        }),
      ),
    }),
  ),
  conditions: z.strictObject({
    approval: z
      .strictObject({ approvers: z.int().min(1), groups: z.array(z.string().min(1)) })
      .exactOptional(),
    largestSource: z
      .strictObject({
        IPv4: z.int().min(0).max(32).exactOptional(),
        IPv6: z.int().min(0).max(128).exactOptional(),
      })
      .exactOptional(),
    timeWindows: z
      .array(
        z.strictObject({
          days: z.array(z.int().min(1).max(7)),
          from: z.string(),
          to: z.string(),
          timeZone: z.string(),
        }),
      )
      .exactOptional(),
    justificationPattern: z.string().exactOptional(),
    flushConnection: z.boolean().exactOptional(),
  }),
  baseline: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('internet') }),
    z.strictObject({ kind: z.literal('everybody'), except: z.array(prefix) }),
    z.strictObject({ kind: z.literal('none') }),
  ]),
  provisioning: z.strictObject({
    state: z.enum(['updating', 'succeeded', 'failed']),
    reasons: z.array(reason),
  }),
  changedAt: instant,
  changedBy: z.string(),
  left: z.array(z.strictObject({ virtualMachineId: z.string().min(1), at: instant })).exactOptional(),
  released: z.array(z.string().min(1)).exactOptional(),
  isDeleted: z.literal(true).exactOptional(),
  journal: z.array(
    z.strictObject({
      number: z.int().min(1),
      event: z.enum(policyEvents),
      at: instant,
      actor: z.string(),
      correlationId: z.string(),
      changes: z.array(z.string()),
    }),
  ),
  recorded: z.int().min(0),
});

/** Policies, all in one partition: each decision reads them together. */
export function createPolicies(table: TableClient): Policies {
  return {
    list: async () => (await readAll(table)).filter(({ row }) => row.isDeleted !== true),
    all: () => readAll(table),
    async get(id) {
      const entity = await getRow(`policy ${id}`, table, partition, keyOf(id));
      return entity === undefined ? undefined : parse(entity);
    },
    async insert(policy) {
      const inserted = await insertOnce(`policy ${policy.id}`, table, entityOf(policy));
      return inserted === 'exists' ? 'exists' : { row: policy, etag: inserted.etag };
    },
    async replace(policy, etag) {
      const replaced = await replaceRow(`policy ${policy.id}`, table, entityOf(policy), etag);
      return replaced === 'changed' ? 'changed' : { row: policy, etag: replaced.etag };
    },
  };
}

async function readAll(table: TableClient): Promise<Stored<Policy>[]> {
  const found: Stored<Policy>[] = [];
  for await (const entity of rowsOfPartition('policies', table, partition)) found.push(parse(entity));
  return found;
}

/** The id of every policy there is, deleted ones included: for verification. */
export async function listPolicyIds(table: TableClient): Promise<string[]> {
  const ids: string[] = [];
  for await (const { policyId } of rowsOfPartition('ids of policies', table, partition)) {
    if (typeof policyId === 'string') ids.push(policyId);
  }
  return ids;
}

/** Throws rather than write what could not be read again. */
function entityOf(policy: Policy): TableEntity {
  const what = `policy ${policy.id}`;
  const checked = schema.safeParse(policy);
  if (!checked.success) throw new Error(`The ${what} cannot be stored: ${z.prettifyError(checked.error)}`);
  const content = toProperties(what, JSON.stringify(policy));
  return { partitionKey: partition, rowKey: keyOf(policy.id), policyId: policy.id, ...content };
}

function parse(entity: Entity): Stored<Policy> {
  const { policyId, rowKey, etag } = entity;
  const name = `policy ${typeof policyId === 'string' ? policyId : (rowKey ?? '')}`;
  const belongs = schema.refine(({ id }) => keyOf(id) === rowKey, 'is the row of another policy');
  return { row: parseRow(name, entity, belongs), etag };
}
