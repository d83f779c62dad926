import { describe, expect, it } from 'vitest';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { describeGrant } from '../../src/core/ownedRule.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { adoptInstallation, findOwned } from '../../src/workflow/adoptInstallation.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import {
  contentOf,
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  noon,
  seconds,
  subnetNsg,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';

const elsewhere = subnetNsg.replace('nsg-subnet', 'nsg-elsewhere');
const administrator = '00000000-0000-4000-8000-00000000e114';

function put(world: GrantWorld, nsgId: string, name: string, priority: number, properties = {}): void {
  const allow = { access: 'Allow', description: '', ...properties };
  world.network.edit(nsgId, (body) => withRule(body, foreignRule(name, priority, allow)));
}

/** A world whose tables are empty while rules of ours, of others and a baseline stand. */
async function lost() {
  const world = await grantWorld(undefined, 'task-failed', 'new');
  const before = contentOf(world.network.nsg(subnetNsg));
  const until = describeGrant(idOf(77), seconds(3000).toISOString());
  put(world, subnetNsg, `sallyport-contoso-${idOf(77)}-1`, 100, { description: until });
  put(world, nicNsg, 'sallyport-contoso-baseline-ssh', 250, { access: 'Deny', description: 'Baseline' });
  put(world, nicNsg, `sallyport-contoso-${idOf(78)}-1`, 101);
  put(world, nicNsg, `sallyport-fabrikam-${idOf(79)}-1`, 102);
  const process = world.startProcess();
  const owned = () => world.ownedRules();
  return { world, process, before, owned };
}

function failingTables(world: GrantWorld): Process {
  return world.startProcess(undefined, {
    before: (effect) => {
      if (/^(requests|live|nsgs|audit|seals|sweepState|policies)\./.test(effect)) {
        throw new Error('The tables are down.');
      }
    },
  });
}

describe('tables that are lost', () => {
  it('close every allow of the installation, and touch no deny, nothing foreign and no other installation', async () => {
    const { world, process, before, owned } = await lost();

    const report = await world.clock.run(process.sweep());

    expect(owned()).toEqual(['sallyport-contoso-baseline-ssh', `sallyport-fabrikam-${idOf(79)}-1`]);
    expect(contentOf(world.network.nsg(subnetNsg))).toEqual(before);
    expect(report).toMatchObject({ complete: false, reconciled: 2, unsettled: 0 });
    expect(world.logged).toContain('tables-lost: run installation:adopt');
  });

  it('are audited once for each rule, in the partition of its NSG', async () => {
    const { world, process } = await lost();

    await world.clock.run(process.sweep());
    await world.clock.run(process.sweep());

    const records = await world.audit(driftPartition(subnetNsg));
    expect(verifyTrail(driftPartition(subnetNsg), records)).toEqual([]);
    expect(
      records.map(({ event, reasons, details }) => [event, reasons[0]?.code, details?.['rule']]),
    ).toEqual([['nsg.leftover-closed', 'tables-lost', `sallyport-contoso-${idOf(77)}-1`]]);
  });

  it('refuse requests until a person adopts what is there, also once the rules are gone', async () => {
    const { world, process } = await lost();
    await world.clock.run(process.sweep());
    world.network.edit(nicNsg, (body) => ({ ...body, properties: { securityRules: [] } }));
    await world.clock.advanceTo(seconds(120));

    const again = await world.clock.run(process.sweep());

    expect(again.complete).toBe(false);
    expect(await world.stores.sweepState.marker()).toBeUndefined();
    expect(await world.clock.run(process.submit())).toEqual({ kind: 'tables-lost' });
  });

  it('fail what had been accepted and waited', async () => {
    const { world, process } = await lost();
    await world.stores.sweepState.beat(noon.toISOString());
    await world.clock.run(process.submit());

    await world.runUntil(seconds(60), process);

    expect(await world.request(idOf(1))).toMatchObject({ state: 'failed', reason: { code: 'tables-lost' } });
  });

  it('are those of the installation again after an adoption, which is audited first', async () => {
    const { world, process } = await lost();
    await world.clock.run(process.sweep());
    const found = await findOwned(world.inventory, { id: 'contoso' }, 'correlation');
    expect(found.map(({ nsgId, rules }) => [nsgId, rules.length])).toEqual([[nicNsg, 1]]);

    const adoption = { by: administrator, found, correlationId: 'correlation' };
    const parts = { ...world.stores, clock: world.clock, newId: () => 'a'.repeat(32) };
    const marker = await adoptInstallation(parts, adoption);
    await adoptInstallation(parts, adoption);

    expect(marker).toMatchObject({ madeBy: administrator });
    const [record, ...more] = await world.audit('a'.repeat(32));
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      ...{ event: 'installation.adopted', actor: administrator, networkSecurityGroups: [nicNsg] },
    });
    expect((await world.clock.run(process.sweep())).complete).toBe(true);
    const submitted = await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    if (submitted.kind !== 'accepted') throw new Error(submitted.kind);
    expect((await world.request(submitted.request.id)).state).toBe('active');
    // That no row names a baseline is no reason to take it away.
    expect(world.ownedRules(nicNsg)).toContain('sallyport-contoso-baseline-ssh');
    const told = (await world.audit(driftPartition(nicNsg))).map(({ event }) => event);
    expect(told).not.toContain('nsg.rule-tampered');
  });

  it('are closed rule by rule where the whole NSG is refused', async () => {
    const { world, process, owned } = await lost();
    world.network.fail('write', { kind: 'not-permitted', code: 'RequestDisallowedByPolicy' }, 2);

    await world.clock.run(process.sweep());

    expect(owned()).toEqual(['sallyport-contoso-baseline-ssh', `sallyport-fabrikam-${idOf(79)}-1`]);
    expect(world.logged).toContain('closed-by-rule-delete');
  });

  it('are not taken for a new installation before every NSG could be listed', async () => {
    const world = await grantWorld(undefined, 'task-failed', 'new');
    world.inventory.fail('nsgs');
    const process = world.startProcess();

    expect((await world.clock.run(process.sweep())).complete).toBe(false);
    expect(await world.stores.sweepState.marker()).toBeUndefined();
    expect((await world.clock.run(process.sweep())).complete).toBe(true);
    expect(await world.stores.sweepState.marker()).toMatchObject({ madeBy: 'sallyport' });
  });
});

