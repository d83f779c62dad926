import { createHash } from 'node:crypto';
import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { Deciding } from '../core/decide.ts';
import type { Decision } from '../core/reason.ts';
import { authorizeRequester } from './authorize.ts';
import type { Orchestrations, Submission, SubmitResult } from './contracts.ts';
import { decideSubmission } from './decideSubmission.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { admit, preflight } from './preflight.ts';
import { recordDenied } from './recordJournal.ts';
import type { PersonQuota } from './personQuota.ts';
import { waitingForSweep } from './heartbeat.ts';
import { resolvePath } from './resolvePath.ts';
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
): Promise<SubmitResult> {
  const { requests, live, clock, log, newId } = dependencies;
  const retryAfterSeconds = quota.exhausted(submission.requester.objectId, clock.now());
  if (retryAfterSeconds > 0) return { kind: 'too-many-refusals', retryAfterSeconds };
  const overCalls = quota.call(submission.requester.objectId, clock.now());
  if (overCalls !== undefined) return overCalls;

  const isWatched = await dependencies.heartbeat.isFresh();
  // Only where no sweep is complete: what is lost keeps it from being so.
  if (!isWatched && (await isLost(dependencies))) return { kind: 'tables-lost' };

  const options = { correlationId: submission.correlationId };
  const id = idOf(submission, newId);
  if (submission.idempotencyKey !== undefined) {
    const earlier = await requests.get(id);
    if (earlier !== undefined) return repeated(earlier.row, submission);
  }
  const overLive = await quota.live(live, submission.requester.objectId, clock.now());
  if (overLive !== undefined) return overLive;

  const asked = submission.virtualMachines.map((machine) => machine.id);
  // Before anything is read: what the reads would cost is better spent on closing.
  const wait = admit(dependencies, asked);
  if (wait !== undefined) return wait;
  const deny = async (decision: Decision): Promise<SubmitResult> => {
    quota.count(submission.requester.objectId, clock.now());
    // Under an id of its own: a denied submission uses up no Idempotency-Key.
    await recordDenied(
      { id: newId(), at: clock.now().toISOString(), submission, decision },
      dependencies.audit,
    );
    return { kind: 'denied', decision };
  };
  // Before anything is decided: what a policy says is nobody's business who may not ask.
  const authorizedAt = clock.now().toISOString();
  const forbidding = await authorizeRequester(dependencies, submission, options);
  if ('kind' in forbidding) return forbidding;
  if (forbidding.length > 0) return deny({ outcome: 'denied', reasons: forbidding, policies: [] });

  const decided = await decideSubmission(dependencies, submission, clock.now());
  if ('kind' in decided) return decided;
  const deciding = withoutApproval(decided.deciding);
  const resolved = await resolvePath(dependencies, submission, deciding, decided.networks);
  if ('kind' in resolved) return resolved;
  const { path, found } = resolved;
  const against =
    resolved.reasons.length > 0 ? resolved.reasons : await preflight(dependencies, id, path, options);
  if ('kind' in against) return against;
  if (against.length > 0) return deny({ ...deciding.decision, outcome: 'denied', reasons: against });

  const now = clock.now();
  const request: AccessRequest = {
    id,
    state: 'opening',
    version: 1,
    requester: submission.requester,
    virtualMachines: deciding.virtualMachines,
    targets: path.map(({ target }) => target),
    found,
    duration: submission.duration,
    justification: submission.justification,
    requestedAt: now.toISOString(),
    start: now.toISOString(),
    end: submission.end ?? secondsAfter(now, submission.durationSeconds).toISOString(),
    decision: deciding.decision,
    authorizedAt,
    outcome: 'failed',
    correlationId: submission.correlationId,
    instance: id,
    nextDue: now.toISOString(),
    journal: [
      {
        number: 1,
        event: 'opening',
        at: now.toISOString(),
        actor: submission.requester.objectId,
        reasons: deciding.decision.reasons,
      },
    ],
    recorded: 0,
    bodyHash: submission.bodyHash,
    ...(deciding.flushConnection ? { flushConnection: true as const } : {}),
    ...(isWatched ? {} : { waiting: { at: now.toISOString(), reason: waitingForSweep } }),
  };
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
  quota.accepted(submission.requester.objectId, request.end);
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
}

/** Rules of ours stand somewhere, and these tables know nothing of it. */
async function isLost({ sweepState }: Pick<Dependencies, 'sweepState'>): Promise<boolean> {
  return (await sweepState.marker()) === undefined && (await sweepState.lostSince()) !== undefined;
}

/** Nobody can approve yet: what needs it is denied, with its reason. */
function withoutApproval(deciding: Deciding): Deciding {
  return deciding.decision.outcome === 'needs-approval'
    ? { ...deciding, decision: { ...deciding.decision, outcome: 'denied' } }
    : deciding;
}

/** A repeated Idempotency-Key names the same request for the same person, and no one else's. */
function idOf(submission: Submission, newId: () => string): string {
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
