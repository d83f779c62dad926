import { inspect } from 'node:util';
import { createHttpHeaders, type PipelineRequest } from '@azure/core-rest-pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ids,
  intercepting,
  otherSubscriptionId,
  simulateArm,
  stubCredential,
  subscriptionId,
  world,
  type SimulatedArm,
  type SimulatedFault,
} from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000004' };

describe('resolveVirtualMachine', () => {
  let simulated: SimulatedArm;
  beforeEach(async () => {
    simulated = await simulateArm({ settings: { pageSize: 2 } });
  });
  afterEach(() => simulated.arm.close());

  const resolve = (name: string, network = simulated.network) =>
    network.resolveVirtualMachine(ids.vm(name), call);
  const paths = () => simulated.arm.requests.map(({ path }) => path);
  const listings = () => paths().filter((path) => path.endsWith('/networkInterfaces'));
  /** Answers requests for one path, and shows the interface `solo-1` with one more property on its configuration. */
  const withLoadBalancer = (properties: object, balancer: object) =>
    simulated.connect({
      httpClient: intercepting(simulated.httpClient, async (request, forward) => {
        if (request.url.includes('/loadBalancers/')) return answer(request, balancer);
        const response = await forward();
        if (!request.url.includes('/networkInterfaces/solo-1')) return response;
        const nic = JSON.parse(response.bodyAsText ?? '') as {
          properties: { ipConfigurations: { properties: object }[] };
        };
        for (const one of nic.properties.ipConfigurations) Object.assign(one.properties, properties);
        return { ...response, bodyAsText: JSON.stringify(nic) };
      }),
    });

  it('reads machine, interface, subnet and NSG, and lists nothing where an address can be there once only', async () => {
    expect(await resolve('solo-1')).toMatchObject({ nsgIds: [ids.nsg('solo')] });
    expect(paths().map((path) => path.split('/').at(-2))).toEqual([
      'virtualMachines',
      'networkInterfaces',
      'subnets',
      'networkSecurityGroups',
    ]);
  });

  it('carries the correlation id on every call, pages included, and asks the endpoint’s own scope only', async () => {
    const credential = stubCredential();
    await resolve('single-1', simulated.connect({ credential }));
    expect(listings().length).toBeGreaterThan(3);
    for (const request of simulated.arm.requests) {
      expect(request).toMatchObject({ status: 200, correlationRequestId: call.correlationId });
    }
    expect(new Set(credential.asked)).toEqual(new Set([`${simulated.arm.url}/.default`]));
  });

  it('admits a machine whose address is its own, although its NSG serves two networks', async () => {
    expect(await resolve('single-1')).toMatchObject({ nsgIds: [ids.nsg('shared')] });
  });

  it('tells the tags of a machine that it refuses once it has read it', async () => {
    expect(await resolve('twin-1')).toHaveProperty('tags', {});
    expect(await resolve('missing-1')).not.toHaveProperty('tags');
  });

  it('names both interfaces where an address is there twice behind the subnets of one NSG', async () => {
    const resolved = await resolve('twin-1');
    expect(resolved).toMatchObject({ refused: 'address-not-unique' });
    expect(JSON.stringify(resolved)).toContain(ids.nic('twin-1'));
    expect(JSON.stringify(resolved)).toContain(ids.nic('twin-2'));
  });

  it('sees one IPv6 address in two spellings at two interfaces with one NSG', async () => {
    const resolved = await resolve('pair-1');
    expect(resolved).toMatchObject({ refused: 'address-not-unique' });
    expect(JSON.stringify(resolved)).toContain(ids.nic('pair-2'));
  });

  it('follows a subnet into another subscription and looks for its interfaces in both', async () => {
    expect(await resolve('far-1')).toMatchObject({ nsgIds: [ids.nsg('web')] });
    expect(paths()).toContain(ids.otherSubnet('c', 'far'));
    const listed = new Set(listings().map((path) => path.split('/')[2]));
    expect(listed).toEqual(new Set([subscriptionId, otherSubscriptionId]));
  });

  it.each([
    ['ghost-1', 'does not exist'],
    ['instance-1', 'virtualMachineScaleSets/set'],
    ['bare-1', 'no primary network interface'],
  ])('refuses %s as not supported: %s', async (name, why) => {
    const resolved = await resolve(name);
    expect(resolved).toMatchObject({ refused: 'vm-not-supported' });
    expect(JSON.stringify(resolved)).toContain(why);
  });

  it('refuses an instance of a Uniform scale set by its id, without a request', async () => {
    const id = ids.vm('x').replace('virtualMachines/x', 'virtualMachineScaleSets/set/virtualMachines/0');
    const resolved = await simulated.network.resolveVirtualMachine(id, call);
    expect(resolved).toMatchObject({ refused: 'vm-not-supported' });
    expect(paths()).toEqual([]);
  });

  it.each(['/subscriptions/x', `${ids.vm('web-1')}/../../x`, `${ids.vm('web-1')}?$expand=userData`])(
    'sends nothing for %s, which is no id of a machine',
    async (id) => {
      const resolved = await simulated.network.resolveVirtualMachine(id, call);
      expect(resolved).toMatchObject({ refused: 'vm-not-found' });
      expect(paths()).toEqual([]);
    },
  );

  const balancerId = ids.nsg('x').replace('networkSecurityGroups/x', 'loadBalancers/front');
  const pool = { id: `${balancerId}/backendAddressPools/all` };
  const nat = { id: `${balancerId}/inboundNatRules/rdp` };
  it.each([
    ['a load balancing rule', { loadBalancerBackendAddressPools: [pool] }, 'loadBalancingRules', pool],
    ['an inbound NAT rule', { loadBalancerInboundNatRules: [nat] }, 'inboundNatRules', undefined],
  ])(
    'refuses a floating IP of %s by name, and admits it without one',
    async (_, properties, kind, backend) => {
      const balancer = (enableFloatingIP: boolean) => ({
        id: balancerId,
        properties: {
          [kind]: [
            {
              id: backend ? `${balancerId}/loadBalancingRules/sql` : nat.id,
              properties: { enableFloatingIP, ...(backend ? { backendAddressPool: backend } : {}) },
            },
          ],
        },
      });
      const floating = await resolve('solo-1', withLoadBalancer(properties, balancer(true)));
      expect(floating).toMatchObject({ refused: 'vm-not-supported' });
      expect(JSON.stringify(floating)).toContain('floating IP');
      const plain = await resolve('solo-1', withLoadBalancer(properties, balancer(false)));
      expect(plain).toMatchObject({ nsgIds: [ids.nsg('solo')] });
    },
  );

  const places = [
    'virtualMachines',
    'networkInterfaces/',
    'subnets',
    'networkSecurityGroups',
    'networkInterfaces$',
  ];
  it.each(places)('refuses where the right to read %s is missing', async (path) => {
    simulated.arm.faults.add({ match: { path }, fault: { kind: 'forbidden' } });
    expect(await resolve('single-1')).toMatchObject({ refused: 'not-permitted' });
  });

  it.each(places)('passes on how long a quota asks to wait at %s', async (path) => {
    simulated.arm.faults.add({ match: { path }, fault: { kind: 'throttle', retryAfter: 17 } });
    const resolved = await resolve('single-1');
    expect(resolved).toMatchObject({ refused: 'throttled', retryAfterSeconds: 17 });
  });

  it.each<SimulatedFault>([
    { kind: 'status', status: 500, message: 'An error occurred.' },
    { kind: 'reset-before' },
    { kind: 'malformed' },
    { kind: 'hang' },
  ])('throws after a lasting %o, and not with the token', async (fault) => {
    simulated.arm.faults.add({ match: { path: 'networkInterfaces/' }, fault });
    const network = simulated.connect({ timeouts: { resolveMilliseconds: 2000 } });
    const error = await resolve('solo-1', network).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('a-token');
  });

  it('sends no token to another origin that a page names as the next', async () => {
    const urls: string[] = [];
    const httpClient = intercepting(simulated.httpClient, async (request, forward) => {
      urls.push(request.url);
      const response = await forward();
      const text = response.bodyAsText?.replace(
        /"nextLink":"[^"]+"/,
        '"nextLink":"https://attacker.example/"',
      );
      return { ...response, bodyAsText: text ?? null };
    });
    await expect(resolve('single-1', simulated.connect({ httpClient }))).rejects.toThrow('another origin');
    expect(urls.filter((url) => !url.startsWith(simulated.arm.url))).toEqual([]);
  });
});

