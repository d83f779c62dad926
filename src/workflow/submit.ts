import { createHash } from 'node:crypto';
import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { obstacleToStart, startOf } from '../core/chosenStart.ts';
import type { Decision } from '../core/reason.ts';
import type { Orchestrations, Submission, SubmitResult } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { judgeRequest } from './judgeRequest.ts';
import type { LifeSettings } from './lifeSettings.ts';
import { newRequest } from './newRequest.ts';
import { recordDenied } from './recordJournal.ts';
import type { PersonQuota } from './personQuota.ts';
import { settle } from './settle.ts';

/**
 * Decides on a submission and, if it is granted, makes its rows and starts its orchestration.
 *
 * Everything that reconcile needs is in the rows when this returns, so that any reconcile of these NSGs opens the
 * grant. Once the request's row is stored the answer is `accepted`, whatever fails after it: the sweep goes on.
 */
export async function submit(
  dependencies: Dependencies,
  quota: PersonQuota,
  orchestrations: Orchestrations,
  submission: Submission,
  settings: LifeSettings,
): Promise<SubmitResult> {
  const { requests, live, clock, log, newId } = dependencies;
  const retryAfterSeconds = quota.exhausted(submission.requester.objectId, clock.now());
  if (retryAfterSeconds > 0) return { kind: 'too-many-refusals', retryAfterSeconds };
  const overCalls = quota.call(submission.requester.objectId, clock.now());
  if (overCalls !== undefined) return overCalls;

  const isWatched = await dependencies.heartbeat.isFresh();
  // Only where no sweep is complete: what is lost keeps it from being so.
  if (!isWatched && (await isLost(dependencies))) return { kind: 'tables-lost' };

  const id = idOf(submission, newId);
  if (submission.idempotencyKey !== undefined) {
    const earlier = await requests.get(id);
    if (earlier !== undefined) return repeated(earlier.row, submission);
  }
  const overLive = await quota.live(live, submission.requester.objectId, clock.now());
  if (overLive !== undefined) return overLive;

  const obstacle = obstacleToStart(submission, clock.now());
  if (obstacle !== undefined) return deny({ outcome: 'denied', reasons: [obstacle], policies: [] });
  const judged = await judgeRequest(dependencies, {
    ...submission,
    id,
    start: startOf({ chosenStart: submission.start }, clock.now()),
  });
  if (judged.kind === 'unavailable') return judged;
  if (judged.kind === 'denied') return deny(judged.decision);

  const now = clock.now();
  const request = newRequest({ id, submission, judged, now, isWatched, settings });
  // First the row that makes the sweep look: a request that nothing knows of would never end.
  await live.addUnended({
    requestId: id,
    requesterId: submission.requester.objectId,
    createdAt: now.toISOString(),
  });
  const inserted = await requests.insert(request);
  if (inserted === 'exists') {
    const winner = await requests.get(id);
    if (winner === undefined) throw new Error(`Request ${id} exists and has no row.`);
    return repeated(winner.row, submission);
  }
  quota.accepted(submission.requester.objectId, request.approval?.expiresAt ?? request.end);
  if (request.breakGlass !== undefined) tellBreakGlass(request);
  try {
    // The row is new, so there is nothing of it anywhere yet.
    const rows = new Map(request.targets.map(({ nsgId }) => [nsgId, undefined]));
    await settle(dependencies, request, now, undefined, { records: [], rows });
    await orchestrations.start(request.instance, id);
  } catch (error) {
    log.error('start-left-to-sweep', {
      requestId: id,
      correlationId: request.correlationId,
      cause: causeOf(error),
    });
  }
  return { kind: 'accepted', request };

  async function deny(decision: Decision): Promise<SubmitResult> {
    quota.count(submission.requester.objectId, clock.now());
    // Under an id of its own: a denied submission uses up no Idempotency-Key.
    await recordDenied(
      { id: newId(), at: clock.now().toISOString(), submission, decision },
      dependencies.audit,
    );
    return { kind: 'denied', decision };
  }

  function tellBreakGlass({ requester, virtualMachines, correlationId }: AccessRequest): void {
    log.error('break-glass-used', {
      requestId: id,
      correlationId,
      requester: requester.objectId,
      virtualMachines: virtualMachines.map((machine) => machine.id),
    });
  }
}

/** Rules of ours stand somewhere, and these tables know nothing of it. */
async function isLost({ sweepState }: Pick<Dependencies, 'sweepState'>): Promise<boolean> {
  return (await sweepState.marker()) === undefined && (await sweepState.lostSince()) !== undefined;
}

/** A repeated Idempotency-Key names the same request for the same person, and no one else's. */
export function idOf(submission: Submission, newId: () => string): string {
  if (submission.idempotencyKey === undefined) return newId();
  const { tenantId, objectId } = submission.requester;
  return createHash('sha256')
    .update(JSON.stringify([tenantId, objectId, submission.idempotencyKey]))
    .digest('hex')
    .slice(0, 32);
}

function repeated(earlier: AccessRequest, submission: Submission): SubmitResult {
  return earlier.bodyHash === submission.bodyHash
    ? { kind: 'accepted', request: earlier }
    : { kind: 'key-reused' };
}
