import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actions } from '../../src/core/authorization.ts';
import { evaluate } from '../../src/core/rbac.ts';
import { filesBelow, read, tableBelow } from './pages.ts';

/** As `az role definition create` takes it; it ignores what it does not know, so that a slip would be silent. */
const roleDefinition = z.strictObject({
  Name: z.string().regex(/^Sallyport [A-Z]/),
  IsCustom: z.literal(true),
  Description: z.string().min(1),
  Actions: z.array(z.string().regex(/^Microsoft\.[A-Z][A-Za-z]+(\/[A-Za-z]+)+$/)).min(1),
  NotActions: z.tuple([]),
  DataActions: z.tuple([]),
  NotDataActions: z.tuple([]),
  AssignableScopes: z.array(z.string().regex(/^\/subscriptions\/[0-9-]{36}$/)).length(1),
});

const files = filesBelow('docs/roles');
const roleOf = (name: string) => roleDefinition.parse(JSON.parse(read(`docs/roles/${name}.json`)));

const alice = '00000000-0000-4000-8000-0000000a11ce';
const scope = '/subscriptions/11111111-2222-3333-4444-555555555555';
const role = '00000000-0000-4000-8000-0000000401e1';

/** What somebody lacks who has this role and no other. */
function missingWith(name: string, needed: readonly string[]): string[] {
  const { Actions, NotActions } = roleOf(name);
  const roleDefinitionId = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  const answer = evaluate(
    { objectId: alice, scope, needed },
    {
      roleAssignments: [
        { properties: { principalId: alice, principalType: 'User', scope, roleDefinitionId } },
      ],
      roleDefinitions: new Map([
        [role, { properties: { permissions: [{ actions: Actions, notActions: NotActions }] } }],
      ]),
      denyAssignments: [],
      denialsOfPerson: new Set(),
    },
  );
  return answer.kind === 'denied' ? answer.missing : [];
}

describe('the custom roles', () => {
  it.each(files)('%s has the form that Azure takes', (path) => {
    expect(roleDefinition.safeParse(JSON.parse(read(path))).error).toBeUndefined();
  });

  it('are in the table of the page, each once', () => {
    const [listed, names] = [
      tableBelow(read('docs/permissions.md'), 'Roles ready to use').map(([link = '']) => link),
      files.map((path) => path.replace('docs/', '')),
    ];
    expect(listed).toEqual(expect.arrayContaining(names.map((name) => `[${name}](${name})`)));
    expect(listed).toHaveLength(names.length);
  });

  const all = Object.values(actions);
  it.each<[string, readonly string[]]>([
    ['requester', [actions.initiate, actions.readPolicy, actions.readVirtualMachine]],
    ['approver', [actions.readPolicy, actions.readVirtualMachine]],
    ['auditor', [actions.readPolicy, actions.readVirtualMachine]],
    ['policy-administrator', all.filter((action) => action !== actions.initiate)],
    ['application', [actions.readVirtualMachine]],
  ])('%s is let do exactly what it is for', (name, allowed) => {
    expect(missingWith(name, all)).toEqual(all.filter((action) => !allowed.includes(action)));
  });

  it('of the application holds each right that the operations page demands, and two that it speaks of', () => {
    const demanded = tableBelow(read('docs/operations.md'), 'In Azure Resource Manager').map(
      ([action = '']) => action,
    );
    expect(missingWith('application', demanded)).toEqual([]);
    expect(roleOf('application').Actions.filter((action) => !demanded.includes(action))).toEqual([
      'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action',
      'Microsoft.Authorization/locks/read',
    ]);
  });
});
