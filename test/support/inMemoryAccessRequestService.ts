import { createHash } from 'node:crypto';
import { finalStates } from '../../src/core/accessRequest.ts';
import type { AccessRequest, RequestState } from '../../src/core/accessRequest.ts';
import { isReviewOpen, obstacleToReview } from '../../src/core/breakGlass.ts';
import { isApprover, type Caller } from '../../src/core/caller.ts';
import { decide } from '../../src/core/decide.ts';
import { effectivePolicy } from '../../src/core/effectivePolicy.ts';
import type { Policy } from '../../src/core/policy.ts';
import { judgeApproval, waitingApproval } from '../../src/core/judgeApproval.ts';
import { canonicalId } from '../../src/core/resourceId.ts';
import type { AccessRequestService, SubmitResult, Submission } from '../../src/workflow/contracts.ts';

const requestedAt = new Date('2026-11-23T08:00:00Z');

/** The life of requests without Azure: decides as the product does, opens nothing. */
export interface InMemoryAccessRequestService extends AccessRequestService {
  /** Names of the operations that were called, in order. */
  calls: string[];
  submissions: Submission[];
  /** What the next submission is answered with instead of a decision. */
  answerWith(result: SubmitResult | Error): void;
  setState(id: string, state: RequestState): void;
}

export function createInMemoryAccessRequestService(options: {
  policies: Policy[];
  /** Ids of the virtual machines that exist. */
  virtualMachines: string[];
}): InMemoryAccessRequestService {
  const requests = new Map<string, AccessRequest>();
  const existing = new Set(options.virtualMachines.map(canonicalId));
  const calls: string[] = [];
  const submissions: Submission[] = [];
  let answer: SubmitResult | Error | undefined;
  let count = 0;

  function judge(submission: Submission): SubmitResult {
    if (answer instanceof Error) throw answer;
    if (answer !== undefined) return answer;
    const policies = submission.virtualMachines.map(({ id }) => effectivePolicy(options.policies, { id }));
    const { decision, virtualMachines } = decide({ submission, policies, start: requestedAt });
    if (decision.outcome === 'denied') return { kind: 'denied', decision };
    const absent = submission.virtualMachines.findIndex(({ id }) => !existing.has(canonicalId(id)));
    if (absent >= 0) {
      const field = `virtualMachines[${absent}].id`;
      const message = 'This virtual machine does not exist.';
      return {
        kind: 'denied',
        decision: { ...decision, outcome: 'denied', reasons: [{ code: 'vm-not-found', message, field }] },
      };
    }
    const request = requestOf(submission, count);
    const accepted = { ...request, virtualMachines, decision };
    requests.set(request.id, accepted);
    return { kind: 'accepted', request: accepted };
  }

  return {
    calls,
    submissions,
    answerWith: (result) => {
      answer = result;
    },
    setState: (id, state) => {
      const request = requests.get(id);
      if (request !== undefined) requests.set(id, { ...request, state });
    },
    submit: (submission) => {
      calls.push('submit');
      submissions.push(submission);
      count += 1;
      return new Promise((resolve) => {
        resolve(judge(submission));
      });
    },
    judgeTogether: (several) => {
      calls.push('judgeTogether');
      const policiesOf = ({ virtualMachines }: Submission) =>
        virtualMachines.map(({ id }) => effectivePolicy(options.policies, { id }));
      const refused = several.filter(
        (submission) =>
          decide({ submission, policies: policiesOf(submission), start: requestedAt }).decision.outcome ===
          'denied',
      );
      return Promise.resolve({ kind: 'judged', refused });
    },
    dryRun: (submission) => {
      calls.push('dryRun');
      const policies = submission.virtualMachines.map(({ id }) => effectivePolicy(options.policies, { id }));
      const { decision, approval, virtualMachines } = decide({ submission, policies, start: requestedAt });
      return Promise.resolve({ kind: 'foreseen', decision, approval, virtualMachines, nsgs: [] });
    },
    find: (id) => {
      calls.push('find');
      return Promise.resolve(requests.get(id));
    },
    listUnended: (requesterId) => {
      calls.push('listUnended');
      const unended = [...requests.values()].filter(
        ({ state, requester }) =>
          !finalStates.has(state) && (requesterId === undefined || requester.objectId === requesterId),
      );
      return Promise.resolve(unended.reverse());
    },
    extend: ({ id, person, durationSeconds }) => {
      calls.push(`extend by ${person.objectId}`);
      const request = requests.get(id);
      if (request === undefined) return Promise.resolve({ kind: 'not-found' });
      if (request.state !== 'opening' && request.state !== 'active') {
        const message =
          'Only a grant that is opening or active, and before its end, can be extended: ask anew.';
        return Promise.resolve({ kind: 'conflict', reason: { code: 'not-running', message } });
      }
      const end = new Date(Date.parse(request.end) + durationSeconds * 1000).toISOString();
      const extended: AccessRequest = { ...request, end };
      requests.set(id, extended);
      return Promise.resolve({ kind: 'extended', request: extended });
    },
    listRecent: () => {
      calls.push('listRecent');
      return Promise.resolve([...requests.values()].reverse());
    },
    listToReview: () => Promise.resolve([...requests.values()].filter(isReviewOpen).reverse()),
    decidableBy: (caller, candidates) => {
      const decidable = candidates.filter((request) => judgementOf(request, caller, '')?.kind === 'counts');
      return Promise.resolve({ kind: 'known', requestIds: new Set(decidable.map(({ id }) => id)) });
    },
    decide: ({ id, caller, comment, decision }) => {
      const request = requests.get(id);
      if (request === undefined) return Promise.resolve({ kind: 'not-found' });
      const judgement = judgementOf(request, caller, comment);
      if (judgement === undefined) {
        return Promise.resolve({ kind: 'conflict', code: 'not-pending', message: 'It does not wait.' });
      }
      if (judgement.kind !== 'counts') return Promise.resolve(judgement);
      const { approval, isComplete } = judgement;
      const state = decision === 'deny' ? 'denied' : isComplete ? 'opening' : 'pending';
      const decided = { ...request, approval, state } satisfies AccessRequest;
      requests.set(id, decided);
      return Promise.resolve({ kind: 'decided', request: decided });
    },
    review: ({ id, caller, comment }) => {
      const request = requests.get(id);
      if (request === undefined) return Promise.resolve({ kind: 'not-found' });
      const obstacle = obstacleToReview(request, caller);
      if (obstacle !== undefined) return Promise.resolve({ kind: 'refused', ...obstacle });
      if (!isReviewOpen(request)) {
        return Promise.resolve({ kind: 'conflict', code: 'no-review-open', message: 'Nothing is open.' });
      }
      const by = { by: caller.person, at: requestedAt.toISOString(), comment };
      const reviewed: AccessRequest = { ...request, breakGlass: { reviewed: by } };
      requests.set(id, reviewed);
      return Promise.resolve({ kind: 'reviewed', request: reviewed });
    },
    revoke: ({ id, person }) => {
      calls.push(`revoke by ${person.objectId}`);
      const request = requests.get(id);
      if (request === undefined) return Promise.resolve({ kind: 'not-found' });
      if (request.state === 'closing' || finalStates.has(request.state)) {
        return Promise.resolve({ kind: 'revoked', request });
      }
      const closing: AccessRequest = {
        ...request,
        state: 'closing',
        reason: { code: 'revoked', message: 'The grant was revoked.' },
      };
      requests.set(id, closing);
      return Promise.resolve({ kind: 'revoked', request: closing });
    },
  };
}

