import type { HttpHandler } from '@azure/functions';
import type { AccessRequest } from '../../core/accessRequest.ts';
import type { Policy } from '../../core/policy.ts';
import { canonicalId } from '../../core/resourceId.ts';
import type { ChangePolicyResult } from '../../workflow/contracts.ts';
import { problemOfApiVersion } from './apiVersion.ts';
import { handleArmCall } from './armAnswer.ts';
import type { ArmAnswer } from './armAnswer.ts';
import type { ArmError } from './armError.ts';
import { initiate } from './initiate.ts';
import { findPolicy, idForMessage, locate } from './jitCall.ts';
import type { JitCall, JitDependencies } from './jitCall.ts';
import { errorOfBody, errorOfRefusal, policyNotFound } from './jitErrors.ts';
import { isListed, parseJitTarget, placeOfPolicy, resourceGroupIdOf } from './jitTarget.ts';
import type { JitTarget, PolicyTarget } from './jitTarget.ts';
import { pageOf } from './page.ts';
import { linkOrigin } from './linkOrigin.ts';
import { parsePolicyBody } from './policyBody.ts';
import { presentJitPolicy } from './presentJitPolicy.ts';
import { readJitBody } from './readJitBody.ts';

const policiesPerPage = 100;
const methods: Record<JitTarget['kind'], readonly string[]> = {
  policies: ['GET'],
  policy: ['GET', 'PUT', 'DELETE'],
  initiate: ['POST'],
};

/** Microsoft.Security/locations/jitNetworkAccessPolicies under /api/arm, as Microsoft's clients speak to it. */
export function createJitHandler(dependencies: JitDependencies): HttpHandler {
  return handleArmCall(dependencies, async (call) => {
    const parsed = parseJitTarget(call.request.params['path'] ?? '');
    if (!parsed.ok) return parsed;
    const wrong = problemOfApiVersion(call.request);
    if (wrong !== undefined) return refuse(wrong);
    const { target } = parsed;
    const policies = dependencies.policies(call.context);
    const accessRequests = dependencies.accessRequests(call.context);
    const { method } = call.request;
    if (target.kind === 'policies' && method === 'GET') {
      return list({ call, target, policies, accessRequests }, dependencies);
    }
    if (target.kind === 'initiate' && method === 'POST') {
      return initiate({ call, target, policies, accessRequests }, dependencies);
    }
    if (target.kind === 'policy') {
      const one = { call, target, policies, accessRequests };
      if (method === 'GET') return get(one);
      if (method === 'PUT') return put(one);
      if (method === 'DELETE') return remove(one);
    }
    const allow = methods[target.kind];
    const message = `The method ${method} is not allowed here, but ${allow.join(', ')}.`;
    return refuse({ status: 405, code: 'MethodNotAllowed', message, allow });
  });
}

async function list(
  { call, target, policies, accessRequests }: JitCall<Extract<JitTarget, { kind: 'policies' }>>,
  { publicOrigin }: Pick<JitDependencies, 'publicOrigin'>,
): Promise<ArmAnswer> {
  const { subscriptionId, resourceGroup } = target;
  const within =
    resourceGroup === undefined
      ? `/subscriptions/${subscriptionId}`
      : resourceGroupIdOf({ subscriptionId, resourceGroup });
  const listed = await policies.list(call, within);
  if (listed.kind !== 'listed') return refuse(errorOfRefusal(listed, within));
  const found = listed.policies
    .filter(({ id }) => {
      const place = placeOfPolicy(id);
      return place !== undefined && isListed(place, target);
    })
    .sort((a, b) => (canonicalId(a.id) < canonicalId(b.id) ? -1 : 1));
  const origin = linkOrigin(publicOrigin, call.request.url);
  const page = pageOf(found, call.request, { size: policiesPerPage, origin });
  if (!page.ok) {
    const message = 'The $skiptoken is not one that an earlier page returned.';
    return refuse({ status: 400, code: 'InvalidSkipToken', message, target: '$skiptoken' });
  }
  const requests = page.items.length === 0 ? [] : await accessRequests.listRecent();
  const value = page.items.map((policy) => presentJitPolicy(policy, requests));
  const { nextLink } = page;
  return { ok: true, status: 200, body: { value, ...(nextLink !== undefined && { nextLink }) } };
}

async function get(jit: JitCall<PolicyTarget>): Promise<ArmAnswer> {
  const found = await findPolicy(jit);
  if (found.kind !== 'found') return refuse(errorOfRefusal(found, idForMessage(jit.target)));
  return show(found.policy, await jit.accessRequests.listRecent());
}

/** Answers at once: the network security groups follow, and the policy says `Updating` until they have. */
async function put(jit: JitCall<PolicyTarget>): Promise<ArmAnswer> {
  const { call, target, policies, accessRequests } = jit;
  const read = await readJitBody(call.request, 'a policy with properties.virtualMachines');
  if (!read.ok) return read;
  const parsed = parsePolicyBody(read.json, resourceGroupIdOf(target));
  if (!parsed.ok) return refuse(errorOfBody(parsed.problems));
  const id = await locate(jit);
  if (id === undefined) {
    const message =
      'A policy that is new needs its location in the path: …/locations/{location}/jitNetworkAccessPolicies/{name}.';
    return refuse({ status: 400, code: 'LocationRequired', message });
  }
  const changed = await policies.put(id, parsed.content, call);
  if (changed.kind !== 'changed') return refuse(errorOfChange(changed, id));
  return show(changed.policy, await accessRequests.listRecent());
}

async function remove(jit: JitCall<PolicyTarget>): Promise<ArmAnswer> {
  const id = await locate(jit);
  if (id === undefined) return { ok: true, status: 204 };
  const changed = await jit.policies.remove(id, jit.call);
  if (changed.kind === 'not-found') return { ok: true, status: 204 };
  return changed.kind === 'changed' ? { ok: true, status: 200 } : refuse(errorOfChange(changed, id));
}

function show(policy: Policy, requests: readonly AccessRequest[]): ArmAnswer {
  const body = presentJitPolicy(policy, requests);
  return body === undefined ? refuse(policyNotFound(policy.id)) : { ok: true, status: 200, body };
}

function errorOfChange(changed: Exclude<ChangePolicyResult, { kind: 'changed' }>, id: string): ArmError {
  if (changed.kind === 'version-mismatch' || changed.kind === 'not-releasable') {
    const message = 'Somebody else changed the policy at the same moment. Read it and try again.';
    return { status: 409, code: 'Conflict', message };
  }
  return errorOfRefusal(changed, id);
}

function refuse(error: ArmError): ArmAnswer {
  return { ok: false, error };
}
