import type { AccessRequest } from '../core/accessRequest.ts';
import type { Approval } from '../core/approval.ts';
import type { AuthorizationCall } from '../core/authorization.ts';
import { isApprover, type Caller } from '../core/caller.ts';
import { groupsOf, type Decider } from '../core/judgeApproval.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { Dependencies } from './dependencies.ts';
import type { Unavailable } from './preflight.ts';

/** Seconds to wait where Azure names none. */
const defaultRetry = 10;

/**
 * Somebody who wants to decide, with the groups that Azure tells of them where the decision may come down to these: those
 * that hold a role at one of the request's machines, or above. A token's word on groups is not asked.
 */
export async function findDecider(
  { authorization, log }: Pick<Dependencies, 'authorization' | 'log'>,
  caller: Caller,
  { virtualMachines }: Pick<AccessRequest, 'virtualMachines'>,
  approval: Approval,
  call: AuthorizationCall,
): Promise<Decider | Unavailable> {
  const decider: Decider = {
    person: caller.person,
    isApplication: caller.isApplication === true,
    isApprover: isApprover(caller),
    groupIds: new Set(),
  };
  if (decider.isApplication || decider.isApprover || groupsOf(approval).size === 0) return decider;
  const scopes = [...new Map(virtualMachines.map(({ id }) => [canonicalId(id), id])).values()];
  const answers = await Promise.all(
    scopes.map((scope) => authorization.memberships(caller.person, scope, call)),
  );
  const groupIds = new Set<string>();
  for (const answer of answers) {
    if (answer.kind === 'unknown') {
      log.error('groups-unknown', { correlationId: call.correlationId, cause: answer.message });
      return {
        kind: 'unavailable',
        retryAfterSeconds: answer.retryAfterSeconds ?? defaultRetry,
        message: 'Azure does not say at the moment which groups you are in. Try again later.',
      };
    }
    for (const id of answer.groupIds) groupIds.add(id);
  }
  return { ...decider, groupIds };
}