describe('tables that cannot be read', () => {
  it('close what its own description says is over or does not say, on whatever NSG, and keep the rest', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    world.network.addNsg(elsewhere, { location: 'westeurope', properties: { securityRules: [] } });
    put(world, elsewhere, `sallyport-contoso-${idOf(7)}-1`, 100, {
      description: describeGrant(idOf(7), seconds(59).toISOString()),
    });
    put(world, elsewhere, `sallyport-contoso-${idOf(8)}-1`, 101, { description: 'Keep open' });
    put(world, elsewhere, 'sallyport-contoso-baseline', 250, { access: 'Deny' });

    const report = await world.clock.run(failingTables(world).sweep());

    expect(world.ownedRules(elsewhere)).toEqual(['sallyport-contoso-baseline']);
    expect(world.ownedRules(subnetNsg)).toEqual([`sallyport-contoso-${idOf(1)}-1`]);
    expect(report).toMatchObject({ complete: false, unsettled: 0 });
  });

  it('keep no grant open beyond its end, and its records follow', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    world.running.clear();
    await world.clock.advanceTo(seconds(3601));

    await world.clock.run(failingTables(world).sweep());
    expect(world.ownedRules()).toEqual([]);

    await world.clock.advanceTo(seconds(3700));
    await world.clock.run(process.sweep());
    expect(await eventsOf(world, idOf(1))).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('open nothing: what was accepted waits until they can be read', async () => {
    const world = await grantWorld();
    let isDown = true;
    const process = world.startProcess(undefined, {
      before: (effect) => {
        if (isDown && effect === 'live.allOfNsg') throw new Error('The table is down.');
      },
    });
    await world.clock.run(process.submit());
    await world.runUntil(seconds(30), process);
    expect(world.ownedRules(subnetNsg)).toEqual([]);
    expect((await world.request(idOf(1))).state).toBe('opening');

    isDown = false;
    await world.runUntil(seconds(120), process);
    expect((await world.request(idOf(1))).state).toBe('active');
  });

  it('do not hide a wiped hub: grants end at their end', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    world.running.clear();
    await world.clock.advanceTo(seconds(3600));

    await world.clock.run(failingTables(world).sweep());

    expect(world.ownedRules()).toEqual([]);
  });
});
