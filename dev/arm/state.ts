import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { associate } from './associations.ts';
import { ArmError } from './errors.ts';
import type { JsonObject, Resource } from './resource.ts';
import { idKey, isObject, lastSegment, NSG_TYPE, objectsIn, resourceGroupOf } from './resource.ts';
import { readRule } from './rules.ts';
import { checkRules } from './validate.ts';
import type { Operation, World } from './world.ts';

/** The state is not usable; the message names the JSON path of the fault. */
export class StateError extends Error {
  override name = 'StateError';
}

const armId = z
  .string()
  .regex(/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/([^/]+\/){2}[^/]+$/i, {
    message: 'must be the id of a top-level resource in a resource group',
  });
const scope = z.string().startsWith('/');

const resourceSchema = z.looseObject({
  id: armId,
  location: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  etag: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
});

const rolePermission = z.object({
  actions: z.array(z.string()).default([]),
  notActions: z.array(z.string()).default([]),
  dataActions: z.array(z.string()).default([]),
  notDataActions: z.array(z.string()).default([]),
});
const principals = z.array(z.object({ id: z.guid(), type: z.string() }));

const accessSchema = z.object({
  groups: z
    .array(z.object({ id: z.guid(), displayName: z.string(), members: z.array(z.guid()) }))
    .default([]),
  roleAssignments: z
    .array(
      z.object({
        name: z.guid(),
        scope,
        role: z.guid(),
        principalId: z.guid(),
        principalType: z.enum(['User', 'Group', 'ServicePrincipal']),
        condition: z.string().optional(),
      }),
    )
    .default([]),
  roleDefinitions: z
    .array(
      z.object({
        name: z.guid(),
        roleName: z.string(),
        type: z.enum(['BuiltInRole', 'CustomRole']).default('CustomRole'),
        permissions: z.array(rolePermission),
        assignableScopes: z.array(scope).default(['/']),
      }),
    )
    .default([]),
  denyAssignments: z
    .array(
      z.object({
        name: z.guid(),
        denyAssignmentName: z.string(),
        scope,
        permissions: z.array(rolePermission),
        doNotApplyToChildScopes: z.boolean().default(false),
        principals,
        excludePrincipals: principals.default([]),
        condition: z.string().optional(),
      }),
    )
    .default([]),
});

const operationSchema = z.custom<Operation>(
  (value) => isObject(value) && typeof value['id'] === 'string' && typeof value['dueAt'] === 'number',
  'must be an operation as the simulator saved it',
);

const stateSchema = z.strictObject({
  tenantId: z.string(),
  subscriptions: z.array(z.object({ subscriptionId: z.string(), displayName: z.string() })).min(1),
  resourceGroups: z.array(
    z.object({
      id: z.string().regex(/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+$/i),
      location: z.string(),
    }),
  ),
  resources: z.array(resourceSchema),
  locks: z
    .array(z.object({ name: z.string(), scope, level: z.enum(['CanNotDelete', 'ReadOnly']) }))
    .default([]),
  permissions: z
    .array(
      z.object({
        principalId: z.string(),
        scope,
        actions: z.array(z.string()),
        notActions: z.array(z.string()).default([]),
      }),
    )
    .default([{ principalId: '*', scope: '/', actions: ['*'], notActions: [] }]),
  securityAdminRules: z
    .array(
      z.object({
        virtualNetworkId: armId,
        rules: z.array(z.looseObject({ properties: z.looseObject({}) })),
      }),
    )
    .default([]),
  ...accessSchema.shape,
  operations: z.array(operationSchema).default([]),
});

/** Makes the simulated world from parsed JSON; throws a StateError that names the place of the first fault. */
export function readState(json: unknown): World {
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new StateError(`${pathOf(issue?.path ?? [])}: ${issue?.message ?? 'not a state'}`);
  }
  const { resourceGroups, resources, operations, ...rest } = parsed.data;
  const byId = new Map<string, Resource>();
  resources.forEach((resource, index) => {
    if (byId.has(idKey(resource.id))) throw new StateError(`resources[${index}].id: appears twice`);
    byId.set(idKey(resource.id), readResource(resource, index));
  });
  checkGroups(new Set(resourceGroups.map((group) => idKey(group.id))), resources);
  return {
    ...rest,
    resourceGroups: resourceGroups.map((group) => ({ ...group, name: lastSegment(group.id) })),
    resources: byId,
    operations: new Map(operations.map((operation) => [operation.id, operation])),
    running: new Set(operations.filter((operation) => operation.status === 'InProgress')),
    associations: associate(byId),
  };
}

function readResource(given: z.infer<typeof resourceSchema>, index: number): Resource {
  const [, , , , , , namespace = '', type = ''] = given.id.split('/');
  const resource = {
    ...(given as JsonObject),
    id: given.id,
    name: lastSegment(given.id),
    type: `${namespace}/${type}`,
    etag: given.etag ?? randomUUID(),
    properties: { provisioningState: 'Succeeded', ...given.properties },
  };
  if (idKey(resource.type) !== idKey(NSG_TYPE)) return resource;
  try {
    const rules = objectsIn(given.properties['securityRules']).map((rule) => {
      const read = readRule(String(rule['name']), rule);
      const state = isObject(rule['properties']) ? rule['properties']['provisioningState'] : undefined;
      read.properties.provisioningState = typeof state === 'string' ? state : 'Succeeded';
      return read;
    });
    checkRules(resource.id, rules, { mixedFamilies: 'accept' });
    return {
      ...resource,
      type: NSG_TYPE,
      properties: { resourceGuid: randomUUID(), ...resource.properties, securityRules: rules },
    };
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    const reason = error.details?.[0]?.message ?? error.message;
    throw new StateError(`resources[${index}].properties.securityRules: ${error.code}: ${reason}`);
  }
}

function checkGroups(groups: Set<string>, resources: { id: string }[]): void {
  resources.forEach(({ id }, index) => {
    const group = id.split('/').slice(0, 5).join('/');
    if (!groups.has(idKey(group))) {
      throw new StateError(
        `resources[${index}].id: resource group '${resourceGroupOf(id)}' is not in the state`,
      );
    }
  });
}

function pathOf(path: PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '(top level)' : text.replace(/^\./, '');
}

/** The world as JSON that readState takes back, running operations included. */
export function writeState(world: World): JsonObject {
  const { tenantId, subscriptions, resourceGroups, locks, permissions, securityAdminRules } = world;
  const { groups, roleAssignments, roleDefinitions, denyAssignments } = world;
  return structuredClone({
    tenantId,
    subscriptions,
    resourceGroups: resourceGroups.map(({ id, location }) => ({ id, location })),
    resources: [...world.resources.values()],
    locks,
    permissions,
    securityAdminRules,
    groups,
    roleAssignments,
    roleDefinitions,
    denyAssignments,
    operations: [...world.operations.values()],
  });
}

/** Replaces the file in one step, so that a process killed in the middle leaves the old state whole. */
export function saveState(world: World, file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(writeState(world), null, 2)}\n`);
  renameSync(temporary, file);
}
