import { gatewayError, scopeLocked } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { idKey } from './resource.ts';
import type { World } from './world.ts';
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

/** The words for a type that the simulator does not have. */
export function unknownType(target: Target, apiVersion: string) {
  return gatewayError(
    404,
    isCollection(target) || target.types.length > 0 ? 'InvalidResourceType' : 'InvalidResourceNamespace',
    `The resource type '${target.types.join('/')}' could not be found in the namespace ` +
      `'${target.namespace ?? ''}' for api version '${apiVersion}'.`,
  );
}
