import { createHttpHeaders } from '@azure/core-rest-pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, describeInventoryContract, type ListName } from '../../contracts/inventory.ts';
import {
  ids,
  intercepting,
  otherSubscriptionId,
  realClock,
  simulateArm,
  subscriptionId,
  world,
  type SimulatedArm,
} from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };
const paths: Record<ListName, string> = {
  nsgs: '/networkSecurityGroups$',
  networkInterfaces: '/networkInterfaces$',
  virtualMachines: '/virtualMachines$',
  virtualNetworks: '/virtualNetworks$',
};
const fabrikam = `/subscriptions/${otherSubscriptionId}/resourceGroups/fabrikam/providers`;
const elsewhere = [
  {
    id: `${fabrikam}/Microsoft.Network/networkSecurityGroups/far`,
    location: 'westeurope',
    properties: { securityRules: [] },
  },
];

describeInventoryContract('Azure Resource Manager', async () => {
  const { arm, connectAll } = await simulateArm({
    settings: { pageSize: 2 },
    state: { ...world, resources: [...world.resources, ...elsewhere] },
  });
  const { inventory, network } = connectAll();
  return {
    inventory,
    network,
    subscriptionIds: [subscriptionId, otherSubscriptionId],
    nsgIds: ['web', 'web-1', 'shared', 'solo', 'pair'].map((name) => ids.nsg(name)),
    virtualMachine: {
      id: ids.vm('web-1'),
      vmId: 'web-1',
      location: 'westeurope',
      tags: { env: 'sample' },
      osType: 'Linux',
    },
    virtualNetwork: {
      id: ids.subnet('a', 'x').replace(/\/subnets\/.*$/, ''),
      subnets: ['web', 'open', 'twins', 'solo'].map((name) => ({
        id: ids.subnet('a', name),
        name,
        prefixes: ['10.1.0.0/16'],
      })),
    },
    networkInterface: {
      id: ids.nic('web-1'),
      nsgId: ids.nsg('web-1'),
      address: '10.1.0.5',
      subnetId: ids.subnet('a', 'web'),
    },
    failSecondPage: (list) => {
      const fault = { kind: 'throttle', retryAfter: 7 };
      arm.faults.add({ match: { method: 'GET', path: paths[list] }, skip: 1, times: 1, fault });
    },
    close: () => arm.close(),
  };
});

