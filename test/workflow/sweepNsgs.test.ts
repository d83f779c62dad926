import { describe, expect, it } from 'vitest';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import { policyFor } from '../support/policyFor.ts';
import { grantWorld, idOf, seconds, subnetNsg, vmId, type GrantWorld } from '../support/grantWorld.ts';

const nsgOf = (number: number) => subnetNsg.replace('nsg-subnet', `nsg-${number}`);

function addNsg(world: GrantWorld, nsgId: string): void {
  world.network.addNsg(nsgId, { location: 'westeurope', properties: { securityRules: [] } });
}

/** A rule of ours that nobody knows of. */
function leave(world: GrantWorld, nsgId: string, number: number): void {
  const rule = foreignRule(`sallyport-contoso-${idOf(number)}-1`, 100, { access: 'Allow' });
  world.network.edit(nsgId, (body) => withRule(body, rule));
}

/** A machine behind one NSG of its own, with the policy of the first one. */
async function addMachine(world: GrantWorld, number: number): Promise<string> {
  const virtualMachineId = vmId.replace('vm-web', `vm-${number}`);
  addNsg(world, nsgOf(number));
  world.network.addVirtualMachine({
    virtualMachineId,
    networkInterfaceId: `${virtualMachineId}-nic`,
    addresses: [{ family: 'IPv4', address: `10.2.0.${number}` }],
    nsgIds: [nsgOf(number)],
  });
  const ports = (await world.stores.policies.get('ssh'))?.row.entries[0]?.ports;
  if (ports === undefined) throw new Error('There is no policy.');
  await world.stores.policies.insert(policyFor(`ssh-${number}`, virtualMachineId, ports));
  return virtualMachineId;
}

const asking = (virtualMachineId: string) => ({
  virtualMachines: [
    { id: virtualMachineId, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7/32' }] },
  ],
});

describe('a sweep with nothing to do', () => {
  it('reads NSGs by the page alone, and writes nothing but the heartbeat', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    for (let number = 1; number <= 30; number += 1) addNsg(world, nsgOf(number));
    const effects: string[] = [];
    const watched = world.startProcess(undefined, { before: (effect) => void effects.push(effect) });
    await world.clock.run(watched.sweep());
    const [calls, pages] = [world.network.calls.length, world.inventory.pages.length];
    effects.length = 0;

    const report = await world.clock.run(watched.sweep());

    const reads =
      /\.(get|read|allOfNsg|unended|all|everyBaseline|nsgIds|unsettled|marker|newest|after|indexed|heartbeat|list)$/;
    expect(effects.filter((effect) => !reads.test(effect))).toEqual(['sweepState.beat']);
    expect(world.network.calls.length).toBe(calls);
    expect(world.inventory.pages.slice(pages).filter(({ list }) => list === 'nsgs')).toHaveLength(1);
    expect(report).toMatchObject({ complete: true, pages: 1, listed: 32, judged: 2, reconciled: 0, left: 0 });
  });
});

describe('what the sweep finds on NSGs', () => {
  it('is every rule of ours that no row speaks of, on NSGs that nobody knows of, told once', async () => {
    const world = await grantWorld();
    addNsg(world, nsgOf(1));
    leave(world, nsgOf(1), 9);

    const report = await world.clock.run(world.startProcess().sweep());
    await world.clock.run(world.startProcess().sweep());

    expect(world.ownedRules(nsgOf(1))).toEqual([]);
    expect(report).toMatchObject({ reconciled: 1, unsettled: 0, complete: true });
    const records = await world.audit(driftPartition(nsgOf(1)));
    expect(records.map(({ event }) => event)).toEqual(['nsg.leftover-closed']);
  });

  it('is looked for everywhere at start and every 15 minutes, and in between where grants are', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.sweep());
    addNsg(world, nsgOf(1));
    leave(world, nsgOf(1), 9);

    await world.clock.advanceTo(seconds(899));
    await world.clock.run(process.sweep());
    expect(world.ownedRules(nsgOf(1))).toHaveLength(1);
    await world.clock.advanceTo(seconds(901));
    await world.clock.run(process.sweep());
    expect(world.ownedRules(nsgOf(1))).toEqual([]);
  });

  it('is put right at once where a grant is open: widened by somebody, while its orchestration sleeps', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    const before = JSON.stringify(world.network.nsg(subnetNsg)?.['properties']);
    world.network.edit(
      subnetNsg,
      (body) => JSON.parse(JSON.stringify(body).replace('203.0.113.7/32', '0.0.0.0/0')) as typeof body,
    );

    await world.clock.run(process.sweep());

    const wide = /"sourceAddressPrefix":"0\.0\.0\.0\/0"/;
    expect(before).not.toMatch(wide);
    expect(JSON.stringify(world.network.nsg(subnetNsg))).not.toMatch(wide);
    expect(world.ownedRules()).toHaveLength(2);
  });

  it('leaves openings to their orchestration', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());

    const report = await world.clock.run(process.sweep());

    expect(report.reconciled).toBe(0);
    expect(world.ownedRules()).toEqual([]);
  });

  it('closes what is past its end although all that the tables of requests say cannot be read', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    world.running.clear();
    await world.clock.advanceTo(seconds(3601));
    const hindered = world.startProcess(undefined, {
      before: (effect) => {
        if (effect === 'requests.get') throw new Error('Unreadable.');
      },
    });

    const report = await world.clock.run(hindered.sweep());

    expect(world.ownedRules()).toEqual([]);
    expect(report).toMatchObject({ failed: 1, complete: false });
  });
});

