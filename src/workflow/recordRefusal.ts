import type { AccessRequest } from '../core/accessRequest.ts';
import type { Caller } from '../core/caller.ts';
import { refusedEvent } from '../core/verifyTrail.ts';
import type { Dependencies } from './dependencies.ts';
import { recordAlone } from './recordJournal.ts';
import type { RefusalQuota } from './refusalQuota.ts';

/** That somebody wanted to decide on a request, or to review it, who may not. */
export interface Refusal {
  row: AccessRequest;
  caller: Caller;
  wanted: 'approve' | 'deny' | 'review';
  code: string;
  message: string;
  comment: string;
  correlationId: string;
}

/**
 * Records that somebody was refused, as far as their quota of refusals goes, in a partition of its own: whoever is refused
 * must not be able to make the records of somebody's request grow.
 */
export async function recordRefusal(
  { audit, clock, newId }: Pick<Dependencies, 'audit' | 'clock' | 'newId'>,
  quota: RefusalQuota,
  { row, caller, wanted, code, message, comment, correlationId }: Refusal,
): Promise<void> {
  const { objectId, displayName } = caller.person;
  if (quota.exhausted(objectId, clock.now()) > 0) return;
  quota.count(objectId, clock.now());
  const { requester, virtualMachines } = row;
  await recordAlone(
    {
      partition: newId(),
      event: refusedEvent,
      at: clock.now().toISOString(),
      actor: objectId,
      requester: { objectId: requester.objectId, displayName: requester.displayName },
      virtualMachines,
      reasons: [{ code: 'not-authorized', message }],
      correlationId,
      details: { requestId: row.id, wanted, code, comment, actorName: displayName },
    },
    audit,
  );
}
