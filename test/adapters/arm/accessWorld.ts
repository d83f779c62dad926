import { subscriptionId, world } from './simulatedArm.ts';
import type { Access } from '../../../dev/arm/world.ts';

export const alice = '00000000-0000-4000-8000-0000000a11ce';
export const bob = '00000000-0000-4000-8000-000000000b0b';
export const group = `/subscriptions/${subscriptionId}/resourceGroups/contoso`;
export const everything = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
export const nothing = '00000000-0000-4000-8000-00000000ffff';

let made = 0;

/** A role assignment as the simulator keeps it. */
export const assignment = (principalId: string, scope: string, role: string, more: object = {}) => ({
  name: guid(),
  scope,
  role,
  principalId,
  principalType: 'User' as const,
  ...more,
});

/** A deny assignment as the simulator keeps it. */
export const denial = (principalId: string, scope: string, action: string, type = 'User') => ({
  name: guid(),
  denyAssignmentName: 'of the test',
  scope,
  permissions: [{ actions: [action], notActions: [], dataActions: [], notDataActions: [] }],
  doNotApplyToChildScopes: false,
  principals: [{ id: principalId, type }],
  excludePrincipals: [] as { id: string; type: string }[],
});

/** The world of the other tests, in which two people own everything. */
export const accessWorld = {
  ...world,
  roleDefinitions: [
    { name: everything, roleName: 'Owner', type: 'BuiltInRole', permissions: [{ actions: ['*'] }] },
    { name: nothing, roleName: 'Nothing', permissions: [{ actions: ['Microsoft.Support/*'] }] },
  ],
  roleAssignments: [alice, bob].map((person) => assignment(person, '/', everything)),
  groups: [],
  denyAssignments: [],
};

function guid(): string {
  made += 1;
  return `00000000-0000-4000-8000-${(0xa00000 + made).toString(16).padStart(12, '0')}`;
}

/** Puts somebody into a group that holds a role at the scope. */
export function join(access: Access, objectId: string, groupId: string, scope: string): void {
  access.groups.push({ id: groupId, displayName: 'of the test', members: [objectId] });
  access.roleAssignments.push(assignment(groupId, scope, nothing, { principalType: 'Group' }));
}
