import {
  deleteRoleAssignment,
  denyAssignmentList,
  getRoleAssignment,
  getRoleDefinition,
  putRoleAssignment,
  roleAssignmentList,
  roleDefinitionList,
} from './access.ts';
import { deleteLock, lockList, permissionList, putLock } from './authorization.ts';
import { gatewayError } from './errors.ts';
import type { Exchange, Handler } from './exchange.ts';
import { unknownType } from './gateway.ts';
import { deleteNsg, patchTags, putNsg } from './nsg.ts';
import { pollOperation, pollResult, postEffectiveNsgs } from './polling.ts';
import {
  getGroup,
  getResource,
  getSubnet,
  getSubscription,
  groupList,
  paged,
  resourceList,
  subnetList,
  subscriptionList,
} from './reads.ts';
import { renderDefaultRules } from './defaultRules.ts';
import { findNsg } from './nsg.ts';
import { queryResources } from './resourceGraph.ts';
import { postSecurityAdminRules } from './securityAdminRules.ts';
import { deleteRule, getDefaultRule, getRule, putRule, ruleList } from './securityRules.ts';
import type { Target } from './target.ts';
import { isCollection, typeKey } from './target.ts';

export interface Route {
  /** In Azure's casing, as it appears in refusals. */
  type: string;
  handle: Handler;
}

interface TypeRoutes {
  list?: Handler;
  get?: Handler;
  put?: Handler;
  patch?: Handler;
  delete?: Handler;
  /** An action is a POST whose path ends where a collection's does. */
  post?: Handler;
}

const NETWORK = 'Microsoft.Network';
const readable = (type: string): TypeRoutes => ({ list: paged(resourceList), get: getResource(type) });
const defaultRuleList = (exchange: Exchange) => renderDefaultRules(findNsg(exchange));

const TYPES: Record<string, TypeRoutes> = {
  [`${NETWORK}/networkSecurityGroups`]: {
    ...readable(`${NETWORK}/networkSecurityGroups`),
    put: putNsg,
    patch: patchTags,
    delete: deleteNsg,
  },
  [`${NETWORK}/networkSecurityGroups/securityRules`]: {
    list: paged(ruleList),
    get: getRule,
    put: putRule,
    delete: deleteRule,
  },
  [`${NETWORK}/networkSecurityGroups/defaultSecurityRules`]: {
    list: paged(defaultRuleList),
    get: getDefaultRule,
  },
  [`${NETWORK}/networkInterfaces`]: readable(`${NETWORK}/networkInterfaces`),
  [`${NETWORK}/networkInterfaces/effectiveNetworkSecurityGroups`]: { post: postEffectiveNsgs },
  [`${NETWORK}/virtualNetworks`]: readable(`${NETWORK}/virtualNetworks`),
  [`${NETWORK}/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules`]: {
    post: postSecurityAdminRules,
  },
  [`${NETWORK}/virtualNetworks/subnets`]: { list: paged(subnetList), get: getSubnet },
  [`${NETWORK}/publicIPAddresses`]: readable(`${NETWORK}/publicIPAddresses`),
  [`${NETWORK}/applicationSecurityGroups`]: readable(`${NETWORK}/applicationSecurityGroups`),
  [`${NETWORK}/loadBalancers`]: readable(`${NETWORK}/loadBalancers`),
  [`${NETWORK}/locations/operations`]: { get: pollOperation },
  [`${NETWORK}/locations/operationResults`]: { get: pollResult },
  'Microsoft.Compute/virtualMachines': readable('Microsoft.Compute/virtualMachines'),
  'Microsoft.ResourceGraph/resources': { post: queryResources },
  'Microsoft.Authorization/permissions': { list: paged(permissionList) },
  'Microsoft.Authorization/roleAssignments': {
    list: paged(roleAssignmentList),
    get: getRoleAssignment,
    put: putRoleAssignment,
    delete: deleteRoleAssignment,
  },
  'Microsoft.Authorization/roleDefinitions': { list: paged(roleDefinitionList), get: getRoleDefinition },
  'Microsoft.Authorization/denyAssignments': { list: paged(denyAssignmentList) },
  'Microsoft.Authorization/locks': { list: paged(lockList), put: putLock, delete: deleteLock },
};

const BY_KEY = new Map(Object.entries(TYPES).map(([type, routes]) => [type.toLowerCase(), { type, routes }]));

/** Finds who answers; throws the gateway's refusals for a type or a method that the simulator does not have. */
export function route(method: string, target: Target, apiVersion: string): Route {
  if (target.namespace === undefined) return scopeRoute(method, target, apiVersion);
  const found = BY_KEY.get(typeKey(target));
  if (!found) throw unknownType(target, apiVersion);
  const handle = handlerOf(found.routes, method, isCollection(target));
  if (!handle) {
    throw gatewayError(
      405,
      'HttpMethodNotAllowed',
      `The HTTP method '${method}' is not allowed for resource type '${found.type}'.`,
    );
  }
  return { type: found.type, handle };
}

function handlerOf(routes: TypeRoutes, method: string, collection: boolean): Handler | undefined {
  if (collection) return method === 'GET' ? routes.list : method === 'POST' ? routes.post : undefined;
  switch (method) {
    case 'GET':
      return routes.get;
    case 'PUT':
      return routes.put;
    case 'PATCH':
      return routes.patch;
    case 'DELETE':
      return routes.delete;
    default:
      return undefined;
  }
}

/** Subscriptions and resource groups themselves: for reading only. */
function scopeRoute(method: string, target: Target, apiVersion: string): Route {
  const segments = target.path.split('/').length - 1;
  if (method !== 'GET' || segments > 4) throw unknownType(target, apiVersion);
  switch (segments) {
    case 1:
      return { type: 'Microsoft.Resources/subscriptions', handle: paged(subscriptionList) };
    case 2:
      return { type: 'Microsoft.Resources/subscriptions', handle: getSubscription };
    case 3:
      return { type: 'Microsoft.Resources/subscriptions/resourceGroups', handle: paged(groupList) };
    default:
      return { type: 'Microsoft.Resources/subscriptions/resourceGroups', handle: getGroup };
  }
}
