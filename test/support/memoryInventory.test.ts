import { describeInventoryContract } from '../contracts/inventory.ts';
import { createMemoryInventory } from './memoryInventory.ts';
import { createMemoryNetwork } from './memoryNetwork.ts';

const subscriptionIds: [string, string] = [
  '11111111-2222-4333-8444-555555555555',
  '66666666-7777-4888-8999-aaaaaaaaaaaa',
];
const group = (index: 0 | 1) => `/subscriptions/${subscriptionIds[index]}/resourceGroups/contoso/providers`;

describeInventoryContract('the memory', () => {
  const network = createMemoryNetwork({ clock: { now: () => new Date(), sleep: () => Promise.resolve() } });
  const nsgs = [0, 0, 0, 1, 1, 1].map(
    (subscription, index) =>
      `${group(subscription as 0 | 1)}/Microsoft.Network/networkSecurityGroups/nsg-${String(index)}`,
  );
  const machines = nsgs.map((nsgId, index) => {
    const [providers = ''] = nsgId.split('/Microsoft.Network');
    network.addNsg(nsgId, { location: 'westeurope', properties: { securityRules: [] } });
    const machine = {
      virtualMachineId: `${providers}/Microsoft.Compute/virtualMachines/vm-${String(index)}`,
      vmId: `0f0e0d0c-0000-4000-8000-00000000000${String(index)}`,
      networkInterfaceId: `${providers}/Microsoft.Network/networkInterfaces/nic-${String(index)}`,
      subnetId: `${providers}/Microsoft.Network/virtualNetworks/contoso/subnets/web`,
      addresses: [{ family: 'IPv4' as const, address: `10.1.0.${String(index + 4)}` }],
      nsgIds: [nsgId],
    };
    network.addVirtualMachine(machine);
    return machine;
  });
  const [machine] = machines;
  if (machine === undefined) throw new Error('There is no machine.');
  const inventory = createMemoryInventory(network, { pageSize: 2 });
  const shown = { location: 'westeurope', tags: { env: 'sample' }, osType: 'Linux' };
  inventory.describe(machine.virtualMachineId, shown);
  const networks = [0, 1, 2].map((index) => {
    const id = `${group(0)}/Microsoft.Network/virtualNetworks/vnet-${String(index)}`;
    const subnets = [{ id: `${id}/subnets/web`, name: 'web', prefixes: [`10.${String(index)}.0.0/24`] }];
    inventory.addVirtualNetwork({ id, subnets });
    return { id, subnets };
  });
  const [virtualNetwork] = networks;
  if (virtualNetwork === undefined) throw new Error('There is no network.');
  return Promise.resolve({
    inventory,
    network,
    subscriptionIds,
    nsgIds: nsgs.slice(0, 3),
    virtualMachine: { id: machine.virtualMachineId, vmId: machine.vmId, ...shown },
    virtualNetwork,
    networkInterface: {
      id: machine.networkInterfaceId,
      nsgId: nsgs[0] ?? '',
      address: '10.1.0.4',
      subnetId: machine.subnetId,
    },
    failSecondPage: (list) => {
      inventory.fail(list, { retryAfterSeconds: 7 }, { skip: 1 });
    },
    close: () => Promise.resolve(),
  });
});
