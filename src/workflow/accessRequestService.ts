import { finalStates, type AccessRequest } from '../core/accessRequest.ts';
import { isReviewOpen } from '../core/breakGlass.ts';
import { causeOf } from '../core/cause.ts';
import { enterState } from '../core/journal.ts';
import { isSame, judgeApproval, waitingApproval } from '../core/judgeApproval.ts';
import { UnreadableRowError, type UnendedRow } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import type { AccessRequestService, Orchestrations, RevokeCall, RevokeResult } from './contracts.ts';
import { createDecide } from './decide.ts';
import { createExtensionMatter } from './decideExtension.ts';
import { createRequestMatter } from './decideRequest.ts';
import type { Dependencies } from './dependencies.ts';
import { dryRun } from './dryRun.ts';
import { createCarryOut, createExtendGrant } from './extendGrant.ts';
import { findDecider } from './findDecider.ts';
import { inParallel } from './inParallel.ts';
import { judgeTogether } from './judgeTogether.ts';
import type { Reconcile } from './reconcileResult.ts';
import type { PersonQuota } from './personQuota.ts';
import { defaultLifeSettings, type LifeSettings } from './lifeSettings.ts';
import { reviewBreakGlass } from './reviewBreakGlass.ts';
import { settle } from './settle.ts';
import { submit } from './submit.ts';

/** What a list of what happened of late is made from. Older and more than that is in the audit. */
const recent = { milliseconds: 24 * 3_600_000, requests: 100 };
/** Partitions of the audit are requests, NSGs, policies and more. */
const isRequestId = /^[0-9a-f]{32}$/;

/** What the HTTP layer asks of the life of requests, for one invocation's orchestrations. */
export function createAccessRequestService(
  dependencies: Dependencies,
  quota: PersonQuota,
  orchestrations: Orchestrations,
  reconcile: Reconcile,
  settings: LifeSettings = defaultLifeSettings,
): AccessRequestService {
  const { requests, live, clock, log } = dependencies;

  return {
    extend: createExtendGrant(dependencies, quota, reconcile),

    submit: (submission) => submit(dependencies, quota, orchestrations, submission, settings),
    judgeTogether: (submissions) => judgeTogether(dependencies, quota, submissions),
    dryRun: (submission) => dryRun(dependencies, quota, submission),
    decide: createDecide(dependencies, quota, {
      request: createRequestMatter(dependencies, ring),
      extension: createExtensionMatter(dependencies, createCarryOut(dependencies, reconcile)),
    }),
    review: (call) => reviewBreakGlass(dependencies, quota, call),

    async find(id) {
      return (await requests.get(id))?.row;
    },

    async listUnended(requesterId) {
      const rows = await live.unended();
      const found = await readAll(
        rows.filter(
          (row) =>
            row.endedAt === undefined && (requesterId === undefined || row.requesterId === requesterId),
        ),
      );
      return found.filter((row) => !finalStates.has(row.state));
    },

    async listRecent() {
      const now = clock.now();
      const from = new Date(now.getTime() - recent.milliseconds).toISOString();
      // A second more: what is indexed in this very millisecond is of now too.
      const [unended, indexed] = await Promise.all([
        live.unended(),
        dependencies.audit.indexed(from, new Date(now.getTime() + 1_000).toISOString()),
      ]);
      const ids = indexed
        .map(({ partition }) => partition)
        .filter((partition) => isRequestId.test(partition));
      const wanted = new Set([...unended.map(({ requestId }) => requestId), ...ids.slice(-recent.requests)]);
      return await readAll([...wanted].map((requestId) => ({ requestId })));
    },

    async listToReview() {
      return (await readAll(await live.unended())).filter(isReviewOpen);
    },

    async decidableBy(caller, candidates, correlationId) {
      const requestIds = new Set<string>();
      for (const request of candidates) {
        const approval = waitingApproval(request);
        if (approval === undefined || isSame(request.requester, caller.person)) continue;
        const decider = await findDecider(dependencies, caller, request, approval, { correlationId });
        if ('kind' in decider) return decider;
        const { requester } = request;
        const judgement = judgeApproval({ approval, requester, decider, comment: '', now: clock.now() });
        if (judgement.kind === 'counts') requestIds.add(request.id);
      }
      return { kind: 'known', requestIds };
    },

    async revoke(call): Promise<RevokeResult> {
      const { id, person, correlationId } = call;
      const now = clock.now();
      const existing = await requests.get(id);
      if (existing === undefined) return { kind: 'not-found' };
      const { stored, changed } = await changeRequest(
        requests,
        id,
        (current) => (isEnding(current) ? undefined : revoked(current, call, now)),
        existing,
      );
      if (finalStates.has(stored.row.state)) return { kind: 'revoked', request: stored.row };
      // Ties the call to the request, whose own correlation id all that follows carries.
      log.info('revoked', { requestId: id, correlationId, requestCorrelationId: stored.row.correlationId });
      // A revocation counts from the moment the live rows hold it; the caller is answered after that. A repeated
      // call completes what an earlier one may not have finished.
      try {
        return { kind: 'revoked', request: (await settle(dependencies, stored.row, now)).request };
      } finally {
        // Also when the live rows could not be written: the step that is rung for writes them.
        if (changed || isRevokedBy(stored.row, person.objectId, now)) await ring(stored.row);
      }
    },
  };

  /** Those that can be read, newest first. */
  async function readAll(named: readonly Pick<UnendedRow, 'requestId'>[]): Promise<AccessRequest[]> {
    const found: AccessRequest[] = [];
    await inParallel(named, async ({ requestId }) => {
      try {
        const stored = await requests.get(requestId);
        if (stored !== undefined) found.push(stored.row);
      } catch (error) {
        // One row that somebody has damaged must not hide all the others.
        if (!(error instanceof UnreadableRowError)) throw error;
        log.error('request-row-unreadable', { requestId, cause: error.message });
      }
    });
    return found.sort(newestFirst);
  }

  async function ring(row: AccessRequest): Promise<void> {
    try {
      await orchestrations.ring(row.instance);
    } catch (error) {
      log.error('ring-left-to-sweep', {
        requestId: row.id,
        correlationId: row.correlationId,
        cause: causeOf(error),
      });
    }
  }
}

function isEnding(request: AccessRequest): boolean {
  return request.state === 'closing' || finalStates.has(request.state);
}

/** Whether it was this very call: its change may have been written although the answer to it was lost. */
function isRevokedBy(request: AccessRequest, actor: string, now: Date): boolean {
  const entry = request.journal.find(({ event }) => event === 'closing');
  return entry?.actor === actor && entry.at === now.toISOString();
}

function revoked(
  request: AccessRequest,
  { person, comment, correlationId }: RevokeCall,
  now: Date,
): AccessRequest {
  const reason = { code: 'revoked', message: 'Ended early by a person.' } as const;
  const { objectId: actor, displayName: actorName } = person;
  return enterState(
    request,
    'closing',
    { at: now, actor, actorName, reasons: [reason], correlationId, ...(comment && { comment }) },
    { outcome: 'closed', reason, nextDue: now.toISOString() },
  );
}

function newestFirst(a: AccessRequest, b: AccessRequest): number {
  return b.requestedAt.localeCompare(a.requestedAt);
}
