import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actions } from '../../src/core/authorization.ts';
import { dependsOnGroups } from '../../src/core/denyAssignment.ts';
import { evaluate, type RbacFacts } from '../../src/core/rbac.ts';
import type { RbacDocument } from '../../src/core/rbacDocument.ts';
import { groupsOf } from '../../src/core/roleAssignment.ts';
import { compare } from '../prove/rbac/differ.ts';

const alice = '00000000-0000-4000-8000-0000000a11ce';
const approvers = '00000000-0000-4000-8000-0000000a9904';
const everybody = '00000000-0000-0000-0000-000000000000';
const subscription = '/subscriptions/11111111-2222-3333-4444-555555555555';
const group = `${subscription}/resourceGroups/contoso`;
const machine = `${group}/providers/Microsoft.Compute/virtualMachines/vm-web`;

/** Roles by name, as Microsoft's documentation shows them. */
const roles = {
  Owner: { actions: ['*'] },
  Contributor: {
    actions: ['*'],
    notActions: [
      'Microsoft.Authorization/*/Delete',
      'Microsoft.Authorization/*/Write',
      'Microsoft.Authorization/elevateAccess/Action',
    ],
  },
  Reader: { actions: ['*/read'] },
  'User Access Administrator': { actions: ['*/read', 'Microsoft.Authorization/*'] },
  'Storage Blob Data Reader': {
    actions: ['Microsoft.Storage/storageAccounts/blobServices/containers/read'],
    dataActions: ['*'],
  },
  'Cost Exports': { actions: ['Microsoft.CostManagement/exports/*'] },
  'Web Restarter': { actions: ['microsoft.web/sites/restart/Action'] },
  Requester: { actions: [actions.initiate, actions.readVirtualMachine] },
} as const;
type RoleName = keyof typeof roles;

const guidOf = (role: string) =>
  `00000000-0000-4000-8000-${Object.keys(roles).indexOf(role).toString(16).padStart(12, '0')}`;

