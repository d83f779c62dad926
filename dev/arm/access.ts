/** Azure RBAC as its own API shows it: role assignments, role definitions and deny assignments. */
import { z } from 'zod';
import { gatewayError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { isAtOrBelow } from './gateway.ts';
import type { JsonObject } from './resource.ts';
import { idKey, lastSegment } from './resource.ts';
import type { DenyAssignment, RoleAssignment, RoleDefinition, World } from './world.ts';

const GUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const AUTHORIZATION = 'providers/Microsoft.Authorization';

interface Filter {
  /** Nothing below the scope. */
  atScope: boolean;
  /** A user or a service principal, through groups as well. */
  assignedTo?: string;
  /** Named in the assignment itself. */
  principalId?: string;
}

export function roleAssignmentList({ world, target, query }: Exchange): JsonObject[] {
  const filter = readFilter(query.get('$filter'));
  return world.roleAssignments
    .filter((one) => isListed(one.scope, target.scope, filter))
    .filter(({ principalId }) => isOfPrincipal(world, [principalId], filter))
    .map((one) => renderAssignment(one, target.subscriptionId ?? ''));
}

export function getRoleAssignment(exchange: Exchange): Reply {
  const found = findAssignment(exchange);
  if (found) return { status: 200, body: renderAssignment(found, exchange.target.subscriptionId ?? '') };
  const name = exchange.target.names[0] ?? '';
  throw gatewayError(404, 'RoleAssignmentNotFound', `The role assignment '${name}' is not found.`);
}

const assignmentBody = z.object({
  properties: z.object({
    roleDefinitionId: z.string().regex(new RegExp(`/roleDefinitions/${GUID}$`, 'i')),
    principalId: z.guid(),
    principalType: z.enum(['User', 'Group', 'ServicePrincipal']).default('User'),
    condition: z.string().optional(),
  }),
});

export function putRoleAssignment(exchange: Exchange): Reply {
  const { world, target, body } = exchange;
  const parsed = assignmentBody.safeParse(body);
  if (!parsed.success) {
    throw gatewayError(400, 'InvalidRoleAssignment', z.prettifyError(parsed.error));
  }
  if (findAssignment(exchange)) {
    throw gatewayError(409, 'RoleAssignmentExists', 'The role assignment already exists.');
  }
  const { roleDefinitionId, ...properties } = parsed.data.properties;
  const made: RoleAssignment = {
    name: target.names[0] ?? '',
    scope: target.scope,
    role: lastSegment(roleDefinitionId),
    ...properties,
  };
  world.roleAssignments = [...world.roleAssignments, made];
  return { status: 201, body: renderAssignment(made, target.subscriptionId ?? '') };
}

export function deleteRoleAssignment(exchange: Exchange): Reply {
  const found = findAssignment(exchange);
  if (!found) return { status: 204 };
  exchange.world.roleAssignments = exchange.world.roleAssignments.filter((one) => one !== found);
  return { status: 200, body: renderAssignment(found, exchange.target.subscriptionId ?? '') };
}

export function roleDefinitionList({ world, target, query }: Exchange): JsonObject[] {
  const filter = query.get('$filter');
  const [, roleName] = /^roleName eq '([^']*)'$/i.exec(filter ?? '') ?? [];
  if (filter !== null && filter !== 'atScopeAndBelow()' && roleName === undefined) {
    throw unsupportedFilter(filter, "'atScopeAndBelow()' or 'roleName eq '{value}''");
  }
  return world.roleDefinitions
    .filter((one) => roleName === undefined || one.roleName === roleName)
    .filter((one) => one.assignableScopes.some((above) => isAtOrBelow(target.scope, above)))
    .map((one) => renderDefinition(one, target.subscriptionId ?? ''));
}

export function getRoleDefinition({ world, target }: Exchange): Reply {
  const name = target.names[0] ?? '';
  const found = world.roleDefinitions.find((one) => idKey(one.name) === idKey(name));
  if (found) return { status: 200, body: renderDefinition(found, target.subscriptionId ?? '') };
  throw gatewayError(
    404,
    'RoleDefinitionDoesNotExist',
    `The specified role definition with ID '${name}' does not exist.`,
  );
}

