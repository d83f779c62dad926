import * as z from 'zod';
import type { Policy } from '../core/policy.ts';
import { presentedReason } from './presentRequest.ts';

/** A policy as it is answered: without its journal, which is read from the audit. */
export const presentedPolicy = z
  .strictObject({
    id: z.string().meta({ description: 'A name, or the ARM id of a just-in-time policy.' }),
    version: z.int().min(1),
    entries: z.array(z.looseObject({})),
    conditions: z.looseObject({}),
    baseline: z.looseObject({ kind: z.string() }),
    provisioning: z.strictObject({
      state: z.enum(['updating', 'succeeded', 'failed']),
      reasons: z.array(presentedReason),
    }),
    changedAt: z.iso.datetime(),
    changedBy: z.string().meta({ description: 'Object id of a person or an application.' }),
    left: z.array(z.strictObject({ virtualMachineId: z.string(), at: z.iso.datetime() })).meta({
      description: 'Virtual machines that have left it and keep their baseline until they are released.',
    }),
  })
  .meta({ id: 'Policy' });

/** What was changed, or would be. */
export const presentedChange = z
  .strictObject({
    policy: presentedPolicy,
    isDryRun: z.boolean(),
    changes: z.array(z.string()).meta({ description: 'What became different; empty where nothing did.' }),
    effects: z
      .array(z.strictObject({ networkSecurityGroup: z.string().optional(), message: z.string() }))
      .meta({ description: 'What a dry run foresees in Azure.' }),
  })
  .meta({ id: 'PolicyChange' });

export function presentPolicy(policy: Policy): z.input<typeof presentedPolicy> {
  const { id, version, entries, conditions, baseline, provisioning, changedAt, changedBy } = policy;
  return {
    ...{ id, version, provisioning, changedAt, changedBy },
    ...{ entries: entries.map((entry) => ({ ...entry })), conditions: { ...conditions }, baseline },
    left: policy.left ?? [],
  };
}
