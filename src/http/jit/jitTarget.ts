import { isGuid } from '../../core/caller.ts';
import { canonicalId } from '../../core/resourceId.ts';
import type { ArmError } from './armError.ts';

/** Microsoft's name of the resource type, in Microsoft's casing. */
export const policyType = 'Microsoft.Security/locations/jitNetworkAccessPolicies';

/** What a path under /api/arm points to. Names are as they were written; they are compared ignoring case. */
export type JitTarget =
  | { kind: 'policies'; subscriptionId: string; resourceGroup?: string; location?: string }
  | PolicyTarget
  | (Omit<PolicyTarget, 'kind'> & { kind: 'initiate' });

export interface PolicyTarget {
  kind: 'policy';
  subscriptionId: string;
  resourceGroup: string;
  /** Some callers leave it out. */
  location?: string;
  name: string;
}

export type JitTargetResult = { ok: true; target: JitTarget } | { ok: false; error: ArmError };

/** ASCII only, as in the ids of virtual machines, for the same reason; no name ends with a period. */
const groupName = /^[a-z0-9_().-]{0,89}[a-z0-9_()-]$/i;
const policyName = /^[a-z0-9_](?:[a-z0-9_.-]{0,78}[a-z0-9_-])?$/i;
const regionName = /^[a-z0-9]{1,40}$/;

/** Reads a path such as `subscriptions/…/jitNetworkAccessPolicies/default`; keywords in any case. */
export function parseJitTarget(path: string): JitTargetResult {
  const segments = path.replace(/\/$/, '').split('/');
  const words = segments.map(canonicalId);
  let at = 0;
  const take = (...keywords: string[]): boolean => {
    const isThere = keywords.every((keyword, index) => words[at + index] === keyword);
    if (isThere) at += keywords.length;
    return isThere;
  };
  const name = (): string => segments[at++] ?? '';

  if (!take('subscriptions')) return notFound;
  const subscriptionId = name();
  if (!isGuid(subscriptionId)) {
    return refuse(
      400,
      'InvalidSubscriptionId',
      `The provided subscription identifier '${shortened(subscriptionId)}' is malformed or invalid.`,
    );
  }
  const resourceGroup = take('resourcegroups') ? name() : undefined;
  if (!take('providers', 'microsoft.security')) return notFound;
  const location = take('locations') ? regionOf(name()) : undefined;
  if (!take('jitnetworkaccesspolicies')) return notFound;
  if (resourceGroup !== undefined && !groupName.test(resourceGroup)) {
    const message = `The resource group name '${shortened(resourceGroup)}' is not valid.`;
    return refuse(400, 'InvalidResourceGroup', message);
  }
  if (location !== undefined && !regionName.test(location)) {
    return refuse(
      400,
      'LocationNotAvailableForResourceType',
      `There is no location '${shortened(location)}'.`,
    );
  }
  const place = { subscriptionId, ...(location !== undefined && { location }) };
  if (at === segments.length) {
    const target = {
      kind: 'policies',
      ...place,
      ...(resourceGroup !== undefined && { resourceGroup }),
    } as const;
    return { ok: true, target };
  }
  const policy = name();
  const kind = take('initiate') ? 'initiate' : 'policy';
  if (resourceGroup === undefined || at !== segments.length) return notFound;
  if (!policyName.test(policy)) {
    return refuse(400, 'InvalidResourceName', `The policy name '${shortened(policy)}' is not valid.`);
  }
  return { ok: true, target: { kind, ...place, resourceGroup, name: policy } };
}

/** The ARM id of a policy; the location is needed. */
export function policyIdOf({
  subscriptionId,
  resourceGroup,
  location = '',
  name,
}: Omit<PolicyTarget, 'kind'>): string {
  return `${resourceGroupIdOf({ subscriptionId, resourceGroup })}/providers/Microsoft.Security/locations/${location}/jitNetworkAccessPolicies/${name}`;
}

/** The ARM id of the resource group that a policy lies in. */
export function resourceGroupIdOf(place: Pick<PolicyTarget, 'subscriptionId' | 'resourceGroup'>): string {
  return `/subscriptions/${place.subscriptionId}/resourceGroups/${place.resourceGroup}`;
}

/** The parts of a stored policy's id; undefined if it is none of Microsoft's kind. */
export function placeOfPolicy(id: string): Required<PolicyTarget> | undefined {
  const read = parseJitTarget(id.replace(/^\//, ''));
  if (!read.ok || read.target.kind !== 'policy' || read.target.location === undefined) return undefined;
  return { ...read.target, location: read.target.location };
}

/** Whether a policy lies where a list looks. */
export function isListed(place: PolicyTarget, list: Extract<JitTarget, { kind: 'policies' }>): boolean {
  const same = (a: string | undefined, b: string | undefined) =>
    b === undefined || canonicalId(a ?? '') === canonicalId(b);
  return (
    same(place.subscriptionId, list.subscriptionId) &&
    same(place.resourceGroup, list.resourceGroup) &&
    same(place.location, list.location)
  );
}

/** `West Europe` and `westeurope` are the same place. */
function regionOf(text: string): string {
  return canonicalId(text).replaceAll(/ |%20/g, '');
}

const notFound: JitTargetResult = refuse(
  404,
  'InvalidResourceType',
  `Only resources of type ${policyType} are here: /subscriptions/{id}[/resourceGroups/{name}]/providers/Microsoft.Security[/locations/{location}]/jitNetworkAccessPolicies[/{name}[/initiate]].`,
);

function refuse(status: number, code: string, message: string): Extract<JitTargetResult, { ok: false }> {
  return { ok: false, error: { status, code, message } };
}

/** A caller's text, cut short: it ends up in a sentence. */
function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
