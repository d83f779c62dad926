import { beforeEach, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/core/policy.ts';
import { foreignRule, nsgOfOthers } from '../support/foreignRule.ts';
import {
  contentOf,
  grantWorld,
  nicNsg,
  ProcessDied,
  subnetNsg,
  vmId,
  type GrantWorld,
  type Lifeline,
  type Process,
} from '../support/grantWorld.ts';
import { policyFor } from '../support/policyFor.ts';

const rdp = {
  number: 3389,
  protocol: 'Tcp' as const,
  allowedSourceAddressPrefixes: ['203.0.113.0/24'],
  maxRequestAccessDuration: 'PT3H',
};
const group = vmId.replace(/\/providers\/.*$/, '');

function named(changes: Partial<Policy> = {}): Policy {
  return policyFor('rdp', vmId, [rdp], {
    baseline: { kind: 'internet' },
    provisioning: { state: 'updating', reasons: [] },
    ...changes,
  });
}

function tagged(changes: Partial<Policy> = {}): Policy {
  const entries = [{ selector: { scopes: [group], tags: { env: 'prod' } }, ports: [rdp] }];
  return named({ entries, ...changes });
}

describe('applying policies', () => {
  let world: GrantWorld;
  let before: unknown[];
  let process: Process;
  beforeEach(async () => {
    world = await grantWorld();
    before = contents(world);
    process = world.startProcess();
  });

  const step = (on = process) => world.clock.run(on.policyStep());
  const stored = async () => {
    const found = await world.stores.policies.get('rdp');
    if (found === undefined) throw new Error('There is no policy.');
    return found;
  };
  async function change(next: Partial<Policy>) {
    const { row, etag } = await stored();
    const version = row.version + 1;
    const provisioning = { state: 'updating' as const, reasons: [] };
    expect(await world.stores.policies.replace({ ...row, version, provisioning, ...next }, etag)).not.toBe(
      'changed',
    );
  }

  it('puts the denies of a policy on every NSG of the path, and says that they stand', async () => {
    await world.stores.policies.insert(named());
    expect(await step()).toEqual({ kind: 'done' });
    expect(world.ownedRules(subnetNsg)).toHaveLength(1);
    expect(world.ownedRules(nicNsg)).toHaveLength(1);
    expect((await stored()).row.provisioning).toEqual({ state: 'succeeded', reasons: [] });
  });

  it('leaves every NSG as it was once the policy is deleted', async () => {
    await world.stores.policies.insert(named());
    await step();
    await change({ isDeleted: true });
    await step();
    expect(contents(world)).toEqual(before);
    await world.clock.advanceTo(new Date(world.clock.now().getTime() + 3_600_000));
    await world.clock.run(process.sweep());
    expect(await world.stores.live.everyBaseline()).toEqual([]);
    expect(contents(world)).toEqual(before);
  });

  it('writes nothing and reads no NSG where nothing is due', async () => {
    await world.stores.policies.insert(named());
    await step();
    const { etag } = await stored();
    const rows = await world.stores.live.everyBaseline();
    const calls = world.network.calls.length;
    await step();
    expect(world.network.calls).toHaveLength(calls);
    expect((await stored()).etag).toBe(etag);
    expect(await world.stores.live.everyBaseline()).toEqual(rows);
  });

  it('keeps a machine shut that loses its tag, tells it once, and lets it go when it is released', async () => {
    world.inventory.describe(vmId, { tags: { env: 'prod' } });
    await world.stores.policies.insert(tagged());
    await step();
    const shut = contents(world);
    world.inventory.describe(vmId, {});
    for (let sweep = 0; sweep < 3; sweep += 1) await world.clock.run(process.sweep());
    expect(contents(world)).toEqual(shut);
    expect((await stored()).row.left).toMatchObject([{ virtualMachineId: vmId }]);
    expect(world.logged.filter((message) => message === 'machine-left-policy')).toHaveLength(1);

    await change({ released: [vmId] });
    await step();
    expect(contents(world)).toEqual(before);
    expect((await stored()).row).not.toHaveProperty('left');
    expect((await stored()).row).not.toHaveProperty('released');
  });

  it('is done by the sweep too where a policy wants no baseline', async () => {
    await world.stores.policies.insert(named({ baseline: { kind: 'none' } }));
    await world.clock.run(process.sweep());
    expect((await stored()).row.provisioning).toEqual({ state: 'succeeded', reasons: [] });
    expect(world.ownedRules()).toEqual([]);
  });

  it('follows an address in the same sweep', async () => {
    await world.stores.policies.insert(named());
    await step();
    const [machine] = world.network.machines();
    if (machine === undefined) throw new Error('There is no machine.');
    world.network.addVirtualMachine({ ...machine, addresses: [{ family: 'IPv4', address: '10.1.0.9' }] });
    await world.clock.run(process.sweep());
    const text = JSON.stringify(contents(world));
    expect(text).toContain('10.1.0.9');
    expect(text).not.toContain('10.1.0.4');
  });

  it('names a foreign rule that lets in before the baseline, and has succeeded all the same', async () => {
    const allow = foreignRule('AllowAdmins', 120, { destinationPortRange: '3389', access: 'Allow' });
    world.network.addNsg(nicNsg, nsgOfOthers(allow));
    await world.stores.policies.insert(named());
    await step();
    const { provisioning } = (await stored()).row;
    expect(provisioning.state).toBe('succeeded');
    expect(provisioning.reasons).toMatchObject([{ code: 'bypassed-by-foreign-rule' }]);
    expect(provisioning.reasons[0]?.message).toContain('"AllowAdmins"');
  });

  it('says why a policy could not be applied, and that it was once it could', async () => {
    await world.stores.policies.insert(named());
    world.network.fail('write', { kind: 'not-permitted' }, 50);
    await step();
    expect((await stored()).row.provisioning).toMatchObject({
      state: 'failed',
      reasons: [{ code: 'not-permitted' }],
    });
    world.network.clearFaults();
    await step();
    expect((await stored()).row.provisioning).toEqual({ state: 'succeeded', reasons: [] });
  });

  it('waits for the marker of a new installation: rules without one are taken for those of lost tables', async () => {
    world = await grantWorld(undefined, 'task-failed', 'new');
    await world.stores.policies.insert(named());
    const torn = world.startProcess(undefined, {
      before: (effect) => {
        if (effect === 'sweepState.marker') throw new Error('That row cannot be read.');
      },
    });
    await world.clock.run(torn.sweep());
    expect([world.ownedRules(), await world.stores.live.everyBaseline()]).toEqual([[], []]);

    process = world.startProcess();
    for (let sweep = 0; sweep < 2; sweep += 1) await world.clock.run(process.sweep());
    expect(world.logged).not.toContain('tables-lost: run installation:adopt');
    expect(world.ownedRules()).toHaveLength(2);
    expect((await stored()).row.provisioning).toEqual({ state: 'succeeded', reasons: [] });
  });

  it('touches nothing while lists fail', async () => {
    await world.stores.policies.insert(named());
    await step();
    const shut = contents(world);
    const rows = await world.stores.live.everyBaseline();
    world.inventory.fail('virtualMachines', {}, { times: 5 });
    world.inventory.fail('networkInterfaces', {}, { times: 5 });
    await world.clock.run(process.sweep());
    expect(contents(world)).toEqual(shut);
    expect(await world.stores.live.everyBaseline()).toEqual(rows);
  });
});

describe('a process that dies while it applies policies', () => {
  /** A policy that is put and deleted again, by a process that dies at the given effect and is followed by another. */
  async function live(killAt?: Lifeline['killAt']) {
    const world = await grantWorld();
    const before = contents(world);
    await world.stores.policies.insert(named());
    const first = world.startProcess(killAt);
    await world.clock.run(first.policyStep()).catch(survive);
    const second = world.startProcess();
    await world.clock.run(second.policyStep());
    const stands = world.ownedRules().length;
    const state = (await world.stores.policies.get('rdp'))?.row.provisioning.state;
    return { world, before, effects: first.lifeline.effects, stands, state };
  }

  async function end(killAt?: Lifeline['killAt']) {
    const { world, before } = await live();
    const found = await world.stores.policies.get('rdp');
    if (found === undefined) throw new Error('There is no policy.');
    await world.stores.policies.replace({ ...found.row, version: 2, isDeleted: true }, found.etag);
    const first = world.startProcess(killAt);
    await world.clock.run(first.policyStep()).catch(survive);
    await world.clock.run(world.startProcess().policyStep());
    return {
      isAsBefore: JSON.stringify(contents(world)) === JSON.stringify(before),
      effects: first.lifeline.effects,
    };
  }

  function survive(error: unknown): void {
    if (!(error instanceof ProcessDied)) throw error;
  }

  it('at whichever effect, before or after it, is made good by whoever comes next', async () => {
    const { effects, stands } = await live();
    expect(stands).toBe(2);
    expect(effects).toBeGreaterThan(10);
    for (let effect = 1; effect <= effects; effect += 1) {
      for (const when of ['before', 'after'] as const) {
        const killed = await live({ effect, when });
        expect([killed.stands, killed.state], `killed ${when} effect ${effect}`).toEqual([2, 'succeeded']);
      }
    }
  });

  it('at whichever effect of a deletion leaves the NSGs as they were', async () => {
    const { effects, isAsBefore } = await end();
    expect(isAsBefore).toBe(true);
    for (let effect = 1; effect <= effects; effect += 1) {
      for (const when of ['before', 'after'] as const) {
        expect((await end({ effect, when })).isAsBefore, `killed ${when} effect ${effect}`).toBe(true);
      }
    }
  });
});

function contents(world: GrantWorld): unknown[] {
  return [subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId)));
}
