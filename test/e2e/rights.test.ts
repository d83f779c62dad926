import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appIdentity } from '../../dev/sample/people.ts';
import { sampleSubscription, virtualMachines } from '../../dev/sample/policies.ts';
import { ask } from './callers.ts';
import { expectSame, startCloud, type Cloud } from './cloud.ts';

const { web, db2 } = virtualMachines;
const gatekeeper = '00000000-0000-4000-8000-0000000401e5';
const write = 'Microsoft.Network/networkSecurityGroups/write';
const join = 'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action';

interface Assigned {
  scope: string;
  role: string;
  principalId: string;
  name: string;
}

describe('an app that may do in Azure what its roles allow', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud();
  });
  afterAll(() => cloud.close());

  /** Takes the app's right to write in a resource group away, as the owner of the subscription; gives the way back. */
  async function takeGatekeeper(group: string): Promise<() => Promise<void>> {
    const { arm } = cloud.environment;
    const scope = `${sampleSubscription}/resourceGroups/${group}`;
    const { roleAssignments } = (await arm.state()) as { roleAssignments: Assigned[] };
    const found = roleAssignments.find((one) => one.scope === scope && one.role === gatekeeper);
    const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${found?.name ?? 'none'}`;
    const url = `${id}?api-version=2022-04-01`;
    expect((await arm.ask('DELETE', url)).status).toBe(200);
    return async () => {
      const properties = {
        roleDefinitionId: `${sampleSubscription}/providers/Microsoft.Authorization/roleDefinitions/${gatekeeper}`,
        principalId: appIdentity.objectId,
        principalType: 'ServicePrincipal',
      };
      expect((await arm.ask('PUT', url, { properties })).status).toBe(201);
    };
  }

  const writesOf = async (nsg: string) =>
    (await cloud.armCalls()).filter(
      ({ method, path }) => method === 'PUT' && path.toLowerCase().endsWith(`/${nsg}`),
    ).length;

  it('opens nothing in a group where it may not write, says which right it lacks, and opens elsewhere', async () => {
    const before = [await cloud.nsg('nsg-db2'), await cloud.nsg('nsg-data')];
    const giveBack = await takeGatekeeper('contoso-data-RG');

    const refused = await ask(cloud, 'alice', { vm: db2, port: 5432 });
    expect([refused.status, refused.body['code']]).toEqual([403, 'not-closable']);
    expect(JSON.stringify(refused.body)).toContain(write);
    expect(JSON.stringify(refused.body)).toMatch(/contoso-data-RG/i);
    expectSame([await cloud.nsg('nsg-db2'), await cloud.nsg('nsg-data')], before);
    expect(await writesOf('nsg-db2')).toBe(0);

    const elsewhere = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(elsewhere.id, 'active');
    await cloud.revoke(elsewhere.id);
    await cloud.until(elsewhere.id, 'closed');
    await giveBack();
  });

  it('opens nothing in an NSG whose rules name a group that it may not join, and says which right it lacks', async () => {
    const before = await cloud.nsg('nsg-web');
    const giveBack = await takeGatekeeper('Contoso-Network');

    // What it has been told holds for a minute.
    await cloud.environment.restartHost();
    const writes = await writesOf('nsg-web');

    const refused = await ask(cloud, 'alice', { vm: web, port: 22 });
    expect([refused.status, refused.body['code']]).toEqual([403, 'not-closable']);
    expect(JSON.stringify(refused.body)).toContain(join);
    expect(JSON.stringify(refused.body)).toContain('applicationSecurityGroups/asg-web');
    expectSame(await cloud.nsg('nsg-web'), before);
    expect(await writesOf('nsg-web')).toBe(writes);
    await giveBack();
    await cloud.environment.restartHost();
  });

  it('closes by deleting the one rule what was open when that right was taken away', async () => {
    const before = await cloud.nsg('nsg-web');
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    expect(await cloud.owned('nsg-web')).not.toEqual([]);
    const giveBack = await takeGatekeeper('Contoso-Network');

    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
    expectSame(await cloud.nsg('nsg-web'), before);
    const calls = await cloud.armCalls();
    expect(calls.filter(({ method, status }) => method === 'DELETE' && status === 202)).toHaveLength(1);
    await giveBack();
  });

  it('opens and closes all the same where it may not ask how its writes end', async () => {
    const polled = 'Microsoft.Network/locations/operations/read';
    const before = await cloud.nsg('nsg-web');
    const { arm } = cloud.environment;
    const state = (await arm.state()) as { roleDefinitions: { permissions: { actions: string[] }[] }[] };
    for (const { permissions } of state.roleDefinitions) {
      for (const one of permissions) one.actions = one.actions.filter((action) => action !== polled);
    }
    expect((await arm.ask('PUT', '/_sim/state', state)).status).toBe(204);

    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
    expectSame(await cloud.nsg('nsg-web'), before);
    const polls = (await cloud.armCalls()).filter(({ path }) => path.includes('/locations/'));
    expect(polls.slice(-2).map(({ status }) => status)).toEqual([403, 403]);
  });
});
