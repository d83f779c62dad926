import type { AccessRequest, JournalEntry } from '../core/accessRequest.ts';
import { isApprover, seesEverything, type Caller } from '../core/caller.ts';
import { isSame, waitingApproval } from '../core/judgeApproval.ts';
import type { AccessRequestService } from '../workflow/contracts.ts';
import type { Call } from './handleCall.ts';
import type { Problem } from './problem.ts';

/** Somebody else's request is as absent as one that never was: ids tell nothing. */
export const notFound: Problem = {
  code: 'request-not-found',
  detail: 'There is no access request with this id that you may see.',
};

export type Visible = { ok: true; request: AccessRequest } | { ok: false; problem: Problem };

/**
 * The request that the route names, if the caller may see it: their own; with a role everybody's; what they have decided
 * on; and what waits for a decision that they may make, which Azure is asked about where it comes down to their groups.
 */
export async function findVisible(
  call: Call,
  service: Pick<AccessRequestService, 'find' | 'decidableBy'>,
): Promise<Visible> {
  const id = call.request.params['id'] ?? '';
  const request = /^[0-9a-f]{32}$/.test(id) ? await service.find(id) : undefined;
  if (request === undefined) return { ok: false, problem: notFound };
  const { caller } = call;
  const isVisible = [isOwn, isOfApprover, hasDenied].some((is) => is(request, caller));
  if (isVisible || seesEverything(caller)) return { ok: true, request };
  if (waitingApproval(request) === undefined) return { ok: false, problem: notFound };
  const decidable = await service.decidableBy(caller, [request], call.correlationId);
  if (decidable.kind === 'unavailable') {
    const { message, retryAfterSeconds } = decidable;
    return { ok: false, problem: { code: 'unavailable', detail: message, retryAfterSeconds } };
  }
  return decidable.requestIds.has(request.id) ? { ok: true, request } : { ok: false, problem: notFound };
}

export function isOwn({ requester }: AccessRequest, { person }: Caller): boolean {
  return isSame(requester, person);
}

/** What approvers look after: whatever people must decide on or review, and what one has approved oneself. */
export function isOfApprover(request: AccessRequest, caller: Caller): boolean {
  const { approval, breakGlass, extension } = request;
  return (
    (isApprover(caller) && [approval, breakGlass, extension].some((part) => part !== undefined)) ||
    hasMade(request, caller, ['approved', 'extension-approved'])
  );
}

/** What somebody has said no to is still theirs to see: why nothing came of it, and what they said. */
function hasDenied(request: AccessRequest, caller: Caller): boolean {
  return hasMade(request, caller, ['denied', 'extension-denied']);
}

/** By the journal, which forgets nobody. It names people of one tenant, that of the requester. */
function hasMade(
  { journal, requester }: AccessRequest,
  { person }: Caller,
  events: readonly JournalEntry['event'][],
): boolean {
  const { tenantId } = requester;
  return journal.some(
    ({ event, actor }) => events.includes(event) && isSame({ ...person, objectId: actor, tenantId }, person),
  );
}