describe('the lists of Azure Resource Manager', () => {
  let simulated: SimulatedArm;
  beforeEach(async () => {
    simulated = await simulateArm({ settings: { pageSize: 2 } });
  });
  afterEach(() => simulated.arm.close());

  const nsgs = (options: Parameters<SimulatedArm['connectAll']>[0] = {}) =>
    all(simulated.connectAll(options).inventory.nsgs(call));

  it('cost one read a page, and one for the subscriptions', async () => {
    simulated.arm.requests.length = 0;
    await nsgs();
    // Five NSGs in one subscription, none in the other.
    expect(simulated.arm.requests).toHaveLength(1 + 3 + 1);
    expect(simulated.arm.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('show an address that a load balancer may probe', async () => {
    const pool = `${fabrikam}/Microsoft.Network/loadBalancers/lb/backendAddressPools/web`;
    const id = `${fabrikam}/Microsoft.Network/networkInterfaces/balanced`;
    const properties = { privateIPAddress: '10.3.0.9', loadBalancerBackendAddressPools: [{ id: pool }] };
    const balanced = {
      id,
      location: 'westeurope',
      properties: { ipConfigurations: [{ name: 'one', properties }] },
    };
    const plain = {
      id: `${id}-not`,
      location: 'westeurope',
      properties: { ipConfigurations: [{ name: 'one', properties: { privateIPAddress: '10.3.0.10' } }] },
    };
    const simulatedHere = await simulateArm({
      state: { ...world, resources: [...world.resources, balanced, plain] },
    });
    try {
      const pages = await all(
        simulatedHere
          .connectAll()
          .inventory.networkInterfaces({ ...call, subscriptionIds: [otherSubscriptionId] }),
      );
      const listed = pages.flatMap((page) => (page.kind === 'page' ? page.items : []));
      expect(listed.flatMap(({ addresses }) => addresses)).toEqual([
        { address: '10.3.0.9', isBalanced: true },
        { address: '10.3.0.10' },
      ]);
    } finally {
      await simulatedHere.arm.close();
    }
  });

  it('hand the token to nobody whom a next link names', async () => {
    const asked: string[] = [];
    const httpClient = intercepting(simulated.httpClient, async (request, forward) => {
      asked.push(new URL(request.url).origin);
      const answer = await forward();
      const bodyAsText = answer.bodyAsText?.replace(
        /"nextLink":"[^"]*"/,
        '"nextLink":"https://fabrikam.example/p"',
      );
      return { ...answer, bodyAsText: bodyAsText ?? null };
    });
    const pages = await nsgs({ httpClient });
    expect(pages.map(({ kind }) => kind)).toContain('failed');
    expect(new Set(asked)).toEqual(new Set([simulated.arm.url]));
  });

  it('end where pages lead to themselves', async () => {
    let sent = 0;
    const headers = createHttpHeaders();
    const httpClient = intercepting(simulated.httpClient, (request) => {
      sent += 1;
      const bodyAsText = JSON.stringify({ value: [], nextLink: request.url });
      return Promise.resolve({ request, status: 200, headers, bodyAsText });
    });
    const { inventory } = simulated.connectAll({ httpClient });
    const pages = await all(inventory.nsgs({ ...call, subscriptionIds: [subscriptionId] }));
    expect(pages.at(-1)).toMatchObject({ kind: 'failed', subscriptionId });
    expect(sent).toBe(1000);
  });

  it.each([
    ['no list', '{}'],
    ['an empty text', ''],
    ['a list of texts', '{"value":["nsg"]}'],
    ['an NSG without an etag', '{"value":[{"id":"/x","properties":{}}]}'],
    ['a page that ends in its middle', '{"value":[{"id":"/x"'],
    ['a next link that is no text', '{"value":[],"nextLink":4}'],
  ])('do not take %s for the end of a list', async (_what, body) => {
    simulated.arm.faults.add({
      match: { path: paths.nsgs },
      fault: { kind: 'status', status: 200, body },
    });
    const pages = await nsgs();
    expect(pages.filter(({ kind }) => kind === 'failed')).toHaveLength(2);
  });

  it('say that nothing is known where the subscriptions cannot be listed', async () => {
    simulated.arm.faults.add({ match: { path: '/subscriptions$' }, fault: { kind: 'status', status: 500 } });
    expect(await nsgs()).toEqual([
      { kind: 'failed', subscriptionId: '', message: expect.any(String) as string },
    ]);
  });

  it('go through the subscriptions that this identity sees, and ask no right of it for that', async () => {
    const actions = ['Microsoft.Network/networkSecurityGroups/read'];
    const scope = `/subscriptions/${otherSubscriptionId}`;
    const limited = await simulateArm({
      clock: realClock,
      state: {
        ...world,
        resources: [...world.resources, ...elsewhere],
        permissions: [{ principalId: '*', scope, actions, notActions: [] }],
      },
    });
    try {
      const pages = await all(limited.connectAll().inventory.nsgs(call));
      expect(pages.map((page) => (page.kind === 'page' ? page.items.map(({ id }) => id) : page))).toEqual([
        elsewhere.map(({ id }) => id),
      ]);
    } finally {
      await limited.arm.close();
    }
  });

  it('leave out a subscription in which this identity may not list, and tell of it, unless it was asked for by name', async () => {
    const limited = await simulateArm({
      state: {
        ...world,
        permissions: [
          { principalId: '*', scope: `/subscriptions/${subscriptionId}`, actions: ['*'], notActions: [] },
          {
            principalId: '*',
            scope: `/subscriptions/${otherSubscriptionId}`,
            actions: ['Microsoft.Storage/*'],
            notActions: [],
          },
        ],
      },
    });
    try {
      const told: [string, string][] = [];
      const { inventory, unlisted } = limited.connectAll({ onUnlisted: (...one) => told.push(one) });
      const everything = await all(inventory.nsgs(call));
      const named = await all(inventory.nsgs({ ...call, subscriptionIds: [otherSubscriptionId] }));
      expect(everything.map(({ kind }) => kind)).toEqual(['page']);
      expect(named.map(({ kind }) => kind)).toEqual(['failed']);
      expect(told).toEqual([[otherSubscriptionId, expect.stringContaining('networkSecurityGroups/read')]]);
      expect(unlisted.subscriptionIds()).toEqual([otherSubscriptionId]);
    } finally {
      await limited.arm.close();
    }
  });

  it('no longer name a subscription as left out once Azure does not show it at all', async () => {
    let isShown = true;
    const httpClient = intercepting(simulated.httpClient, async (request, forward) => {
      const answer = await forward();
      if (isShown || new URL(request.url).pathname !== '/subscriptions') return answer;
      const { value } = JSON.parse(answer.bodyAsText ?? '') as { value: { subscriptionId: string }[] };
      const others = value.filter((each) => each.subscriptionId !== otherSubscriptionId);
      return { ...answer, bodyAsText: JSON.stringify({ value: others }) };
    });
    const { inventory, unlisted } = simulated.connectAll({ httpClient });
    const path = `/${otherSubscriptionId}/providers/.*networkSecurityGroups$`;
    simulated.arm.faults.add({ match: { path }, fault: { kind: 'forbidden' } });
    await all(inventory.nsgs(call));
    expect(unlisted.subscriptionIds()).toEqual([otherSubscriptionId]);
    isShown = false;
    await all(inventory.nsgs(call));
    expect(unlisted.subscriptionIds()).toEqual([]);
  });

  it('no longer name a subscription as left out once it could be listed', async () => {
    const { inventory, unlisted } = simulated.connectAll();
    const path = `/${otherSubscriptionId}/providers/.*networkSecurityGroups$`;
    simulated.arm.faults.add({ match: { path }, fault: { kind: 'forbidden' } });
    await all(inventory.nsgs(call));
    expect(unlisted.subscriptionIds()).toEqual([otherSubscriptionId]);
    simulated.arm.faults.clear();
    await all(inventory.nsgs(call));
    expect(unlisted.subscriptionIds()).toEqual([]);
  });
});

describe('the lists of an identity that may read resource groups alone', () => {
  const group = `/subscriptions/${subscriptionId}/resourceGroups/contoso`;
  const tailspin = `/subscriptions/${subscriptionId}/resourceGroups/tailspin`;
  const nsgIn = (scope: string) => ({
    id: `${scope}/providers/Microsoft.Network/networkSecurityGroups/theirs`,
    location: 'westeurope',
    properties: { securityRules: [] },
  });
  let simulated: SimulatedArm;
  beforeEach(async () => {
    simulated = await simulateArm({
      state: {
        ...world,
        resourceGroups: [...world.resourceGroups, { id: tailspin, location: 'westeurope' }],
        resources: [...world.resources, nsgIn(tailspin), ...elsewhere],
        permissions: [group, `/subscriptions/${otherSubscriptionId}`].map((scope) => ({
          ...{ principalId: '*', scope, actions: ['*/read'], notActions: [] },
        })),
      },
    });
  });
  afterEach(() => simulated.arm.close());

  const list = async (readerGroups: string[], subscriptionIds?: string[]) => {
    const { inventory } = simulated.connectAll({ readerGroups });
    const chosen = subscriptionIds === undefined ? {} : { subscriptionIds };
    const pages = await all(inventory.nsgs({ ...call, ...chosen }));
    return {
      ids: pages.flatMap((page) => (page.kind === 'page' ? page.items.map(({ id }) => id) : [])),
      failed: pages.flatMap((page) => (page.kind === 'failed' ? [page.subscriptionId] : [])),
    };
  };
  const ofContoso = ['web', 'web-1', 'shared', 'solo', 'pair'].map((name) => ids.nsg(name));

  it.each([
    ['everything is asked for', undefined, elsewhere.map(({ id }) => id)],
    ['their subscription is asked for by name', [subscriptionId.toUpperCase()], []],
  ])('are those of the groups where %s', async (_what, subscriptionIds, others) => {
    expect(
      await list([group, group.toUpperCase().replace('SUBSCRIPTIONS', 'subscriptions')], subscriptionIds),
    ).toEqual({ ids: [...ofContoso, ...others], failed: [] });
    const asked = simulated.arm.requests.map(({ path }) => path);
    expect(asked).not.toContain(
      `/subscriptions/${subscriptionId}/providers/Microsoft.Network/networkSecurityGroups`,
    );
  });

  it('show what one group has and say that another could not be listed', async () => {
    expect(await list([tailspin, group])).toEqual({
      ids: [...ofContoso, ...elsewhere.map(({ id }) => id)],
      failed: [subscriptionId],
    });
  });

  it('do not pass over a group whose subscription Azure does not show', async () => {
    const hidden = '77777777-7777-4777-8777-777777777777';
    const { failed } = await list([group, `/subscriptions/${hidden}/resourceGroups/hidden`]);
    expect(failed).toEqual([hidden]);
  });

  it.each([`/subscriptions/${subscriptionId}`, ids.nsg('web'), 'contoso', `${group}/..`])(
    'are not made with %s for a group',
    (id) => {
      expect(() => simulated.connectAll({ readerGroups: [id] })).toThrow('resource group');
    },
  );
});
