import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sampleSubscription, virtualMachines } from '../../dev/sample/policies.ts';
import { createSweepState } from '../../src/adapters/tables/sweepState.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import { ask } from './callers.ts';
import { expectSame, patience, startCloud, type Cloud } from './cloud.ts';

const { web, db1 } = virtualMachines;
const reader = '00000000-0000-4000-8000-0000000401e4';
const groups = ['Contoso-Network', 'Contoso-Web-RG'].map(
  (name) => `${sampleSubscription}/resourceGroups/${name}`,
);

describe('an app that may read two resource groups of a subscription and no more', () => {
  let cloud: Cloud;
  let before: number;
  beforeAll(async () => {
    cloud = await startCloud({
      hostOptions: {
        settings: {
          SALLYPORT_READER_GROUPS: groups.join(','),
          SALLYPORT_SWEEP_SCHEDULE: '*/2 * * * * *',
        },
      },
    });
    const { arm } = cloud.environment;
    const state = (await arm.state()) as { roleAssignments: { role: string }[] };
    const given = state.roleAssignments.find(({ role }) => role === reader);
    const onGroups = groups.map((scope, index) => ({
      ...given,
      scope,
      name: `00000000-0000-4000-8000-0000000a56${String(index).padStart(2, '0')}`,
    }));
    const others = state.roleAssignments.filter((one) => one !== given);
    const changed = { ...state, roleAssignments: [...others, ...onGroups] };
    expect((await arm.ask('PUT', '/_sim/state', changed)).status).toBe(204);
    before = (await cloud.armCalls()).length;
    // Whatever it remembers of the time when it might do more is gone.
    await cloud.environment.restartHost();
  });
  afterAll(() => cloud.close());

  it('opens, sweeps, and closes, and asks for nothing that it may not', async () => {
    const closed = await cloud.nsg('nsg-web');
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    expect(await cloud.owned('nsg-web')).not.toEqual([]);

    const sweepState = createSweepState(openTables({ connectionString: cloud.environment.connectionString }));
    const opened = new Date().toISOString();
    await vi.waitFor(
      async () => expect(((await sweepState.heartbeat()) ?? '') > opened).toBe(true),
      patience,
    );
    expect(await cloud.request(request.id)).toMatchObject({ state: 'active' });

    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
    expectSame(await cloud.nsg('nsg-web'), closed);

    const calls = (await cloud.armCalls()).slice(before);
    expect(calls.filter(({ status }) => status === 403)).toEqual([]);
    const lists = calls.filter(({ path }) => /\/(networkSecurityGroups|virtualMachines)$/.test(path));
    expect(new Set(lists.map(({ path }) => path.replace(/\/providers\/.*/, '')))).toEqual(new Set(groups));
  });

  it('lets nobody into a machine of another group, and says which right it lacks there', async () => {
    const refused = await ask(cloud, 'alice', { vm: db1, port: 22 });

    expect([refused.status, refused.body['code']]).toEqual([403, 'not-authorized']);
    expect(JSON.stringify(refused.body)).toContain('Microsoft.Authorization/roleAssignments/read');
  });
});
