import { describe, expect, it } from 'vitest';
import { createArm } from '../../../src/adapters/arm/arm.ts';
import { describeNetworkContract, type WriteCall, type WriteFault } from '../../contracts/network.ts';
import {
  countWrites,
  ids,
  realClock,
  simulateArm,
  stubCredential,
  wireFaults,
  wireWrites,
} from './simulatedArm.ts';

describeNetworkContract('Azure Resource Manager', async () => {
  const { arm, network } = await simulateArm();
  const elsewhere = { correlationId: '5a11f0a7-0000-4000-8000-00000000e15e' };
  let before = 0;
  return {
    network,
    nsgId: ids.nsg('web'),
    missingNsgId: ids.nsg('missing'),
    virtualMachine: {
      id: ids.vm('web-1'),
      vmId: 'web-1',
      networkInterfaceId: ids.nic('web-1'),
      subnetId: ids.subnet('a', 'web'),
      nsgIds: [ids.nsg('web'), ids.nsg('web-1')],
      addresses: ['10.1.0.4', 'fd00:1::4'],
      tags: { env: 'sample' },
      osType: 'Linux',
    },
    openVirtualMachineId: ids.vm('open-1'),
    ambiguousVirtualMachineId: ids.vm('twin-1'),
    editElsewhere: async () => {
      const read = await network.readNsg(ids.nsg('web'), elsewhere);
      if (read.kind !== 'read') throw new Error('not read');
      await network.writeNsg(read.nsg, { ...read.nsg.body, tags: { owner: 'fabrikam' } }, elsewhere);
      before += 1;
    },
    faultNextWrite: (fault: WriteFault, of: WriteCall = 'nsg') => {
      arm.faults.add({ match: wireWrites[of], times: 1, fault: wireFaults[fault] });
    },
    writes: (of: WriteCall = 'nsg') => countWrites(arm, of) - (of === 'nsg' ? before : 0),
    close: () => arm.close(),
  };
});

describe('createArm', () => {
  it.each([
    'http://management.azure.com',
    'https://management.azure.com/subscriptions',
    'https://a@b.example',
  ])('refuses the endpoint %s', (endpoint) => {
    const options = { credential: stubCredential(), networkApiVersion: '2025-05-01', clock: realClock };
    expect(() => createArm({ ...options, endpoint })).toThrow('https origin');
  });
});
