import { authorizationFailed, gatewayError, scopeLocked } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { idKey } from './resource.ts';
import type { Permission, World } from './world.ts';
import type { Target } from './target.ts';
import { isCollection } from './target.ts';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SUPPORTED = ['2023-09-01', '2024-01-01', '2024-05-01', '2025-01-01', '2025-05-01', '2026-01-01'];

export function checkSubscription(world: World, subscriptionId: string): void {
  if (!GUID.test(subscriptionId)) {
    throw gatewayError(
      400,
      'InvalidSubscriptionId',
      `The provided subscription identifier '${subscriptionId}' is malformed or invalid.`,
    );
  }
  if (!world.subscriptions.some((known) => idKey(known.subscriptionId) === idKey(subscriptionId))) {
    throw gatewayError(
      404,
      'SubscriptionNotFound',
      `The subscription '${subscriptionId}' could not be found.`,
    );
  }
}

/** Any dated version between 2015 and the end of 2026 passes: which provider knows which one is not modelled. */
export function checkApiVersion(query: URLSearchParams, type: string): string {
  const version = query.get('api-version');
  if (version === null || version === '') {
    throw gatewayError(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  }
  const date = /^(\d{4}-\d{2}-\d{2})(?:-[a-z]+)?$/.exec(version)?.[1];
  const plausible =
    date !== undefined && !Number.isNaN(Date.parse(date)) && date >= '2015-01-01' && date <= '2026-12-31';
  if (!plausible) {
    throw gatewayError(
      400,
      'NoRegisteredProviderFound',
      `No registered resource provider found for location 'westeurope' and API version '${version}' for type ` +
        `'${type}'. The supported api-versions are '${SUPPORTED.join(', ')}'. The supported locations are 'westeurope'.`,
    );
  }
  return version;
}

export function checkResourceGroup(world: World, target: Target): void {
  const { resourceGroup, subscriptionId = '' } = target;
  if (resourceGroup === undefined) return;
  const id = idKey(`/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`);
  if (world.resourceGroups.some((group) => idKey(group.id) === id)) return;
  throw gatewayError(404, 'ResourceGroupNotFound', `Resource group '${resourceGroup}' could not be found.`);
}

/** `type` is in Azure's own casing: it appears in the refusal. */
export function checkRights(exchange: Exchange, type: string): void {
  // Whoever holds a signed operation URL may ask it: roles that can write an NSG need not list the polls.
  if (type.startsWith('Microsoft.Network/locations/')) return;
  // Everybody may list subscriptions, and sees those in which they may do anything at all.
  if (exchange.target.subscriptionId === undefined) return;
  const action = actionOf(exchange.method, type);
  const { caller, target } = exchange;
  if (!mayDo(exchange, action, target.path)) throw authorizationFailed(caller.objectId, action, target.path);
}

/** Whether the caller holds an action at a scope, by any of the grants made there or above. */
export function mayDo({ world, caller }: Exchange, action: string, scope: string): boolean {
  return permissionsOf(world, caller.objectId, scope).some(
    ({ actions, notActions }) => matchesAny(actions, action) && !matchesAny(notActions, action),
  );
}

/** Whether a caller may do anything in a subscription, or in a part of it. */
export function hasRightsIn(world: World, objectId: string, subscriptionId: string): boolean {
  const scope = `/subscriptions/${subscriptionId}`;
  return world.permissions.some(
    (permission) =>
      isOf(permission, objectId) &&
      (isAtOrBelow(scope, permission.scope) || isAtOrBelow(permission.scope, scope)),
  );
}

/** The grants that hold for a caller at a scope: those made there or above it. */
export function permissionsOf(world: World, objectId: string, scope: string): Permission[] {
  return world.permissions.filter(
    (permission) => isOf(permission, objectId) && isAtOrBelow(scope, permission.scope),
  );
}

function isOf({ principalId }: Permission, objectId: string): boolean {
  return principalId === '*' || idKey(principalId) === idKey(objectId);
}

/** A CanNotDelete lock stops deletes, a ReadOnly lock every change, for its scope and all below it. */
export function checkLocks(exchange: Exchange): void {
  const { method, target, world } = exchange;
  if (method === 'GET' || target.namespace?.toLowerCase() === 'microsoft.authorization') return;
  const locked = world.locks.filter(
    (lock) => isAtOrBelow(target.path, lock.scope) && (method === 'DELETE' || lock.level === 'ReadOnly'),
  );
  if (locked.length === 0) return;
  throw scopeLocked(
    target.path,
    method === 'DELETE' ? 'delete' : 'write',
    locked.map((lock) => lock.scope),
  );
}

/** Whether a scope is the other one or lies in it; management groups and `/` are above every subscription. */
export function isAtOrBelow(scope: string, above: string): boolean {
  const top = idKey(above).replace(/\/$/, '');
  if (/^\/providers\/microsoft\.management\/managementgroups\/[^/]+$/.test(top)) return true;
  return idKey(scope) === top || idKey(scope).startsWith(`${top}/`);
}

export function actionOf(method: string, type: string): string {
  if (method === 'GET') return `${type}/read`;
  if (method === 'DELETE') return `${type}/delete`;
  return method === 'POST' ? `${type}/action` : `${type}/write`;
}

function matchesAny(patterns: string[], action: string): boolean {
  return patterns.some((pattern) => {
    const source = pattern.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
    return new RegExp(`^${source.join('.*')}$`, 'i').test(action);
  });
}

/** The words for a type that the simulator does not have. */
export function unknownType(target: Target, apiVersion: string) {
  return gatewayError(
    404,
    isCollection(target) || target.types.length > 0 ? 'InvalidResourceType' : 'InvalidResourceNamespace',
    `The resource type '${target.types.join('/')}' could not be found in the namespace ` +
      `'${target.namespace ?? ''}' for api version '${apiVersion}'.`,
  );
}
