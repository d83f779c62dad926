import { describeNetworkContract, type WriteCall, type WriteFault } from '../contracts/network.ts';
import { createMemoryNetwork, memoryFaults, memoryWrites } from './memoryNetwork.ts';

const group = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso';
const network = `${group}/providers/Microsoft.Network`;
const machine = (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`;
const nsgId = `${network}/networkSecurityGroups/web`;

describeNetworkContract('the memory', () => {
  const memory = createMemoryNetwork({
    clock: {
      now: () => new Date(),
      sleep: (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds)),
    },
    operationMilliseconds: 50,
  });
  const rule = (name: string, priority: number) => ({
    name,
    properties: { access: 'Allow', direction: 'Inbound', priority, protocol: 'TCP' },
  });
  memory.addNsg(nsgId, {
    location: 'westeurope',
    properties: { flushConnection: false, securityRules: [rule('web', 300), rule('mail', 310)] },
  });
  memory.addNsg(`${nsgId}-1`, { location: 'westeurope', properties: { securityRules: [] } });
  const virtualMachine = {
    id: machine('web-1'),
    vmId: '0f0e0d0c-0000-4000-8000-000000000001',
    networkInterfaceId: `${network}/networkInterfaces/web-1`,
    subnetId: `${network}/virtualNetworks/contoso/subnets/web`,
    nsgIds: [nsgId, `${network}/networkSecurityGroups/web-1`],
    addresses: ['10.1.0.4', 'fd00:1::4'],
    tags: { Environment: 'prod' },
    osType: 'Linux' as const,
  };
  memory.addVirtualMachine({
    virtualMachineId: virtualMachine.id,
    vmId: virtualMachine.vmId,
    networkInterfaceId: virtualMachine.networkInterfaceId,
    subnetId: virtualMachine.subnetId,
    nsgIds: virtualMachine.nsgIds,
    tags: virtualMachine.tags,
    osType: virtualMachine.osType,
    addresses: [
      { family: 'IPv4', address: '10.1.0.4' },
      { family: 'IPv6', address: 'fd00:1::4' },
    ],
  });
  memory.addVirtualMachine({
    virtualMachineId: machine('open-1'),
    refused: 'no-network-security-group',
    message: 'No network security group stands before open-1.',
  });
  memory.addVirtualMachine({
    virtualMachineId: machine('twin-1'),
    refused: 'address-not-unique',
    message: 'twin-1 and twin-2 have the same private address.',
  });
  return Promise.resolve({
    network: memory,
    nsgId,
    missingNsgId: `${network}/networkSecurityGroups/missing`,
    virtualMachine,
    openVirtualMachineId: machine('open-1'),
    ambiguousVirtualMachineId: machine('twin-1'),
    editElsewhere: () => {
      memory.edit(nsgId, (body) => ({ ...body, tags: { owner: 'fabrikam' } }));
      return Promise.resolve();
    },
    faultNextWrite: (fault: WriteFault, of: WriteCall = 'nsg') => {
      memory.fail(memoryWrites[of], memoryFaults[fault]);
    },
    writes: (of: WriteCall = 'nsg') =>
      memory.calls.filter(({ method }) => method === memoryWrites[of]).length,
    close: () => Promise.resolve(),
  });
});