function judgementOf(request: AccessRequest, caller: Caller, comment: string) {
  const approval = waitingApproval(request);
  if (approval === undefined) return undefined;
  const decider = {
    person: caller.person,
    isApplication: caller.isApplication === true,
    isApprover: isApprover(caller),
    groupIds: new Set<string>(),
  };
  return judgeApproval({ approval, requester: request.requester, decider, comment, now: requestedAt });
}

function requestOf(submission: Submission, count: number): AccessRequest {
  const start = requestedAt;
  const end = new Date(start.getTime() + submission.durationSeconds * 1000);
  return {
    id: createHash('sha256').update(String(count)).digest('hex').slice(0, 32),
    state: 'opening',
    version: 1,
    requester: submission.requester,
    virtualMachines: [],
    targets: [{ nsgId: 'secret-nsg', boxes: [] }],
    duration: submission.duration,
    justification: submission.justification,
    requestedAt: start.toISOString(),
    start: start.toISOString(),
    end: end.toISOString(),
    decision: { outcome: 'granted', reasons: [], policies: [] },
    outcome: 'closed',
    correlationId: submission.correlationId,
    instance: 'secret-instance',
    nextDue: start.toISOString(),
    journal: [],
    recorded: 0,
    bodyHash: submission.bodyHash,
  };
}
