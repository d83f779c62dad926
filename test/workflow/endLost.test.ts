import { describe, expect, it } from 'vitest';
import type { VirtualMachineNetwork } from '../../src/core/network.ts';
import {
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  seconds,
  subnetNsg,
  vmId,
  type GrantWorld,
} from '../support/grantWorld.ts';

const id = idOf(1);

/** One grant, open, and whoever sweeps next. */
async function opened(): Promise<GrantWorld> {
  const world = await grantWorld();
  const process = world.startProcess();
  await world.clock.run(process.submit());
  await world.runUntil(seconds(60), process);
  expect(await eventsOf(world, id)).toEqual(['opening', 'active']);
  return world;
}

function machine(world: GrantWorld): VirtualMachineNetwork {
  const [found] = world.network.machines();
  if (found === undefined) throw new Error('There is no machine.');
  return found;
}

const lookOf = async (world: GrantWorld) => {
  const { ended } = await world.clock.run(world.startProcess().sweep());
  return ended;
};

type Change = (world: GrantWorld, now: VirtualMachineNetwork) => void;
const changes: [string, string, Change][] = [
  ['is deleted', 'target-gone', ({ network }) => network.removeVirtualMachine(vmId)],
  [
    'is made anew under the same name',
    'target-gone',
    ({ network }, now) => network.addVirtualMachine({ ...now, vmId: '0f0e0d0c-0000-4000-8000-0000000000bb' }),
  ],
  [
    'gets another interface',
    'target-gone',
    ({ network }, now) =>
      network.addVirtualMachine({ ...now, networkInterfaceId: `${now.networkInterfaceId}-2` }),
  ],
  [
    'gets another address',
    'address-changed',
    ({ network }, now) =>
      network.addVirtualMachine({ ...now, addresses: [{ family: 'IPv4', address: '10.1.0.9' }] }),
  ],
  [
    'leaves an NSG',
    'target-gone',
    ({ network }, now) => network.addVirtualMachine({ ...now, nsgIds: [nicNsg] }),
  ],
  [
    'is put behind another NSG',
    'target-gone',
    ({ network }, now) => {
      const other = nicNsg.replace('nsg-nic', 'nsg-other');
      network.addNsg(other, network.nsg(nicNsg) ?? {});
      network.addVirtualMachine({ ...now, nsgIds: [subnetNsg, other] });
    },
  ],
];

describe('a grant whose machine', () => {
  it.each(changes)('%s ends as %s, and both ports are shut', async (_case, code, change) => {
    const world = await opened();
    change(world, machine(world));

    expect(await lookOf(world)).toBe(1);

    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect((await world.request(id)).reason).toMatchObject({ code });
    expect(world.ownedRules()).toEqual([]);
    expect((await world.audit(id))[2]).toMatchObject({ actor: 'sweep', reasons: [{ code }] });
  });

  it('is as it was found stays open, and costs one read for each list', async () => {
    const world = await opened();
    const before = world.network.calls.length;

    expect(await lookOf(world)).toBe(0);

    expect((await world.request(id)).state).toBe('active');
    expect(world.inventory.pages.map(({ list }) => list).sort()).toEqual([
      'networkInterfaces',
      'nsgs',
      'virtualMachines',
    ]);
    expect(world.network.calls.length).toBe(before);
  });

  it('shares its address with another one behind the same NSG ends, once Azure says so singly too', async () => {
    const world = await opened();
    const now = machine(world);
    world.network.addVirtualMachine({
      ...now,
      virtualMachineId: `${vmId}-twin`,
      networkInterfaceId: `${now.networkInterfaceId}-twin`,
    });
    expect(await lookOf(world)).toBe(0);

    world.network.addVirtualMachine({
      virtualMachineId: vmId,
      refused: 'address-not-unique',
      message: 'Two interfaces have 10.1.0.4.',
    });
    expect(await lookOf(world)).toBe(1);

    expect((await world.request(id)).reason).toMatchObject({ code: 'address-not-unique' });
  });
});

