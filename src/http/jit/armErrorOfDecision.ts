import type { Decision, ReasonCode } from '../../core/reason.ts';
import { problemOfDecision } from '../problem.ts';
import { armErrorOf } from './armError.ts';
import type { ArmError } from './armError.ts';

/** What stands against a request that policy allows: in Azure, not in what was asked. */
const hindrances: ReadonlySet<ReasonCode> = new Set([
  'vm-not-supported',
  'no-network-security-group',
  'no-address-of-family',
  'address-not-unique',
  'not-closable',
  'no-capacity',
  'blocked-by-foreign-rule',
  'blocked-by-security-admin-rule',
  'target-gone',
]);

/**
 * Why access was not initiated. What goes beyond the policy is told in Microsoft's sentence, whose code nobody has
 * published; our reasons are the details.
 */
export function armErrorOfDecision(decision: Decision, policyId: string): ArmError {
  const problem = problemOfDecision(decision);
  const error = armErrorOf(problem);
  const codes = decision.reasons.map(({ code }) => code);
  if (error.status >= 500 || error.status === 404 || codes.includes('not-authorized')) return error;
  if (codes.some((code) => hindrances.has(code))) {
    return { ...error, status: 409, code: 'AccessRequestNotPossible' };
  }
  return { ...error, ...notASubset(policyId, problem.detail) };
}

/** In Microsoft's words, and why. */
export function notASubset(policyId: string, why: string): Pick<ArmError, 'status' | 'code' | 'message'> {
  return {
    status: 400,
    code: 'AccessRequestNotSubsetOfPolicy',
    message: `The given access request is not a subset of policy '${policyId}'. Please make sure that the access request is within the allowed policy properties. ${why}`,
  };
}
