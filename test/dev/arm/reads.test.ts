import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json, World } from './client.ts';
import { names, startWorld, SUBSCRIPTION, textOf, WEB_GROUP, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

const NETWORK_GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/Contoso-Network`;
const DATA_GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/contoso-data-RG`;
const VNET = `${NETWORK_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-contoso`;
const nic = (group: string, name: string) => `${group}/providers/Microsoft.Network/networkInterfaces/${name}`;

describe('back references', () => {
  it('an NSG lists the interfaces and subnets it is attached to', async () => {
    const { body: web } = await world.send('GET', WEB_NSG);
    expect(web['properties']?.['networkInterfaces']).toEqual([{ id: nic(WEB_GROUP, 'vm-web-nic') }]);
    expect(web['properties']).not.toHaveProperty('subnets');
    const { body: data } = await world.send(
      'GET',
      `${NETWORK_GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg-data`,
    );
    expect(data['properties']?.['subnets']).toEqual([{ id: `${VNET}/subnets/snet-data` }]);
  });

  it('a subnet lists its IP configurations, and shows one prefix or several', async () => {
    const { body, headers } = await world.send('GET', `${VNET}/subnets/SNET-data`);
    expect(body['properties']?.['addressPrefix']).toBe('10.20.2.0/24');
    expect(body['properties']?.['ipConfigurations']).toEqual([
      { id: `${nic(DATA_GROUP, 'vm-db1-nic')}/ipConfigurations/ipconfig1` },
      { id: `${nic(DATA_GROUP, 'vm-db2-nic')}/ipConfigurations/ipconfig1` },
    ]);
    expect(headers.get('etag')).toBe(body['etag']);
    const { body: dual } = await world.send('GET', `${VNET}/subnets/snet-web`);
    expect(dual['properties']?.['addressPrefixes']).toEqual(['10.20.1.0/24', '2001:db8:20:1::/64']);
  });

  it('an interface names its machine, and a public address its IP configuration', async () => {
    const { body, headers } = await world.send('GET', nic(WEB_GROUP, 'vm-web-nic'));
    expect(headers.get('etag')).toBe(body['etag']);
    expect(textOf(body['properties']?.['virtualMachine']?.['id'])).toMatch(/virtualMachines\/vm-web$/);
    const pip = await world.send('GET', `${WEB_GROUP}/providers/Microsoft.Network/publicIPAddresses/pip-web`);
    expect(pip.body['properties']?.['ipConfiguration']?.['id']).toBe(
      `${nic(WEB_GROUP, 'vm-web-nic')}/ipConfigurations/ipconfig1`,
    );
  });

  it('a network contains its subnets as they are read singly', async () => {
    const { body } = await world.send('GET', VNET);
    const single = await world.send('GET', `${VNET}/subnets/snet-data`);
    expect(body['properties']?.['subnets']).toContainEqual(single.body);
    expect((await world.send('GET', `${VNET}/subnets/none`)).body['error']?.['code']).toBe('NotFound');
  });
});

describe('machines', () => {
  it('are listed by subscription and by group, and show their state only when asked', async () => {
    const all = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines`;
    expect(names((await world.send('GET', all)).body['value'] ?? {})).toEqual(['vm-web', 'vm-db1', 'vm-db2']);
    const group = `${DATA_GROUP}/providers/Microsoft.Compute/virtualMachines`;
    expect(names((await world.send('GET', group)).body['value'] ?? {})).toEqual(['vm-db1', 'vm-db2']);
    const plain = await world.send('GET', `${group}/vm-db1`);
    expect(plain.body['properties']).not.toHaveProperty('instanceView');
    const expanded = await world.send('GET', `${group}/vm-db1?api-version=2026-03-01&$expand=instanceView`);
    expect(JSON.stringify(expanded.body['properties']?.['instanceView'])).toContain('PowerState/running');
  });
});

describe('lists', () => {
  it('come in pages with a next link, without gaps', async () => {
    world.arm.settings.pageSize = 2;
    const path = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Network/networkInterfaces`;
    const first = await world.send('GET', path);
    const next = textOf(first.body['nextLink']);
    expect(next).toContain(world.arm.url);
    const second = await world.send('GET', next);
    expect([...names(first.body['value'] ?? {}), ...names(second.body['value'] ?? {})]).toEqual([
      'vm-web-nic',
      'vm-db1-nic',
      'vm-db2-nic',
    ]);
    expect(second.body).not.toHaveProperty('nextLink');
  });

  it('of groups and subscriptions exist', async () => {
    const groups = await world.send('GET', `/subscriptions/${SUBSCRIPTION}/resourceGroups`);
    expect(names(groups.body['value'] ?? {})).toEqual([
      'Contoso-Network',
      'Contoso-Web-RG',
      'contoso-data-RG',
    ]);
    const { body } = await world.send('GET', `/subscriptions/${SUBSCRIPTION}`);
    expect(body).toMatchObject({ subscriptionId: SUBSCRIPTION, state: 'Enabled' });
  });
});

describe('effective NSGs', () => {
  const path = `${nic(DATA_GROUP, 'vm-db2-nic')}/effectiveNetworkSecurityGroups`;

  it('are answered by a Location alone, whose result comes later', async () => {
    const { status, headers, text } = await world.send('POST', path);
    expect([status, text, headers.get('azure-asyncoperation')]).toEqual([202, 'null', null]);
    const location = headers.get('location') ?? '';
    expect(location).toContain('/operationResults/');
    expect((await world.send('GET', location)).status).toBe(202);
    world.pass(1000);
    const result = await world.send('GET', location);
    expect(result.status).toBe(200);
    const value = result.body['value'] as unknown as Json[];
    expect(value.map((entry) => Object.keys(entry['association'] as object))).toEqual([
      ['subnet'],
      ['networkInterface'],
    ]);
    expect(value[0]?.['effectiveSecurityRules']).toContainEqual(
      expect.objectContaining({
        name: 'defaultSecurityRules/AllowVnetInBound',
        protocol: 'All',
        destinationPortRange: '0-65535',
        sourceAddressPrefix: 'VirtualNetwork',
        expandedSourceAddressPrefix: ['10.20.0.0/16', '2001:db8:20::/48'],
      }),
    );
    expect(value[1]?.['effectiveSecurityRules']).toContainEqual(
      expect.objectContaining({
        name: 'securityRules/DenyEverythingElse',
        sourceAddressPrefix: '0.0.0.0/0',
      }),
    );
  });

  it('need a running machine', async () => {
    const state = JSON.stringify(world.arm.state()).replaceAll(
      'PowerState/running',
      'PowerState/deallocated',
    );
    await fetch(`${world.arm.url}/_sim/state`, { method: 'PUT', body: state });
    expect((await world.send('POST', path)).status).toBe(400);
  });
});

it('the sample has an NSG on the interface only, on the subnet only, and on both', async () => {
  const nsgOf = async (path: string) =>
    (await world.send('GET', path)).body['properties']?.['networkSecurityGroup']?.['id'] !== undefined;
  expect(await Promise.all([nsgOf(nic(WEB_GROUP, 'vm-web-nic')), nsgOf(`${VNET}/subnets/snet-web`)])).toEqual(
    [true, false],
  );
  expect(
    await Promise.all([
      nsgOf(nic(DATA_GROUP, 'vm-db1-nic')),
      nsgOf(nic(DATA_GROUP, 'vm-db2-nic')),
      nsgOf(`${VNET}/subnets/snet-data`),
    ]),
  ).toEqual([false, true, true]);
});
