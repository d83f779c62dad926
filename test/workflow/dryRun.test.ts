import { describe, expect, it } from 'vitest';
import { readRules } from '../../src/core/nsgBody.ts';
import type { DryRun, DryRunResult } from '../../src/workflow/dryRun.ts';
import { demand } from '../support/approvals.ts';
import { setFlush } from '../support/flushes.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import { contoso } from '../support/liveRow.ts';
import { grantWorld, nicNsg, submission, subnetNsg, type GrantWorld } from '../support/grantWorld.ts';

async function ask(world: GrantWorld, changes: Partial<typeof submission> = {}): Promise<DryRunResult> {
  return world.clock.run(world.startProcess().service.dryRun({ ...submission, ...changes }));
}

function foreseen(result: DryRunResult): DryRun {
  if (result.kind !== 'foreseen') throw new Error(`The dry run ended as ${result.kind}.`);
  return result;
}

describe('a dry run', () => {
  it('says for each NSG of the path which rule would be written and who could newly reach what', async () => {
    const { decision, nsgs, start, end } = foreseen(await ask(await grantWorld()));

    expect(decision.outcome).toBe('granted');
    expect(Date.parse(end ?? '') - Date.parse(start ?? '')).toBe(3_600_000);
    expect(nsgs.map(({ nsgId }) => nsgId)).toEqual([subnetNsg, nicNsg]);
    for (const { rules, changes, refused } of nsgs) {
      expect(refused).toBeUndefined();
      expect(rules).toEqual([
        {
          priority: 100,
          protocol: 'Tcp',
          sourceAddressPrefixes: ['203.0.113.7/32'],
          destinationAddressPrefixes: ['10.1.0.4/32'],
          destinationPorts: [22],
        },
      ]);
      expect(changes).toEqual([expect.stringMatching(/^203\.0\.113\.7 can now .* \(new rule 1\)\.$/)]);
    }
  });

  it('says for each NSG what the end does to everybody behind it where a policy wants established flows cut', async () => {
    const world = await grantWorld();
    expect(foreseen(await ask(world)).nsgs.map(({ atEnd }) => atEnd)).toEqual([[], []]);
    await demand(world, { flushConnection: true });
    setFlush(world, nicNsg, { value: true });

    const [atSubnet, atNic] = foreseen(await ask(world)).nsgs.map(({ atEnd }) => atEnd.join());

    expect(atSubnet).toContain('is switched on with the write that ends it');
    expect(atSubnet).toContain('of everybody behind this network security group');
    expect(atNic).toContain('is on already, by somebody else');
  });

  it('foresees the rules that the same request then gets', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(new Date(world.clock.now().getTime() + 60_000), process);
    const { nsgs } = foreseen(await ask(world, { justification: 'Another one' }));

    expect(nsgs.map(({ rules }) => rules[0]?.priority)).toEqual([101, 101]);
    await world.clock.run(process.submit({ justification: 'Another one', bodyHash: 'another' }));
    await world.runUntil(new Date(world.clock.now().getTime() + 60_000), process);
    const priorities = [subnetNsg, nicNsg].map((nsgId) => prioritiesOf(world, nsgId));
    expect(priorities).toEqual([
      [100, 101],
      [100, 101],
    ]);
  });

  it('stores nothing, audits nothing, writes nothing and starts nothing, granted or denied', async () => {
    const world = await grantWorld();
    await ask(world);
    expect(foreseen(await ask(world, { durationSeconds: 90_000, duration: 'PT25H' })).decision.outcome).toBe(
      'denied',
    );

    expect(await world.stores.live.unended()).toEqual([]);
    expect(world.running.size).toBe(0);
    expect(world.network.calls.some(({ method }) => method === 'write')).toBe(false);
    const november = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' };
    expect((await world.stores.audit.query(november)).records).toEqual([]);
  });

  it('names the rule of somebody else that would be in the way', async () => {
    const world = await grantWorld();
    world.network.edit(nicNsg, (body) => withRule(body, foreignRule('deny-ssh', 90)));
    const { decision, nsgs } = foreseen(await ask(world));

    expect(decision).toMatchObject({ outcome: 'denied', reasons: [{ code: 'blocked-by-foreign-rule' }] });
    expect(decision.reasons[0]?.message).toContain('deny-ssh');
    expect(nsgs).toEqual([]);
  });

  it('counts as a call, so that nobody asks without end', async () => {
    const quotas = { requestsPerMinute: 2, liveGrantsPerPerson: 20, liveGrantsPerNsg: 200 };
    const world = await grantWorld(undefined, undefined, undefined, 0, quotas);
    const { service } = world.startProcess();
    const kinds: string[] = [];
    for (let call = 0; call < 3; call += 1) {
      kinds.push((await world.clock.run(service.dryRun(submission))).kind);
    }

    expect(kinds).toEqual(['foreseen', 'foreseen', 'over-quota']);
  });
});

function prioritiesOf(world: GrantWorld, nsgId: string): unknown[] {
  return readRules(world.network.nsg(nsgId) ?? {}, contoso.id).owned.map(({ head }) => head.priority);
}