describe('an NSG that hangs', () => {
  /** Forty grants on one NSG that does not answer, and one on another, all past their end. */
  async function hanging() {
    let hangs = false;
    const world = await grantWorld((call) =>
      hangs && call.id === nsgOf(1) ? new Promise(() => undefined) : undefined,
    );
    const process = world.startProcess();
    const first = await addMachine(world, 1);
    const second = await addMachine(world, 2);
    for (let count = 0; count < 40; count += 1) await world.clock.run(process.submit(asking(first)));
    await world.clock.run(process.submit(asking(second)));
    await world.runUntil(seconds(120), process);
    world.running.clear();
    expect([1, 2].map((number) => world.ownedRules(nsgOf(number)).length)).toEqual([40, 1]);
    await world.clock.advanceTo(seconds(3700));
    hangs = true;
    return { world, release: () => (hangs = false) };
  }

  it('keeps no other from being closed in the same sweep, nor the heartbeat from being written', async () => {
    const { world } = await hanging();
    const sweeper = world.startProcess();

    const report = await world.clock.run(sweeper.sweep());

    expect(world.ownedRules(nsgOf(2))).toEqual([]);
    expect((await world.request(idOf(41))).state).toBe('closed');
    expect(report).toMatchObject({ unsettled: 1, complete: true });
    expect(world.clock.now().getTime()).toBeLessThan(seconds(3700 + 60).getTime());
    expect(world.logged).toContain('nsg-unsettled');
  });

  it('rests between attempts, never for longer than two periods, and is closed when it answers', async () => {
    const { world, release } = await hanging();
    const sweeper = world.startProcess();
    const tried: number[] = [];
    for (let minute = 0; minute < 12; minute += 1) {
      const { reconciled } = await world.clock.run(sweeper.sweep());
      if (reconciled > 0) tried.push(minute);
      await world.clock.advanceTo(new Date(Math.ceil((world.clock.now().getTime() + 1) / 60_000) * 60_000));
    }
    expect(tried.length).toBeLessThan(12);
    expect(Math.max(...tried.map((at, index) => at - (tried[index - 1] ?? at)))).toBeLessThanOrEqual(2);

    release();
    await world.clock.advanceTo(new Date(world.clock.now().getTime() + 120_000));
    await world.clock.run(world.startProcess().sweep());
    expect(world.ownedRules(nsgOf(1))).toEqual([]);
  });
});

describe('reads that are scarce', () => {
  it('are spent on what must be closed; the rest is told as left, and the heartbeat waits', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    for (let number = 1; number <= 6; number += 1) {
      const machine = await addMachine(world, number);
      await world.clock.run(process.submit(asking(machine)));
    }
    await world.runUntil(seconds(60), process);
    for (let number = 1; number <= 6; number += 1) {
      world.network.edit(
        nsgOf(number),
        (body) =>
          JSON.parse(
            JSON.stringify(body).replace('203.0.113.7/32', number <= 3 ? '0.0.0.0/0' : '203.0.113.8/32'),
          ) as typeof body,
      );
    }
    leave(world, subnetNsg, 99);
    world.inventory.setReadsLeft(0);

    const report = await world.clock.run(process.sweep());

    expect(world.ownedRules(subnetNsg)).toEqual([]);
    expect(report.left).toBeGreaterThan(0);
    expect(report.complete).toBe(false);

    world.inventory.setReadsLeft(1000);
    expect(await world.clock.run(process.sweep())).toMatchObject({ left: 0, complete: true });
  });

  it.each([10, 100, 1000])('of %i NSGs with nothing to do are those of the pages', async (count) => {
    const world = await grantWorld();
    const listed = Array.from({ length: count - 2 }, (_, number) => nsgOf(number));
    for (const nsgId of listed) addNsg(world, nsgId);
    const process = world.startProcess();

    const report = await world.clock.run(process.sweep());

    expect(report).toMatchObject({ listed: count, pages: Math.ceil(count / 100), reconciled: 0 });
    expect(world.network.calls).toEqual([]);
  });
});
