import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import { grantWorld, nicNsg, noon, ProcessDied, submission, type GrantWorld } from '../support/grantWorld.ts';

type Rule = JsonObject & { name: string; properties: JsonObject };

function after(minutes: number): Date {
  return new Date(noon.getTime() + minutes * 60_000);
}

/** A grant that is open, and a process that sweeps. */
async function opened() {
  const world = await grantWorld();
  const process = world.startProcess();
  await world.clock.run(process.sweep());
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
  const { id } = result.request;
  await world.runUntil(after(2), process);
  await world.clock.run(process.sweep());
  return { world, process, id, rule: `sallyport-contoso-${id}-1` };
}

function editRules(world: GrantWorld, change: (rules: Rule[]) => JsonObject[]): void {
  world.network.edit(nicNsg, (body) => {
    const properties = body['properties'] as { securityRules: Rule[] };
    return { ...body, properties: { ...properties, securityRules: change(properties.securityRules) } };
  });
}

async function drifts(world: GrantWorld): Promise<string[]> {
  return (await world.stores.audit.read(driftPartition(nicNsg))).map(({ event }) => event);
}

describe('the sweep', () => {
  it('accepts what was deleted, and then has nothing more to do', async () => {
    const { world, process, rule } = await opened();
    editRules(world, (rules) => rules.filter(({ name }) => name !== rule));
    expect((await world.clock.run(process.sweep())).reconciled).toBe(1);
    expect((await world.clock.run(process.sweep())).reconciled).toBe(0);
    expect(world.ownedRules(nicNsg)).toEqual([]);
    expect(await drifts(world)).toEqual(['nsg.rule-deleted']);
  });

  it('tells of a rule of somebody else that blocks a grant, once, and once more after it was gone', async () => {
    const { world, process } = await opened();
    const deny = foreignRule('deny-ssh-first', 99, { destinationPortRange: '22' });
    for (let times = 1; times <= 2; times += 1) {
      world.network.edit(nicNsg, (body) => withRule(body, deny));
      expect((await world.clock.run(process.sweep())).reconciled).toBe(1);
      expect((await world.clock.run(process.sweep())).reconciled).toBe(0);
      expect(await drifts(world)).toEqual(Array.from({ length: times }, () => 'nsg.blocked-by-foreign-rule'));
      editRules(world, (rules) => rules.filter(({ name }) => name !== 'deny-ssh-first'));
      expect((await world.clock.run(process.sweep())).reconciled).toBe(1);
      expect((await world.clock.run(process.sweep())).reconciled).toBe(0);
    }
  });

  it('completes what a dead process had noted and not audited', async () => {
    const { world, process, id, rule } = await opened();
    editRules(world, (rules) => rules.filter(({ name }) => name !== rule));
    const mortal = world.startProcess(undefined, {
      before: (effect) => {
        if (effect === 'requests.replace') throw new ProcessDied();
      },
    });
    await world.clock.run(
      mortal.reconcile(nicNsg, { correlationId: submission.correlationId, purpose: 'open' }),
    );
    expect((await world.request(id)).targets.map((target) => target.accepted)).toEqual([
      undefined,
      undefined,
    ]);
    await world.clock.run(process.sweep());
    expect((await world.request(id)).targets[1]?.accepted).toEqual({ 1: 'absent' });
    expect(await drifts(world)).toEqual(['nsg.rule-deleted']);
    expect(await world.stores.nsgs.unsettled()).toEqual([]);
  });

  it('forgets an NSG that is no more once nothing goes through it', async () => {
    const { world, process, rule } = await opened();
    editRules(world, (rules) => rules.filter(({ name }) => name !== rule));
    await world.clock.run(process.sweep());
    world.network.removeNsg(nicNsg);
    await world.clock.run(process.sweep());
    expect(await world.stores.nsgs.nsgIds()).toEqual([nicNsg]);
    await world.runUntil(after(70), process);
    for (let minutes = 71; minutes < 80; minutes += 1) {
      await world.clock.advanceTo(after(minutes));
      await world.clock.run(process.sweep());
    }
    expect(await world.stores.nsgs.nsgIds()).toEqual([]);
    expect(await drifts(world)).toEqual(['nsg.rule-deleted']);
  });
});
