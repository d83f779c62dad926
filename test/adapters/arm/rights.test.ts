import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Arm } from '../../../src/adapters/arm/arm.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import type { Rights } from '../../../src/core/rights.ts';
import {
  ids,
  intercepting,
  leapingClock,
  simulateArm,
  subscriptionId,
  world,
  type SimulatedArm,
} from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };
const group = `/subscriptions/${subscriptionId}/resourceGroups/contoso`;
const notClosable = { kind: 'not-closable', reason: { code: 'not-closable' } };

interface Permission {
  scope: string;
  actions: string[];
  notActions?: string[];
}

describe('whether what is opened on an NSG could be closed', () => {
  let simulated: SimulatedArm;
  let clock: ReturnType<typeof leapingClock>;
  let rights: Rights;

  async function begin(state: object = {}): Promise<void> {
    clock = leapingClock();
    simulated = await simulateArm({ clock, state: { ...world, ...state } });
    rights = simulated.connectAll().rights;
  }
  const permitting = (...permissions: Permission[]) => ({
    permissions: permissions.map((one) => ({ principalId: '*', notActions: [], ...one })),
  });
  const locking = (level: string, scope: string) => ({ locks: [{ name: 'keep', scope, level }] });
  const fail = (what: string, fault: { kind: string; [setting: string]: unknown }) =>
    simulated.arm.faults.add({ match: { path: `/Microsoft.Authorization/${what}$` }, fault });
  const ask = (nsg = ids.nsg('web')) => rights.closability(nsg, call);

  /** As an administrator does it. */
  async function lock(scope: string): Promise<void> {
    const url = `${simulated.arm.url}${scope}/providers/Microsoft.Authorization/locks/keep?api-version=2020-05-01`;
    const headers = createHttpHeaders({ authorization: 'Bearer administrator' });
    const body = JSON.stringify({ properties: { level: 'ReadOnly' } });
    await simulated.httpClient.sendRequest(createPipelineRequest({ url, method: 'PUT', headers, body }));
  }

  /** In place of the world in which nothing is forbidden. */
  async function beginAnew(state: object): Promise<void> {
    await simulated.arm.close();
    await begin(state);
  }

  beforeEach(() => begin());
  afterEach(() => simulated.arm.close());

  it('is so where nothing forbids it', async () => {
    expect(await ask()).toEqual({ kind: 'closable' });
  });

  it.each([
    ['the NSG', ids.nsg('web')],
    ['its resource group', group.toUpperCase()],
    ['its subscription', `/subscriptions/${subscriptionId}`],
  ])('is not so under a read-only lock of %s, which is named', async (_of, scope) => {
    await beginAnew(locking('ReadOnly', scope));
    const answer = await ask();
    expect(answer).toMatchObject(notClosable);
    expect(JSON.stringify(answer)).toContain('locks/keep');
  });

  it.each([
    ['a delete lock of its group', 'CanNotDelete', group],
    ['a read-only lock of another NSG', 'ReadOnly', ids.nsg('web-1')],
    ['a read-only lock of a rule of it', 'ReadOnly', `${ids.nsg('web')}/securityRules/web`],
    ['a read-only lock of another group', 'ReadOnly', `${group}-2`],
  ])('is so under %s', async (_what, level, scope) => {
    await beginAnew(locking(level, scope));
    expect(await ask()).toEqual({ kind: 'closable' });
  });

  it.each<[string, Permission[]]>([
    ['a role that names both rights', [{ scope: '/', actions: ['*/read', 'microsoft.network/*/WRITE'] }]],
    [
      'two roles, each of which takes something away',
      [
        { scope: '/', actions: ['*'], notActions: ['*/write'] },
        { scope: group, actions: ['Microsoft.Network/*'], notActions: ['*/delete'] },
      ],
    ],
  ])('is so with %s', async (_what, permissions) => {
    await beginAnew(permitting(...permissions));
    expect(await ask()).toEqual({ kind: 'closable' });
  });

  it.each<[string, Permission[]]>([
    ['no right to write', [{ scope: '/', actions: ['*/read'] }]],
    [
      'writing taken away by the role that gives it',
      [{ scope: '/', actions: ['*'], notActions: ['*/Write'] }],
    ],
    [
      'a right on another NSG only',
      [
        { scope: '/', actions: ['*/read'] },
        { scope: ids.nsg('web-1'), actions: ['*'] },
      ],
    ],
    [
      'no right to see its own rights',
      [{ scope: '/', actions: ['Microsoft.Network/*', 'Microsoft.Authorization/locks/read'] }],
    ],
  ])('is not so with %s', async (_what, permissions) => {
    await beginAnew(permitting(...permissions));
    expect(await ask()).toMatchObject(notClosable);
  });

  it('is so where locks may not be seen: most roles lack that right, and a close that fails is loud', async () => {
    await beginAnew(
      permitting({
        scope: '/',
        actions: ['Microsoft.Network/networkSecurityGroups/*', 'Microsoft.Authorization/permissions/read'],
      }),
    );
    expect(await ask()).toEqual({ kind: 'closable' });
  });

  it.each(['permissions', 'locks'])(
    'is not known while %s cannot be read, and is asked again',
    async (what) => {
      const fault = fail(what, { kind: 'status', status: 500 });
      expect(await ask()).toEqual({ kind: 'unknown', message: expect.any(String) as string });
      simulated.arm.faults.remove(fault);
      expect(await ask()).toEqual({ kind: 'closable' });
    },
  );

  it('is not known while a quota is exhausted, which says how long', async () => {
    fail('permissions', { kind: 'throttle', retryAfter: 12 });
    expect(await ask()).toMatchObject({ kind: 'unknown', retryAfterSeconds: 12 });
  });

  it('is not known of what is no NSG, and nothing is asked', async () => {
    expect(await ask(ids.nic('web-1'))).toMatchObject({ kind: 'unknown' });
    expect(await ask(`${ids.nsg('web')}/../../x`)).toMatchObject({ kind: 'unknown' });
    expect(simulated.arm.requests).toEqual([]);
  });

  it('costs two reads for 800 opens on one NSG at once, whatever the case of its id', async () => {
    const asked = Array.from({ length: 800 }, (_, index) =>
      ask(
        index % 2 === 0
          ? ids.nsg('web')
          : ids.nsg('web').toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'),
      ),
    );
    expect(new Set((await Promise.all(asked)).map(({ kind }) => kind))).toEqual(new Set(['closable']));
    expect(simulated.arm.requests).toHaveLength(2);
  });

  it('is asked anew a minute later, and sees a lock that was made meanwhile', async () => {
    await ask();
    await lock(group);
    clock.leap(59_000);
    expect(await ask()).toEqual({ kind: 'closable' });
    clock.leap(1000);
    expect(await ask()).toMatchObject(notClosable);
  });

  it('keeps what is known now when an older question ends without an answer', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let isFirst = true;
    const httpClient = intercepting(simulated.httpClient, async ({ url }, forward) => {
      if (!isFirst || !url.includes('/permissions')) return forward();
      isFirst = false;
      await held;
      throw new Error('The connection was lost.');
    });
    rights = simulated.connectAll({ httpClient }).rights;
    const older = ask();
    clock.leap(61_000);
    expect(await ask()).toEqual({ kind: 'closable' });
    release();
    await older;

    simulated.arm.requests.length = 0;
    expect(await ask()).toEqual({ kind: 'closable' });
    expect(simulated.arm.requests).toEqual([]);
  });
});

