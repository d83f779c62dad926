import type { AccessRequest } from '../../core/accessRequest.ts';
import { canonicalId } from '../../core/resourceId.ts';
import type { Policy } from '../../core/policy.ts';
import type { JudgedTogether, PolicyRefusal, Submission, SubmitResult } from '../../workflow/contracts.ts';
import { idempotencyKeyOf, problemOfSubmission } from '../accessRequests.ts';
import { callerAddress } from '../callerAddress.ts';
import { nameSources } from '../nameSources.ts';
import type { Problem, ProblemCode } from '../problem.ts';
import { refuseInArmWords } from './armAnswer.ts';
import type { ArmAnswer } from './armAnswer.ts';
import { armDetailOf, armErrorOf } from './armError.ts';
import type { ArmError } from './armError.ts';
import { armErrorOfDecision, notASubset } from './armErrorOfDecision.ts';
import { parseInitiateBody } from './initiateBody.ts';
import type { AskedUntil } from './initiateBody.ts';
import { errorOfBody, errorOfRefusal } from './jitErrors.ts';
import { findPolicy, idForMessage, locate } from './jitCall.ts';
import type { JitCall, JitDependencies } from './jitCall.ts';
import type { JitTarget } from './jitTarget.ts';
import { presentJitRequests } from './presentJitRequest.ts';
import { readJitBody } from './readJitBody.ts';

/** What our own API calls it. */
const codeOfRefusal = {
  'not-found': 'policy-not-found',
  'not-authorized': 'not-authorized',
  unavailable: 'unavailable',
} as const satisfies Record<PolicyRefusal['kind'], ProblemCode>;

type InitiateCall = JitCall<Extract<JitTarget, { kind: 'initiate' }>>;

/**
 * POST …/initiate: access requests like all others, decided by every policy of the machines. One request for each
 * distinct end; where one of them is refused, none is made.
 */
export async function initiate(jit: InitiateCall, dependencies: JitDependencies): Promise<ArmAnswer> {
  const { call } = jit;
  const key = idempotencyKeyOf(call.request);
  if (!key.ok) return refuseInArmWords(key.problem);
  const read = await readJitBody(call.request, 'what is asked for, with virtualMachines,');
  if (!read.ok) return read;
  const parsed = parseInitiateBody(read.json, dependencies.clock.now());
  if (!parsed.ok) return refuse(errorOfBody(parsed.problems));
  const tell = (problem: Pick<Problem, 'code' | 'errors'>) => {
    const { correlationId } = call;
    dependencies.tellRefused(problem, { door: 'microsoft', asked: 'access', correlationId });
  };
  const policy = await policyOf(jit, dependencies);
  if ('kind' in policy) {
    tell({ code: codeOfRefusal[policy.kind] });
    return refuse(errorOfRefusal(policy, (await locate(jit)) ?? idForMessage(jit.target)));
  }
  const outside = outsideOf(policy, parsed.asked);
  if (outside !== undefined) {
    tell({ code: 'no-policy' });
    return refuse(outside);
  }
  const address = () => callerAddress(call.request, call.caller, dependencies.trustedProxyHops);
  const submissions: Submission[] = [];
  for (const [index, asked] of parsed.asked.entries()) {
    const named = nameSources(asked.virtualMachines, address);
    if (!named.ok) return refuse(errorOfBody(named.problems));
    submissions.push({
      ...asked,
      virtualMachines: named.virtualMachines,
      requester: call.caller.person,
      correlationId: call.correlationId,
      ...(key.value !== undefined && {
        idempotencyKey: index === 0 ? key.value : `${key.value} ${index + 1}`,
      }),
    });
  }
  const submitted = await submitAll(jit, submissions);
  if (!Array.isArray(submitted)) {
    const problem = problemOfSubmission(submitted);
    tell(problem);
    return refuse(errorOfSubmission(submitted, problem, policy.id));
  }
  return { ok: true, status: 202, body: presentJitRequests(submitted) };
}

/**
 * All of them, in their order, or why not. They are judged together before the first is submitted; what would be refused
 * is submitted before the others, so that its refusal is audited while nothing is open. What is refused after that,
 * because something changed in this moment, ends those before it.
 */
async function submitAll(
  jit: InitiateCall,
  submissions: readonly Submission[],
): Promise<AccessRequest[] | Exclude<SubmitResult, { kind: 'accepted' }>> {
  // One alone is judged as it is submitted.
  const judged: JudgedTogether =
    submissions.length > 1
      ? await jit.accessRequests.judgeTogether(submissions)
      : { kind: 'judged', refused: [] };
  if (judged.kind !== 'judged') return judged;
  const { refused } = judged;
  const accepted = new Map<Submission, AccessRequest>();
  try {
    for (const submission of [...refused, ...submissions.filter((one) => !refused.includes(one))]) {
      const result = await jit.accessRequests.submit(submission);
      if (result.kind !== 'accepted') {
        await takeBack(jit, accepted.values());
        return result;
      }
      accepted.set(submission, result.request);
    }
  } catch (error) {
    await takeBack(jit, accepted.values());
    throw error;
  }
  return submissions.flatMap((submission) => accepted.get(submission) ?? []);
}

/**
 * The policy that the path names. Whoever may initiate need not be able to read it; whoever may do neither hears the same
 * whether it exists or not.
 */
async function policyOf(
  jit: InitiateCall,
  { storedPolicies }: Pick<JitDependencies, 'storedPolicies'>,
): Promise<Policy | PolicyRefusal> {
  const found = await findPolicy(jit);
  if (found.kind === 'found') return found.policy;
  const id = await locate(jit);
  const stored =
    found.kind === 'not-authorized' && id !== undefined ? await storedPolicies.get(id) : undefined;
  return stored !== undefined && stored.row.isDeleted !== true ? stored.row : found;
}

/** The policy in the path must name every machine: what other policies allow there is asked for by their own names. */
function outsideOf(policy: Policy, asked: readonly AskedUntil[]): ArmError | undefined {
  const named = new Set(
    policy.entries.flatMap(({ selector }) =>
      'virtualMachineIds' in selector ? selector.virtualMachineIds.map(canonicalId) : [],
    ),
  );
  const ids = [...new Set(asked.flatMap(({ virtualMachines }) => virtualMachines.map(({ id }) => id)))];
  const outside = ids.filter((id) => !named.has(canonicalId(id)));
  if (outside.length === 0) return undefined;
  const detail = 'The policy does not name this virtual machine.';
  return {
    ...notASubset(policy.id, detail),
    details: outside.map((id) =>
      armDetailOf({ code: 'no-policy', detail, field: `virtualMachines[${ids.indexOf(id)}].id` }),
    ),
  };
}

function errorOfSubmission(
  result: Exclude<SubmitResult, { kind: 'accepted' }>,
  problem: Problem,
  policyId: string,
): ArmError {
  return result.kind === 'denied' ? armErrorOfDecision(result.decision, policyId) : armErrorOf(problem);
}

/** Ends what was accepted before something that belongs to it was refused. */
async function takeBack(
  { call, accessRequests }: InitiateCall,
  accepted: Iterable<AccessRequest>,
): Promise<void> {
  for (const { id } of accepted) {
    await accessRequests.revoke({ id, person: call.caller.person, correlationId: call.correlationId });
  }
}

function refuse(error: ArmError): ArmAnswer {
  return { ok: false, error };
}
