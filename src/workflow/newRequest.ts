import type { AccessRequest } from '../core/accessRequest.ts';
import { startOf } from '../core/chosenStart.ts';
import type { Reason } from '../core/reason.ts';
import type { Submission } from './contracts.ts';
import { secondsAfter } from './dependencies.ts';
import { waitingForSweep } from './heartbeat.ts';
import type { JudgedRequest } from './judgeRequest.ts';
import type { LifeSettings } from './lifeSettings.ts';

export interface NewRequest {
  id: string;
  submission: Submission;
  judged: JudgedRequest;
  now: Date;
  /** Whether a sweep looks after what is opened. */
  isWatched: boolean;
  settings: LifeSettings;
}

/**
 * The row of a request that nothing is against: it waits for people where they must approve, for its start where one is
 * chosen, and is to be opened otherwise. What waits is wanted by no reconcile, and its times are fixed when it no longer does.
 */
export function newRequest({ id, submission, judged, now, isWatched, settings }: NewRequest): AccessRequest {
  const isSkipped = judged.approval.length > 0 && submission.breakGlass === true;
  const isPending = judged.approval.length > 0 && !isSkipped;
  const start = startOf({ chosenStart: submission.start }, now);
  const state = isPending ? 'pending' : start > now ? 'scheduled' : 'opening';
  const decision = isSkipped
    ? {
        ...judged.fields.decision,
        outcome: 'granted' as const,
        reasons: [...judged.fields.decision.reasons, approvalSkipped],
      }
    : judged.fields.decision;
  const expiresAt = secondsAfter(now, settings.approvalSeconds).toISOString();
  const due = isPending ? expiresAt : start.toISOString();
  return {
    id,
    state,
    version: 1,
    requester: submission.requester,
    virtualMachines: judged.virtualMachines,
    ...judged.fields,
    decision,
    duration: submission.duration,
    justification: submission.justification,
    requestedAt: now.toISOString(),
    start: start.toISOString(),
    end: submission.end ?? secondsAfter(start, submission.durationSeconds).toISOString(),
    ...(start > now ? { chosenStart: start.toISOString() } : {}),
    ...(submission.end === undefined ? {} : { chosenEnd: submission.end }),
    ...(isPending ? { approval: { rules: judged.approval, given: [], expiresAt } } : {}),
    ...(isSkipped ? { breakGlass: {} } : {}),
    outcome: 'failed',
    correlationId: submission.correlationId,
    instance: id,
    nextDue: due,
    journal: [
      {
        number: 1,
        event: state,
        at: now.toISOString(),
        actor: submission.requester.objectId,
        reasons: decision.reasons,
      },
    ],
    recorded: 0,
    bodyHash: submission.bodyHash,
    ...(isWatched || state !== 'opening'
      ? {}
      : { waiting: { at: now.toISOString(), reason: waitingForSweep } }),
  };
}

const approvalSkipped: Reason = {
  code: 'break-glass',
  message: 'Approval was skipped by somebody who may; somebody else has to look at why.',
};