const assigned = (role: RoleName, scope = subscription, more: object = {}): RbacDocument => ({
  properties: {
    principalId: alice,
    principalType: 'User',
    scope,
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${guidOf(role)}`,
    ...more,
  },
});
const denial = (properties: object, id = `${group}/providers/Microsoft.Authorization/denyAssignments/x`) => ({
  id,
  properties: {
    denyAssignmentName: 'blueprint',
    scope: group,
    permissions: [{ actions: ['*'], notActions: ['*/read'] }],
    principals: [{ id: everybody, type: 'SystemDefined' }],
    excludePrincipals: [],
    ...properties,
  },
});

function ask(action: string, facts: Partial<RbacFacts>, scope = machine) {
  return evaluate(
    { objectId: alice, scope, needed: [action] },
    {
      roleAssignments: [assigned('Owner')],
      roleDefinitions: new Map(
        Object.entries(roles).map(([name, permission]) => [
          guidOf(name),
          { properties: { permissions: [permission] } },
        ]),
      ),
      denyAssignments: [],
      denialsOfPerson: new Set(),
      ...facts,
    },
  );
}
const may = (action: string, facts: Partial<RbacFacts>, scope?: string) =>
  ask(action, facts, scope).kind === 'allowed';
const write = actions.writeVirtualMachine;

describe('the documented examples of Azure RBAC', () => {
  it('Contributor of the subscription and Reader of a resource group is Contributor of the group', () => {
    const roleAssignments = [assigned('Contributor'), assigned('Reader', group)];
    expect(may(write, { roleAssignments })).toBe(true);
  });

  it('NotActions is no denial: what one role leaves out, another role grants', () => {
    const assign = 'Microsoft.Authorization/roleAssignments/write';
    expect(may(assign, { roleAssignments: [assigned('Contributor')] })).toBe(false);
    const roleAssignments = [assigned('Contributor'), assigned('User Access Administrator')];
    expect(may(assign, { roleAssignments })).toBe(true);
  });

  it.each<[RoleName, string, boolean]>([
    ['Cost Exports', 'Microsoft.CostManagement/exports/action', true],
    ['Cost Exports', 'Microsoft.CostManagement/exports/run/action', true],
    ['Cost Exports', 'Microsoft.CostManagement/export', false],
    ['Web Restarter', 'Microsoft.Web/sites/Restart/action', true],
    ['Web Restarter', 'Microsoft.Web/sites/restart/slots/action', false],
    ['Reader', 'Microsoft.Compute/virtualMachines/extensions/read', true],
    ['Reader', actions.initiate, false],
    ['Requester', actions.initiate, true],
    ['Requester', actions.writePolicy, false],
    ['Owner', actions.writePolicy, true],
  ])('%s allows %s: %s', (role, action, expected) => {
    expect(may(action, { roleAssignments: [assigned(role)] })).toBe(expected);
  });

  it('data actions let nobody do anything with the resource', () => {
    expect(may(actions.readVirtualMachine, { roleAssignments: [assigned('Storage Blob Data Reader')] })).toBe(
      false,
    );
  });

  it('a deny assignment blocks an owner, and its NotActions spare reads', () => {
    const denyAssignments = [denial({})];
    expect(may(write, { denyAssignments })).toBe(false);
    expect(may(actions.readVirtualMachine, { denyAssignments })).toBe(true);
    expect(may(write, { denyAssignments }, `${subscription}/resourceGroups/fabrikam`)).toBe(true);
  });

  it('a deny assignment for all principals spares whoever is excluded', () => {
    const excludePrincipals = [{ id: alice.toUpperCase(), type: 'User' }];
    expect(may(write, { denyAssignments: [denial({ excludePrincipals })] })).toBe(true);
  });

  it('a deny assignment that does not apply to child scopes holds at its own scope only', () => {
    const denyAssignments = [denial({ doNotApplyToChildScopes: true })];
    expect(may(write, { denyAssignments })).toBe(true);
    expect(may(write, { denyAssignments }, group.toUpperCase())).toBe(false);
  });
});

describe('what somebody may do', () => {
  it.each([
    ['the machine', machine],
    ['the machine in capitals', machine.toUpperCase()],
    ['its resource group', group],
    ['its subscription', `${subscription}/`],
    ['a management group', '/providers/Microsoft.Management/managementGroups/contoso'],
    ['the root', '/'],
  ])('follows from a role on %s', (_at, scope) => {
    expect(may(actions.initiate, { roleAssignments: [assigned('Requester', scope)] })).toBe(true);
  });

  it.each([
    ['another machine whose name begins the same', `${machine}-2`],
    ['a resource group whose name the other begins with', group.slice(0, -1)],
    ['something below the machine', `${machine}/extensions/x`],
    ['a group that is another one with the Kelvin sign', `${subscription}/resourceGroups/\u212aontoso`],
  ])('does not follow from a role on %s', (_at, scope) => {
    const scopeAsked = scope.includes('\u212a') ? machine.replace('contoso', 'kontoso') : machine;
    const answer = ask(actions.initiate, { roleAssignments: [assigned('Requester', scope)] }, scopeAsked);
    expect(answer).toMatchObject({ kind: 'denied', missing: [actions.initiate] });
  });

  it('follows from what a group of theirs was given, as Azure lists it', () => {
    const roleAssignments = [
      assigned('Requester', group, { principalId: approvers, principalType: 'Group' }),
    ];
    expect(may(actions.initiate, { roleAssignments })).toBe(true);
    expect(groupsOf(roleAssignments)).toEqual(new Set([approvers]));
  });

  it('does not follow from what somebody else was given, should it be listed', () => {
    expect(may(write, { roleAssignments: [assigned('Owner', group, { principalId: approvers })] })).toBe(
      false,
    );
  });

  it('does not follow from an assignment with a condition, and the answer says that', () => {
    const roleAssignments = [assigned('Requester', group, { condition: "@Resource[x] StringEquals 'y'" })];
    const answer = ask(actions.initiate, { roleAssignments });
    expect(answer).toMatchObject({ kind: 'denied' });
    expect(JSON.stringify(answer)).toContain('Assignments that have a condition are not counted.');
  });

  it('does not follow from a role that nobody can read any more', () => {
    expect(may(write, { roleDefinitions: new Map() })).toBe(false);
  });

  it('is denied by a deny assignment with a condition: nobody evaluates it', () => {
    const denyAssignments = [denial({ condition: "@Resource[x] StringEquals 'y'" })];
    const answer = ask(write, { denyAssignments });
    expect(answer).toEqual({
      kind: 'denied',
      missing: [write],
      message: `The deny assignment "blueprint" forbids ${write} there.`,
    });
  });

  it.each([
    ['permissions', { permissions: 'none' }],
    ['actions', { permissions: [{ actions: 'none' }] }],
    ['a scope', { scope: 5 }],
    ['principals', { principals: null }],
    ['a principal', { principals: [{}] }],
  ])('is denied by a deny assignment without %s that can be read', (_what, properties) => {
    expect(may(write, { denyAssignments: [denial(properties)] })).toBe(false);
  });

  it.each([
    ['principal', { principalId: 5 }],
    ['scope', { scope: null }],
    ['role', { roleDefinitionId: guidOf('Owner') }],
  ])('does not follow from an assignment without a %s that can be read', (_what, more) => {
    expect(may(write, { roleAssignments: [assigned('Owner', group, more)] })).toBe(false);
  });

  it('names every action that is missing, and where', () => {
    const needed = [actions.initiate, actions.readVirtualMachine];
    const facts = {
      roleAssignments: [],
      roleDefinitions: new Map(),
      denyAssignments: [],
      denialsOfPerson: new Set<string>(),
    };
    expect(evaluate({ objectId: alice, scope: machine, needed }, facts)).toEqual({
      kind: 'denied',
      missing: needed,
      message: `No role that is assigned to you on ${machine} or above it allows ${needed.join(' and ')}: ask for one that does.`,
    });
  });
});

describe('a deny assignment that names a group', () => {
  const ofGroup = denial({ principals: [{ id: approvers, type: 'Group' }] });
  const question = { objectId: alice, scope: machine, needed: [write] };

  it('holds for whoever Azure finds it to be assigned to, and for nobody else', () => {
    const denialsOfPerson = new Set([ofGroup.id.toLowerCase()]);
    expect(may(write, { denyAssignments: [ofGroup] })).toBe(true);
    expect(may(write, { denyAssignments: [ofGroup], denialsOfPerson })).toBe(false);
  });

  it.each<[string, boolean, RbacDocument]>([
    ['where what is needed is forbidden', true, ofGroup],
    [
      'not where only other things are',
      false,
      denial({ permissions: [{ actions: ['*/delete'] }], principals: ofGroup.properties.principals }),
    ],
    [
      'not where it is elsewhere',
      false,
      denial({ scope: `${group}-2`, principals: ofGroup.properties.principals }),
    ],
    ['not where it holds for everybody anyway', false, denial({})],
    [
      'not where it names other people only',
      false,
      denial({ principals: [{ id: approvers, type: 'User' }] }),
    ],
  ])('makes Azure be asked %s', (_when, expected, document) => {
    expect(dependsOnGroups(question, [document])).toBe(expected);
  });
});

describe('product and second evaluator', () => {
  it('agree on what anybody may do in any small tenant', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(compare(seed).differences).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