function answer(request: PipelineRequest, body: object) {
  const headers = createHttpHeaders({ 'content-type': 'application/json' });
  return { request, status: 200, headers, bodyAsText: JSON.stringify(body) };
}

describe('resolveVirtualMachine for an identity that may read resource groups alone', () => {
  const group = `/subscriptions/${subscriptionId}/resourceGroups/contoso`;
  const tailspin = `/subscriptions/${subscriptionId}/resourceGroups/tailspin`;
  let simulated: SimulatedArm;
  afterEach(() => simulated.arm.close());

  /** Of somebody else, in a group that may not be read. */
  const outside = (subnet: string, nsg?: string) => ({
    id: `${tailspin}/providers/Microsoft.Network/networkInterfaces/theirs`,
    location: 'westeurope',
    properties: {
      ...(nsg === undefined ? {} : { networkSecurityGroup: { id: nsg } }),
      ipConfigurations: [
        {
          name: 'only',
          properties: {
            privateIPAddress: '10.1.9.5',
            privateIPAddressVersion: 'IPv4',
            subnet: { id: subnet },
          },
        },
      ],
    },
  });

  async function resolveIn(resources: object[], name = 'single-1') {
    simulated = await simulateArm({
      state: {
        ...world,
        resourceGroups: [...world.resourceGroups, { id: tailspin, location: 'westeurope' }],
        resources: [...world.resources, ...resources],
        permissions: [{ principalId: '*', scope: group, actions: ['*/read'], notActions: [] }],
      },
    });
    return simulated.connect({ readerGroups: [group] }).resolveVirtualMachine(ids.vm(name), call);
  }

  it('lists the interfaces of the groups, and admits a machine where no others stand behind its NSG', async () => {
    expect(await resolveIn([])).toMatchObject({ nsgIds: [ids.nsg('shared')] });
    const listed = simulated.arm.requests.filter(({ path }) => path.endsWith('/networkInterfaces'));
    expect(new Set(listed.map(({ path, status }) => [path.toLowerCase(), status].join(' ')))).toEqual(
      new Set([`${group}/providers/Microsoft.Network/networkInterfaces 200`.toLowerCase()]),
    );
  });

  it('sees an address that is there twice in the groups', async () => {
    expect(await resolveIn([], 'twin-1')).toMatchObject({ refused: 'address-not-unique' });
  });

  it.each([
    ['in a subnet of another network', outside(ids.subnet('b', 'twins'))],
    ['with that NSG of its own', outside(ids.subnet('b', 'open'), ids.nsg('shared'))],
  ])(
    'refuses a machine whose NSG serves an interface of a group that it does not read, %s',
    async (_where, nic) => {
      const resolved = await resolveIn([nic]);
      expect(resolved).toMatchObject({ refused: 'not-permitted' });
      expect(JSON.stringify(resolved)).toContain('theirs in resource group tailspin');
    },
  );

  it('admits a machine beside such an interface in the same network, where no address is there twice', async () => {
    expect(await resolveIn([outside(ids.subnet('a', 'twins'))])).toMatchObject({
      nsgIds: [ids.nsg('shared')],
    });
  });
});
