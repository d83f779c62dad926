import { actions, type AuthorizationCall, type Permission } from '../core/authorization.ts';
import type { Caller } from '../core/caller.ts';
import type { PolicyEntry } from '../core/policy.ts';
import type { Reason } from '../core/reason.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { PolicyRefusal } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { defaultRetry } from './preflight.ts';

const jitPolicy =
  /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)\/providers\/Microsoft\.Security\/locations\/[^/]+\/jitNetworkAccessPolicies\/[^/]+$/i;

/** The resource group of a just-in-time policy; undefined for the name of one of our own. */
export function resourceGroupOf(policyId: string): string | undefined {
  return jitPolicy.exec(policyId)?.[1];
}

/** What is needed at one scope. */
interface Requirement {
  scope: string;
  needed: readonly string[];
  /** JSON path of the body that names the scope. */
  field?: string;
}

/** Where somebody must have the right to a policy: Defender asks at the resource group, ours wherever its entries speak. */
function placesOf(policyId: string, entries: readonly PolicyEntry[]) {
  const named = entries.flatMap(({ selector }, index) => {
    const [member, scopes] =
      'scopes' in selector ? ['scopes', selector.scopes] : ['virtualMachineIds', selector.virtualMachineIds];
    return scopes.map((scope, place) => ({ scope, field: `entries[${index}].selector.${member}[${place}]` }));
  });
  return { named, group: resourceGroupOf(policyId) };
}

export function neededToRead(policyId: string, entries: readonly PolicyEntry[]): Requirement[] {
  const { named, group } = placesOf(policyId, entries);
  const needed = [actions.readPolicy];
  return group === undefined ? named.map(({ scope }) => ({ scope, needed })) : [{ scope: group, needed }];
}

/**
 * What it takes to put or delete a policy that says this: the right to the policy, and to write every machine that it speaks
 * of, since it decides who reaches them.
 */
export function neededToChange(
  policyId: string,
  entries: readonly PolicyEntry[],
  action: typeof actions.writePolicy | typeof actions.deletePolicy,
): Requirement[] {
  const { named, group } = placesOf(policyId, entries);
  if (group === undefined) {
    return named.map((place) => ({ ...place, needed: [action, actions.writeVirtualMachine] }));
  }
  return [
    { scope: group, needed: [action] },
    ...named.map((place) => ({ ...place, needed: [actions.writeVirtualMachine] })),
  ];
}

/** Every reason against it, or that it is not known now; undefined if Azure lets this caller. */
export async function refusedByAzure(
  { authorization, log }: Pick<Dependencies, 'authorization' | 'log'>,
  { person }: Caller,
  requirements: readonly Requirement[],
  call: AuthorizationCall,
): Promise<Extract<PolicyRefusal, { kind: 'not-authorized' | 'unavailable' }> | undefined> {
  const byPlace = new Map(
    requirements.map((each) => [`${canonicalId(each.scope)} ${each.needed.join(' ')}`, each] as const),
  );
  const permissions = new Map<Requirement, Permission>();
  await inParallel([...byPlace.values()], async (each) => {
    permissions.set(each, await authorization.check(person, each.scope, each.needed, call));
  });
  const reasons: Reason[] = [];
  for (const each of byPlace.values()) {
    const permission = permissions.get(each);
    if (permission?.kind === 'denied') {
      const { field } = each;
      const { message } = permission;
      reasons.push({ code: 'not-authorized', message, ...(field === undefined ? {} : { field }) });
    } else if (permission?.kind !== 'allowed') {
      const { correlationId } = call;
      log.error('authorization-unknown', { correlationId, scope: each.scope, cause: permission?.message });
      return {
        kind: 'unavailable',
        retryAfterSeconds: permission?.retryAfterSeconds ?? defaultRetry,
        message: 'Azure does not say at the moment what you may do with this policy. Try again later.',
      };
    }
  }
  return reasons.length === 0 ? undefined : { kind: 'not-authorized', reasons };
}