/** Entries for everybody are in no answer to `assignedTo`: Azure keeps them apart from what is assigned to somebody. */
export function denyAssignmentList({ world, target, query }: Exchange): JsonObject[] {
  const filter = readFilter(query.get('$filter'));
  return world.denyAssignments
    .filter((one) => isListed(one.scope, target.scope, filter))
    .filter(({ principals }) =>
      isOfPrincipal(
        world,
        principals.map(({ id }) => id),
        filter,
      ),
    )
    .map(renderDenial);
}

function readFilter(text: string | null): Filter {
  if (text === null || text === '') return { atScope: false };
  const filter: Filter = { atScope: false };
  for (const part of text.split(/ and /i)) {
    const [, assignedTo] = new RegExp(`^assignedTo\\('(${GUID})'\\)$`, 'i').exec(part) ?? [];
    const [, principalId] = new RegExp(`^principalId eq '(${GUID})'$`, 'i').exec(part) ?? [];
    if (/^atScope\(\)$/i.test(part)) filter.atScope = true;
    else if (assignedTo !== undefined && filter.principalId === undefined) filter.assignedTo = assignedTo;
    else if (principalId !== undefined && filter.assignedTo === undefined) filter.principalId = principalId;
    else
      throw unsupportedFilter(
        text,
        "either 'atScope()' or 'principalId eq '{value}' or assignedTo('{value}')'",
      );
  }
  return filter;
}

function unsupportedFilter(filter: string, supported: string) {
  const message = `The filter '${filter}' is not supported. Supported filters are ${supported}.`;
  return gatewayError(400, 'UnsupportedQuery', message);
}

/** Without `atScope()` Azure also lists what is assigned below. */
function isListed(assignedAt: string, scope: string, { atScope }: Filter): boolean {
  return isAtOrBelow(scope, assignedAt) || (!atScope && isAtOrBelow(assignedAt, scope));
}

function isOfPrincipal(world: World, principalIds: string[], { assignedTo, principalId }: Filter): boolean {
  const wanted =
    assignedTo === undefined ? undefined : new Set([idKey(assignedTo), ...groupsOf(world, assignedTo)]);
  return principalIds.some((id) =>
    wanted === undefined
      ? principalId === undefined || idKey(id) === idKey(principalId)
      : wanted.has(idKey(id)),
  );
}

/** Every group that holds the member, itself or through other groups. */
export function groupsOf(world: World, memberId: string): Set<string> {
  const found = new Set<string>();
  const waiting = [idKey(memberId)];
  for (let member = waiting.pop(); member !== undefined; member = waiting.pop()) {
    for (const { id, members } of world.groups) {
      if (found.has(idKey(id)) || !members.some((one) => idKey(one) === member)) continue;
      found.add(idKey(id));
      waiting.push(idKey(id));
    }
  }
  return found;
}

function findAssignment({ world, target }: Exchange): RoleAssignment | undefined {
  return world.roleAssignments.find(
    ({ name, scope }) => idKey(name) === idKey(target.names[0] ?? '') && idKey(scope) === idKey(target.scope),
  );
}

function renderAssignment(one: RoleAssignment, subscriptionId: string): JsonObject {
  const { name, scope, role, principalId, principalType, condition } = one;
  return {
    properties: {
      roleDefinitionId: `/subscriptions/${subscriptionId}/${AUTHORIZATION}/roleDefinitions/${role}`,
      principalId,
      principalType,
      scope,
      condition: condition ?? null,
      conditionVersion: condition === undefined ? null : '2.0',
    },
    id: `${scope === '/' ? '' : scope}/${AUTHORIZATION}/roleAssignments/${name}`,
    type: 'Microsoft.Authorization/roleAssignments',
    name,
  };
}

function renderDefinition(one: RoleDefinition, subscriptionId: string): JsonObject {
  const { name, roleName, type, permissions, assignableScopes } = one;
  return {
    properties: { roleName, type, description: '', assignableScopes, permissions },
    id: `/subscriptions/${subscriptionId}/${AUTHORIZATION}/roleDefinitions/${name}`,
    type: 'Microsoft.Authorization/roleDefinitions',
    name,
  };
}

function renderDenial({ name, condition, ...properties }: DenyAssignment): JsonObject {
  const { scope } = properties;
  return {
    properties: { ...properties, isSystemProtected: true, condition: condition ?? null },
    id: `${scope === '/' ? '' : scope}/${AUTHORIZATION}/denyAssignments/${name}`,
    type: 'Microsoft.Authorization/denyAssignments',
    name,
  };
}