describe('whether an NSG could be written whose rules name application security groups', () => {
  const join = 'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action';
  const asg = (name: string, inGroup = group) =>
    `${inGroup}/providers/Microsoft.Network/applicationSecurityGroups/${name}`;
  const hub = `/subscriptions/${subscriptionId}/resourceGroups/hub`;
  const ofSubscription = { principalId: '*', scope: `/subscriptions/${subscriptionId}`, notActions: [] };
  const allButJoin = { ...ofSubscription, actions: ['*'], notActions: [join] };
  let simulated: SimulatedArm;
  let arm: Arm;
  afterEach(() => simulated.arm.close());

  /** The NSG `web` with a rule of somebody else from these groups. */
  async function begin(named: string[], permissions: object[]): Promise<void> {
    const foreign = {
      name: 'FromTheFarm',
      properties: {
        ...{ protocol: 'Tcp', sourcePortRange: '*', destinationPortRange: '9', priority: 200 },
        ...{ destinationAddressPrefix: '*', access: 'Allow', direction: 'Inbound' },
        sourceApplicationSecurityGroups: named.map((id) => ({ id })),
      },
    };
    simulated = await simulateArm({
      clock: leapingClock(),
      state: {
        ...world,
        resourceGroups: [...world.resourceGroups, { id: hub, location: 'westeurope' }],
        resources: [
          ...world.resources.map((one) =>
            one.id === ids.nsg('web') && named.length > 0
              ? { ...one, properties: { ...one.properties, securityRules: [foreign] } }
              : one,
          ),
          ...named.map((id) => ({ id, location: 'westeurope', properties: {} })),
        ],
        permissions,
      },
    });
    arm = simulated.connectAll();
  }
  /** As before every request: the NSG is read with the path of the machine. */
  async function ask() {
    await arm.network.readNsg(ids.nsg('web'), call);
    simulated.arm.requests.length = 0;
    return arm.rights.closability(ids.nsg('web'), call);
  }
  const asked = () =>
    simulated.arm.requests.map(({ path }) => path.replace(/\/providers\/Microsoft.Authorization/, ''));

  it('is not so without the right to join one of them, which is named with the action', async () => {
    await begin([asg('farm')], [allButJoin]);
    const answer = await ask();
    expect(answer).toMatchObject(notClosable);
    expect(JSON.stringify(answer)).toContain(join);
    expect(JSON.stringify(answer)).toContain(asg('farm'));
  });

  it.each([
    ['the resource group', hub],
    ['the group itself', asg('farm', hub)],
  ])('is so with that right on %s', async (_where, scope) => {
    await begin(
      [asg('farm', hub)],
      [allButJoin, { principalId: '*', scope, actions: [join], notActions: [] }],
    );
    expect(await ask()).toEqual({ kind: 'closable' });
  });

  it('costs one read for all of one resource group, kept for a minute for every NSG', async () => {
    await begin([asg('farm'), asg('mill')], [{ ...ofSubscription, actions: ['*'] }]);
    expect(await ask()).toEqual({ kind: 'closable' });
    expect(asked().sort()).toEqual(
      [`${group}/permissions`, `${ids.nsg('web')}/permissions`, `${ids.nsg('web')}/locks`].sort(),
    );
    expect(await ask()).toEqual({ kind: 'closable' });
    expect(asked()).toEqual([]);
  });

  it('costs nothing where no rule names one', async () => {
    await begin([], [{ ...ofSubscription, actions: ['*'] }]);
    expect(await ask()).toEqual({ kind: 'closable' });
    expect(asked().sort()).toEqual([`${ids.nsg('web')}/permissions`, `${ids.nsg('web')}/locks`].sort());
  });

  it('is so no less where that may not be read: opening needs the same right, and opens nothing without', async () => {
    await begin([asg('farm', hub)], [{ ...ofSubscription, scope: group, actions: ['*'] }]);
    expect(await ask()).toEqual({ kind: 'closable' });
  });

  it('follows the rules as they were read last', async () => {
    await begin([asg('farm')], [allButJoin]);
    expect(await ask()).toMatchObject(notClosable);
    const found = await arm.network.readNsg(ids.nsg('web'), call);
    if (found.kind !== 'read') throw new Error(found.kind);
    const properties = { ...(found.nsg.body['properties'] as JsonObject), securityRules: [] };
    await arm.network.writeNsg(found.nsg, { ...found.nsg.body, properties }, call);
    expect(await ask()).toEqual({ kind: 'closable' });
  });
});
