import type { AccessRequest } from './accessRequest.ts';
import { isAdministrator, isApprover, type Caller } from './caller.ts';
import { isSame } from './judgeApproval.ts';

/** Whether it skipped approval and nobody has looked at why, be it ended or not. */
export function isReviewOpen({ breakGlass }: Pick<AccessRequest, 'breakGlass'>): boolean {
  return breakGlass !== undefined && breakGlass.reviewed === undefined;
}

/** Why somebody may not review. Stable: clients match on them. */
export const reviewRefusals = ['own-request', 'application-cannot-decide', 'role-missing'] as const;

/** Why this caller may not look at why approval was skipped; undefined if they may. */
export function obstacleToReview(
  { requester }: Pick<AccessRequest, 'requester'>,
  caller: Caller,
): { code: (typeof reviewRefusals)[number]; message: string } | undefined {
  if (caller.isApplication === true) {
    return { code: 'application-cannot-decide', message: 'Only people review: an application cannot.' };
  }
  if (isSame(requester, caller.person)) {
    return { code: 'own-request', message: 'Nobody reviews their own request: somebody else must.' };
  }
  if (!isApprover(caller) && !isAdministrator(caller)) {
    const message = 'This takes the role Sallyport.Approver or Sallyport.Administrator.';
    return { code: 'role-missing', message };
  }
  return undefined;
}
