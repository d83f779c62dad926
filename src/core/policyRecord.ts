import { createHash } from 'node:crypto';
import type { UnsealedAuditRecord } from './auditRecord.ts';
import type { Policy, PolicyChange, PolicyEvent } from './policy.ts';
import { canonicalId } from './resourceId.ts';

/** The audit partition of one policy. */
export function policyPartition(policyId: string): string {
  return `policy-${createHash('sha256').update(canonicalId(policyId)).digest('hex').slice(0, 32)}`;
}

/** The name of a change of a policy in the audit. */
export function policyEventName(event: PolicyEvent): `policy.${PolicyEvent}` {
  return `policy.${event}`;
}

/** The policy with one more change in its journal, under the next version. */
export function withChange(
  policy: Policy,
  { event, at, actor, correlationId, changes }: Omit<PolicyChange, 'number'>,
): Policy {
  const number = (policy.journal.at(-1)?.number ?? policy.recorded) + 1;
  return {
    ...policy,
    version: policy.version + 1,
    changedAt: at,
    changedBy: actor,
    journal: [...policy.journal, { number, event, at, actor, correlationId, changes }],
  };
}

/** Made from the change alone, so that a later attempt says the same. */
export function recordOfChange(policyId: string, change: PolicyChange): UnsealedAuditRecord {
  return {
    partition: policyPartition(policyId),
    event: policyEventName(change.event),
    at: change.at,
    actor: change.actor,
    reasons: [],
    correlationId: change.correlationId,
    details: { policy: policyId, ...(change.changes.length === 0 ? {} : { changes: change.changes }) },
  };
}
