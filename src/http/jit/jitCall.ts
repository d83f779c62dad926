import type { InvocationContext } from '@azure/functions';
import type { Clock } from '../../core/clock.ts';
import type { Policies } from '../../core/policy.ts';
import { canonicalId } from '../../core/resourceId.ts';
import type { AccessRequestService, FindPolicyResult, PolicyService } from '../../workflow/contracts.ts';
import type { Call, CallDependencies } from '../handleCall.ts';
import type { TellRefused } from '../refusedOpens.ts';
import { isListed, placeOfPolicy, policyIdOf, resourceGroupIdOf } from './jitTarget.ts';
import type { JitTarget, PolicyTarget } from './jitTarget.ts';

export interface JitDependencies extends CallDependencies {
  policies: (context: InvocationContext) => PolicyService;
  accessRequests: (context: InvocationContext) => AccessRequestService;
  /** For who may initiate and not read: whether they may at all is decided for each machine. */
  storedPolicies: Pick<Policies, 'get'>;
  clock: Pick<Clock, 'now'>;
  /** How many proxies before the app are trusted to tell who called them. */
  trustedProxyHops: number;
  tellRefused: TellRefused;
  /** Where callers reach the app, such as `https://sallyport.contoso.example`; left out, where this call came to. */
  publicOrigin?: string;
}

/** One call of this door: what it points to, and who does what it asks for. */
export interface JitCall<Target = JitTarget> {
  call: Call;
  target: Target;
  policies: PolicyService;
  accessRequests: AccessRequestService;
}

/** The policy that a path points to, as this caller may see it. */
export async function findPolicy(jit: JitCall<Omit<PolicyTarget, 'kind'>>): Promise<FindPolicyResult> {
  const id = await locate(jit);
  return id === undefined ? { kind: 'not-found' } : jit.policies.find(id, jit.call);
}

/**
 * The id that a path points to. Where it leaves the location out it is that of the only policy of this name in the
 * group that the caller may read; undefined if there is none, or more than one.
 */
export async function locate({
  call,
  target,
  policies,
}: JitCall<Omit<PolicyTarget, 'kind'>>): Promise<string | undefined> {
  if (target.location !== undefined) return policyIdOf(target);
  const listed = await policies.list(call, resourceGroupIdOf(target));
  if (listed.kind !== 'listed') return undefined;
  const ids = listed.policies
    .map(({ id }) => id)
    .filter((id) => {
      const place = placeOfPolicy(id);
      return (
        place !== undefined &&
        isListed(place, { ...target, kind: 'policies' }) &&
        canonicalId(place.name) === canonicalId(target.name)
      );
    });
  return ids.length === 1 ? ids[0] : undefined;
}

/** For messages: a path without a location names no id, and shows where it would be. */
export function idForMessage(target: Omit<PolicyTarget, 'kind'>): string {
  return policyIdOf({ location: '{location}', ...target });
}
