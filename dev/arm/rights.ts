/** What a caller may do, and the gateway's refusals of the rest. */
import { groupsOf } from './access.ts';
import { authorizationFailed, linkedAuthorizationFailed } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { actionOf, isAtOrBelow } from './gateway.ts';
import { idKey, isObject, NSG_TYPE, objectsIn, referencedId } from './resource.ts';
import type { Permission } from './world.ts';

type Right = Omit<Permission, 'principalId'>;

const JOIN = 'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action';

/**
 * Throws 403 unless the caller holds the action of the call, and those on what its body links. `type` is in Azure's own
 * casing: it appears in the refusal. An operation may be followed by whoever has the right in the resource group of what
 * was written, or above; its URL names the subscription alone, and so does the refusal.
 */
export function checkRights(exchange: Exchange, type: string): void {
  const { caller, method, target } = exchange;
  // Everybody may list subscriptions, and sees those in which they may do anything at all.
  if (target.subscriptionId === undefined) return;
  const action = actionOf(method, type);
  const isOperation = type.startsWith('Microsoft.Network/locations/');
  const scope = isOperation ? target.scope : target.path;
  const askedAt = isOperation ? (groupOfOperation(exchange) ?? scope) : scope;
  if (!mayDo(exchange, action, askedAt)) throw authorizationFailed(caller.objectId, action, scope);
  const forbidden = linkedGroups(exchange, type).filter((group) => !mayDo(exchange, JOIN, group));
  if (forbidden.length > 0) {
    throw linkedAuthorizationFailed(caller.objectId, { action, scope }, { action: JOIN, scopes: forbidden });
  }
}

/** "Permission for tracking async status" on Microsoft's page "Track asynchronous Azure operations". */
function groupOfOperation({ world, target }: Exchange): string | undefined {
  const written = world.operations.get(target.names[1] ?? '')?.target ?? '';
  return /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.exec(written)?.[0];
}

/** Whether the caller holds an action at a scope, by any of the rights given there or above. */
export function mayDo(exchange: Exchange, action: string, scope: string): boolean {
  return rightsAt(exchange, scope).some(
    ({ actions, notActions }) => matchesAny(actions, action) && !matchesAny(notActions, action),
  );
}

/** Whether the caller may do anything in a subscription, or in a part of it. */
export function hasRightsIn(exchange: Exchange, subscriptionId: string): boolean {
  const subscription = `/subscriptions/${subscriptionId}`;
  return rightsOf(exchange).some(
    ({ scope }) => isAtOrBelow(subscription, scope) || isAtOrBelow(scope, subscription),
  );
}

/** The rights that hold for the caller at a scope: those given there or above it. */
export function rightsAt(exchange: Exchange, scope: string): Right[] {
  return rightsOf(exchange).filter((right) => isAtOrBelow(scope, right.scope));
}

/** Conditions and deny assignments are not evaluated: an assignment with a condition counts for nothing here. */
function rightsOf({ world, settings, caller }: Exchange): Right[] {
  if (settings.rightsFrom === 'permissions') {
    return world.permissions.filter(
      ({ principalId }) => principalId === '*' || idKey(principalId) === idKey(caller.objectId),
    );
  }
  const principals = groupsOf(world, caller.objectId).add(idKey(caller.objectId));
  return world.roleAssignments
    .filter(({ principalId, condition }) => condition === undefined && principals.has(idKey(principalId)))
    .flatMap(({ role, scope }) =>
      world.roleDefinitions
        .filter(({ name }) => idKey(name) === idKey(role))
        .flatMap(({ permissions }) =>
          permissions.map(({ actions, notActions }) => ({ scope, actions, notActions })),
        ),
    );
}

/** The application security groups that a written NSG or rule names: each is a scope of its own to have rights on. */
function linkedGroups({ method, body }: Exchange, type: string): string[] {
  if (method !== 'PUT' || !isObject(body) || !isObject(body['properties'])) return [];
  const rules =
    type === NSG_TYPE
      ? objectsIn(body['properties']['securityRules'])
      : type === `${NSG_TYPE}/securityRules`
        ? [body]
        : [];
  const named = rules.flatMap(({ properties }) =>
    isObject(properties)
      ? [
          ...objectsIn(properties['sourceApplicationSecurityGroups']),
          ...objectsIn(properties['destinationApplicationSecurityGroups']),
        ]
      : [],
  );
  const byKey = new Map(named.flatMap((one) => referencedId(one) ?? []).map((id) => [idKey(id), id]));
  return [...byKey.values()];
}

function matchesAny(patterns: string[], action: string): boolean {
  return patterns.some((pattern) => {
    const source = pattern.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
    return new RegExp(`^${source.join('.*')}$`, 'i').test(action);
  });
}
