import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { approversGroupId, people } from '../../../dev/sample/people.ts';
import type { Answered, Json, World } from './client.ts';
import { names, sample, SUBSCRIPTION, startWorld, textOf, WEB_GROUP } from './client.ts';

const { alice, carol, dave } = people;
const subscription = `/subscriptions/${SUBSCRIPTION}`;
const machine = `${WEB_GROUP}/providers/Microsoft.Compute/virtualMachines/vm-web`;
const everybody = '00000000-0000-0000-0000-000000000000';
const requester = '00000000-0000-4000-8000-0000000401e1';
const made = '00000000-0000-4000-8000-0000000a55ff';

let world: World;
const list = (what: string, filter?: string, scope = machine) => {
  const query = filter === undefined ? '' : `&$filter=${encodeURIComponent(filter)}`;
  return world.send(
    'GET',
    `${scope}/providers/Microsoft.Authorization/${what}?api-version=2022-04-01${query}`,
  );
};
const value = (answered: Answered) => answered.body['value'] as unknown as Json[];
const principals = (answered: Answered) =>
  value(answered).map((one) => one['properties']?.['principalId'] as unknown);
const atScope = (objectId: string) => `atScope() and assignedTo('${objectId}')`;

beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.arm.close());

async function beginAnew(state: object): Promise<void> {
  await world.arm.close();
  world = await startWorld({ state: { ...sample(), ...state } });
}

describe('role assignments', () => {
  it('are listed for a person with what their groups have, in the form of the API', async () => {
    const answered = await list('roleAssignments', atScope(carol.objectId));
    expect(answered.status).toBe(200);
    expect(value(answered)).toEqual([
      {
        properties: {
          roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-0000000401e2`,
          principalId: approversGroupId,
          principalType: 'Group',
          scope: subscription,
          condition: null,
          conditionVersion: null,
        },
        id: `${subscription}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000a5503`,
        type: 'Microsoft.Authorization/roleAssignments',
        name: '00000000-0000-4000-8000-0000000a5503',
      },
    ]);
  });

  it('are listed with what is below the scope, unless atScope() says not to', async () => {
    await world.send('PUT', `${machine}/providers/Microsoft.Authorization/roleAssignments/${made}`, {
      properties: {
        roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${requester}`,
        principalId: dave.objectId,
      },
    });
    const filter = `assignedTo('${dave.objectId}')`;
    expect(value(await list('roleAssignments', filter, WEB_GROUP))).toHaveLength(2);
    expect(value(await list('roleAssignments', `atScope() and ${filter}`, WEB_GROUP))).toHaveLength(1);
    expect(value(await list('roleAssignments', `atScope() and ${filter}`))).toHaveLength(2);
  });

  it('named by principalId are those of the principal itself', async () => {
    expect(principals(await list('roleAssignments', `principalId eq '${carol.objectId}'`))).toEqual([]);
    expect(principals(await list('roleAssignments', `principalId eq '${approversGroupId}'`))).toEqual([
      approversGroupId,
    ]);
  });

  it('come in pages whose next link keeps the filter', async () => {
    await world.arm.close();
    world = await startWorld({ settings: { pageSize: 1 } });
    const first = await list('roleAssignments', 'atScope()');
    const second = await world.send('GET', textOf(first.body['nextLink']));
    expect(principals(first)).toEqual([alice.objectId]);
    expect(value(second)).toHaveLength(1);
    expect(textOf(second.body['nextLink'])).toContain('atScope');
  });

  it.each(["assignedTo('x')", 'atScope', "principalType eq 'User'", "assignedTo('a') or atScope()"])(
    'refuse the filter %s, as Azure does',
    async (filter) => {
      const answered = await list('roleAssignments', filter);
      expect([answered.status, answered.body['error']?.['code']]).toEqual([400, 'UnsupportedQuery']);
    },
  );

  it('can be made once, read and removed', async () => {
    const path = `${machine}/providers/Microsoft.Authorization/roleAssignments/${made}`;
    const body = {
      properties: {
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${requester}`,
        principalId: dave.objectId,
      },
    };
    expect((await world.send('PUT', path, { properties: {} })).status).toBe(400);
    expect((await world.send('PUT', path, body)).status).toBe(201);
    expect((await world.send('PUT', path, body)).status).toBe(409);
    expect((await world.send('GET', path)).body['properties']).toMatchObject({ scope: machine });
    expect((await world.send('DELETE', path)).status).toBe(200);
    expect((await world.send('DELETE', path)).status).toBe(204);
    expect((await world.send('GET', path)).status).toBe(404);
  });

  it('are in the saved state', async () => {
    const saved = world.arm.state();
    await beginAnew(saved);
    expect(world.arm.state()['roleAssignments']).toEqual(saved['roleAssignments']);
  });
});

describe('role definitions', () => {
  it('are read by their GUID at any scope, and by their name', async () => {
    const one = await list(`roleDefinitions/${requester}`);
    expect(one.body['properties']).toMatchObject({ roleName: 'Sallyport Requester', type: 'CustomRole' });
    expect(
      names((await list('roleDefinitions', "roleName eq 'Reader'")).body['value'] as unknown as Json),
    ).toEqual(['acdd72a7-3385-48ef-bd42-f606fba81ae7']);
    expect((await list(`roleDefinitions/${made}`)).status).toBe(404);
  });

  it('refuse a filter that Azure does not know', async () => {
    expect((await list('roleDefinitions', 'atScope()')).status).toBe(400);
  });
});

describe('deny assignments', () => {
  const denial = (principalId: string, type: string) => ({
    name: made,
    denyAssignmentName: 'blueprint',
    scope: WEB_GROUP,
    permissions: [{ actions: ['*/write'] }],
    principals: [{ id: principalId, type }],
  });

  it('for everybody are listed at the scope, and for no person', async () => {
    await beginAnew({ denyAssignments: [denial(everybody, 'SystemDefined')] });
    expect(value(await list('denyAssignments', 'atScope()'))[0]).toMatchObject({
      id: `${WEB_GROUP}/providers/Microsoft.Authorization/denyAssignments/${made}`,
      properties: { denyAssignmentName: 'blueprint', doNotApplyToChildScopes: false, excludePrincipals: [] },
    });
    expect(value(await list('denyAssignments', atScope(alice.objectId)))).toEqual([]);
  });

  it('for a group are listed for its members', async () => {
    await beginAnew({ denyAssignments: [denial(approversGroupId, 'Group')] });
    expect(value(await list('denyAssignments', atScope(carol.objectId)))).toHaveLength(1);
    expect(value(await list('denyAssignments', atScope(alice.objectId)))).toEqual([]);
  });

  it('cannot be made', async () => {
    const path = `${machine}/providers/Microsoft.Authorization/denyAssignments/${made}`;
    expect((await world.send('PUT', path, {})).status).toBe(405);
  });
});

it('whoever may not read role assignments is refused, with the action named', async () => {
  await beginAnew({ permissions: [{ principalId: '*', scope: '/', actions: ['Microsoft.Compute/*'] }] });
  const answered = await list('roleAssignments');
  expect(answered.status).toBe(403);
  expect(textOf(answered.body['error']?.['message'])).toContain(
    'Microsoft.Authorization/roleAssignments/read',
  );
});