describe('what is not known', () => {
  it('because the lists fail ends nothing', async () => {
    const world = await opened();
    world.network.removeVirtualMachine(vmId);
    world.inventory.fail('virtualMachines');
    world.inventory.fail('networkInterfaces');

    expect(await lookOf(world)).toBe(0);

    expect((await world.request(id)).state).toBe('active');
    expect(world.logged).toContain('targets-not-listed');
    expect(await lookOf(world)).toBe(1);
  });

  it('because the list of NSGs fails leaves a machine that was moved to another NSG for the next sweep', async () => {
    const world = await opened();
    world.network.addVirtualMachine({ ...machine(world), nsgIds: [nicNsg] });
    world.inventory.fail('nsgs');

    expect(await lookOf(world)).toBe(0);
    expect((await world.request(id)).state).toBe('active');

    expect(await lookOf(world)).toBe(1);
  });

  it.each([['unknown'], ['throttled'], ['not-permitted']] as const)(
    'because the machine’s own read is %s ends nothing until it is answered',
    async (kind) => {
      const world = await opened();
      world.network.removeVirtualMachine(vmId);
      world.network.fail('resolve', { kind });

      expect(await lookOf(world)).toBe(0);
      expect((await world.request(id)).state).toBe('active');

      expect(await lookOf(world)).toBe(1);
      expect((await world.request(id)).reason).toMatchObject({ code: 'target-gone' });
    },
  );

  it('because no reads are left ends nothing and spends none', async () => {
    const world = await opened();
    world.network.removeVirtualMachine(vmId);
    world.inventory.setReadsLeft(0);
    const before = world.network.calls.length;

    expect(await lookOf(world)).toBe(0);

    expect(world.network.calls.length).toBe(before);
    // The sweep's own list of NSGs is all.
    expect(world.inventory.pages.map(({ list }) => list)).toEqual(['nsgs']);
    expect((await world.request(id)).state).toBe('active');
  });
});

describe('a look that takes too long', () => {
  it('ends no further grant, and the next one goes on', async () => {
    const world = await opened();
    world.network.removeVirtualMachine(vmId);
    const slow = world.startProcess(undefined, {
      before: (effect) =>
        effect === 'network.resolveVirtualMachine' ? world.clock.sleep(240_000) : undefined,
    });

    const { ended } = await world.clock.run(slow.sweep());

    expect(ended).toBe(0);
    expect((await world.request(id)).state).toBe('active');
    expect(await lookOf(world)).toBe(1);
  });
});

describe('a list that lags behind', () => {
  it('ends nothing while the machine itself is as it was found', async () => {
    const world = await opened();
    const now = machine(world);
    world.network.removeVirtualMachine(vmId);
    const look = world.startProcess(undefined, {
      before: (effect) => {
        if (effect === 'network.resolveVirtualMachine') world.network.addVirtualMachine(now);
      },
    });

    expect(await world.clock.run(look.sweep()).then(({ ended }) => ended)).toBe(0);
    expect((await world.request(id)).state).toBe('active');
  });
});

describe('a process that dies while it ends such a grant', () => {
  it('leaves it to whoever looks next, at whatever effect it dies, with one record of each transition', async () => {
    const effects = await opened().then(async (world) => {
      world.network.removeVirtualMachine(vmId);
      const process = world.startProcess();
      await world.clock.run(process.sweep());
      return process.lifeline.effects;
    });
    expect(effects).toBeGreaterThan(10);
    for (let effect = 1; effect <= effects; effect += 1) {
      for (const when of ['before', 'after'] as const) {
        const world = await opened();
        world.network.removeVirtualMachine(vmId);
        await world.clock.run(world.startProcess({ effect, when }).sweep()).catch(() => undefined);
        const next = world.startProcess();
        await world.clock.run(next.sweep());
        await world.clock.advanceTo(seconds(120));
        await world.clock.run(next.sweep());

        expect(await eventsOf(world, id), `${when} ${effect}`).toEqual([
          'opening',
          'active',
          'closing',
          'closed',
        ]);
        expect(world.ownedRules()).toEqual([]);
      }
    }
  });
});
