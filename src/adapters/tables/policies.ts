import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import { protocols } from '../../core/accessRequest.ts';
import { parsePrefix } from '../../core/address.ts';
import { parseDuration } from '../../core/duration.ts';
import type { EffectivePolicies, EffectivePolicy } from '../../core/effectivePolicy.ts';
import { canonicalId } from '../../core/resourceId.ts';
import { ask, rowsOfPartition, type Entity } from './calls.ts';
import { keyOf, parseRow, toProperties } from './entity.ts';

// Strict: a condition that a newer version wrote and this one does not know must not be passed over.
const schema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 letters, digits, dots, dashes, underscores'),
  virtualMachineId: z.string().min(1),
  ports: z.array(
    z.strictObject({
      number: z.int().min(1).max(65535),
      protocol: z.enum(protocols),
      allowedSourceAddressPrefixes: z.array(
        z.string().refine((text) => {
          const parsed = parsePrefix(text);
          return parsed.ok && parsed.prefix === text;
        }, 'must be a canonical prefix such as 203.0.113.0/24'),
      ),
      maxRequestAccessDuration: z
        .string()
        .refine((text) => parseDuration(text).ok, 'must be a duration such as PT3H'),
    }),
  ),
});

/**
 * EffectivePolicies, one partition for each virtual machine.
 * A row that cannot be read throws an Error that names it: it is never taken for "no policy".
 */
export function createPolicies(table: TableClient): EffectivePolicies {
  return {
    async forVirtualMachine(virtualMachineId) {
      const policies = await policiesOf(table, virtualMachineId);
      if (policies.length > 1) {
        throw new Error(
          `${virtualMachineId} has ${policies.length} policies (${policies.map(({ id }) => id).join(', ')}), ` +
            'where one is supported.',
        );
      }
      return policies[0];
    },
    async put(policy) {
      const checked = schema.safeParse(policy);
      if (!checked.success) {
        throw new Error(`The policy cannot be stored: ${z.prettifyError(checked.error)}`);
      }
      const others = await policiesOf(table, policy.virtualMachineId);
      const other = others.find(({ id }) => id !== policy.id);
      if (other !== undefined) {
        throw new Error(
          `${policy.virtualMachineId} has the policy ${other.id} already, and one is supported: put it by that id.`,
        );
      }
      const what = nameOf(policy.id, policy.virtualMachineId);
      const entity = {
        partitionKey: keyOf(policy.virtualMachineId),
        rowKey: policy.id,
        virtualMachineId: policy.virtualMachineId,
        ...toProperties(what, JSON.stringify(policy)),
      };
      await ask(what, (signal) => table.upsertEntity(entity, 'Replace', signal));
    },
  };
}

async function policiesOf(table: TableClient, virtualMachineId: string): Promise<EffectivePolicy[]> {
  const policies: EffectivePolicy[] = [];
  const what = `policies of ${virtualMachineId}`;
  for await (const entity of rowsOfPartition(what, table, keyOf(virtualMachineId))) {
    policies.push(parse(virtualMachineId, entity));
  }
  return policies;
}

function parse(virtualMachineId: string, entity: Entity): EffectivePolicy {
  const id = entity.rowKey ?? '';
  const belongs = schema.refine(
    (policy) => policy.id === id && canonicalId(policy.virtualMachineId) === canonicalId(virtualMachineId),
    'is the policy of another virtual machine, or of another name',
  );
  return parseRow(nameOf(id, virtualMachineId), entity, belongs);
}

function nameOf(id: string, virtualMachineId: string): string {
  return `policy ${id} of ${virtualMachineId}`;
}
