import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import {
  alice,
  contentOf,
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  noon,
  submission,
  subnetNsg,
  vmId,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';
import { accepted, always, once } from '../support/hindrances.ts';

const id = idOf(1);
const rule = `sallyport-contoso-${id}-1`;
const call = { correlationId: submission.correlationId, purpose: 'open' } as const;

function after(minutes: number): Date {
  return new Date(noon.getTime() + minutes * 60_000);
}

/** A grant of an hour that is open and was read back. */
async function opened(): Promise<{ world: GrantWorld; process: Process }> {
  const world = await grantWorld();
  const process = world.startProcess();
  await accepted(world, process);
  await world.runUntil(after(2), process);
  expect((await world.request(id)).state).toBe('active');
  return { world, process };
}

/** What somebody else makes of the rules of an NSG. */
function edit(world: GrantWorld, change: (rules: Rule[]) => JsonObject[], nsgId = nicNsg): void {
  world.network.edit(nsgId, (body) => {
    const properties = body['properties'] as { securityRules: Rule[] };
    return { ...body, properties: { ...properties, securityRules: change(properties.securityRules) } };
  });
}

type Rule = JsonObject & { name: string; properties: JsonObject };

function editRule(world: GrantWorld, properties: JsonObject): void {
  edit(world, (rules) =>
    rules.map((one) =>
      one.name === rule ? { ...one, properties: { ...one.properties, ...properties } } : one,
    ),
  );
}

function deleteRule(world: GrantWorld, nsgId = nicNsg): void {
  edit(world, (rules) => rules.filter(({ name }) => name !== rule), nsgId);
}

function propertiesOf(world: GrantWorld): JsonObject | undefined {
  const { securityRules } = world.network.nsg(nicNsg)?.['properties'] as { securityRules: Rule[] };
  return securityRules.find(({ name }) => name === rule)?.properties;
}

async function look(world: GrantWorld, process: Process, nsgId = nicNsg, revisit = false): Promise<void> {
  const result = await world.clock.run(process.reconcile(nsgId, { ...call, revisit }));
  expect(result.kind).toBe('converged');
}

/** The events in the audit of an NSG, after checking that their chain holds. */
async function drifts(world: GrantWorld, nsgId = nicNsg): Promise<string[]> {
  const records = await world.stores.audit.read(driftPartition(nsgId));
  expect(verifyTrail(driftPartition(nsgId), records)).toEqual([]);
  return records.map(({ event }) => event);
}

async function acceptedForms(world: GrantWorld) {
  return (await world.request(id)).targets.map((target) => target.accepted);
}

describe('a rule that somebody deletes', () => {
  it('stays deleted: the row says so, one record tells it, and the grant goes on to its end', async () => {
    const { world, process } = await opened();
    const before = contentOf(world.network.nsg(subnetNsg));
    deleteRule(world);
    for (let times = 0; times < 3; times += 1) await look(world, process);

    expect(world.ownedRules(nicNsg)).toEqual([]);
    expect(contentOf(world.network.nsg(subnetNsg))).toEqual(before);
    expect(await acceptedForms(world)).toEqual([undefined, { 1: 'absent' }]);
    const row = (await world.stores.live.get(nicNsg, id))?.row;
    expect(row).toMatchObject({ accepted: { 1: 'absent' }, version: 3, seen: { state: 'open', rules: {} } });
    expect(await drifts(world)).toEqual(['nsg.rule-deleted']);
    expect(world.logged.filter((line) => line.startsWith('drift'))).toEqual(['drift-accepted']);

    await world.runUntil(after(62), process);
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it('is told once although its note is made only when nobody waits for it any more', async () => {
    const { world } = await opened();
    const slow = once('nsgs.insert', () => world.clock.sleep(2300));
    deleteRule(world);
    edit(world, (rules) => [...rules, { ...foreignRule(`sallyport-contoso-${idOf(99)}-1`, 120) }] as Rule[]);

    await look(world, world.startProcess(undefined, slow));
    await look(world, world.startProcess());

    expect(world.logged).toContain('drift-not-recorded');
    expect((await drifts(world)).filter((event) => event === 'nsg.rule-deleted')).toHaveLength(1);
    expect(await acceptedForms(world)).toEqual([undefined, { 1: 'absent' }]);
  });

  it('is found in the audit by whom, what machine and when it concerns', async () => {
    const { world, process } = await opened();
    deleteRule(world);
    await look(world, process);
    const { records } = await world.stores.audit.query({
      ...{ virtualMachineId: vmId, requesterId: alice.objectId },
      ...{ from: after(1).toISOString(), to: after(3).toISOString() },
    });
    expect(records).toMatchObject([
      {
        ...{ event: 'nsg.rule-deleted', actor: 'sallyport', sequence: 1, networkSecurityGroups: [nicNsg] },
        details: { rule, requestId: id },
        reasons: [{ code: 'change-accepted' }],
      },
    ]);
  });

  it('is written again if it was not read back before: the write may have failed', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.clock.run(
      world
        .startProcess(undefined, always('requests.replace'))
        .step(id, 'sallyport')
        .catch(() => 'failed'),
    );
    expect(world.ownedRules(nicNsg)).toEqual([rule]);
    deleteRule(world);
    await world.runUntil(after(2), process);

    expect(world.ownedRules(nicNsg)).toEqual([rule]);
    expect((await world.request(id)).state).toBe('active');
    expect(await drifts(world)).toEqual([]);
  });

  it.each([false, true])(
    'is not what another worker has just written and this one has read too early (revisiting: %s)',
    async (revisit) => {
      const world = await grantWorld();
      const writer = world.startProcess();
      await accepted(world, writer);
      const early = world.startProcess(
        undefined,
        once('live.allOfNsg', async () => {
          await writer.step(id, 'sallyport');
        }),
      );
      await look(world, early, nicNsg, revisit);

      expect(world.ownedRules(nicNsg)).toEqual([rule]);
      expect(await acceptedForms(world)).toEqual([undefined, undefined]);
      expect(await drifts(world)).toEqual([]);
    },
  );

  it('stays deleted also where its request could not be changed at first', async () => {
    const { world, process } = await opened();
    deleteRule(world);
    await look(world, world.startProcess(undefined, always('requests.replace')));
    expect(world.logged).toContain('drift-not-completed');
    expect(await acceptedForms(world)).toEqual([undefined, undefined]);
    await look(world, process);
    expect(world.ownedRules(nicNsg)).toEqual([]);
    expect(await acceptedForms(world)).toEqual([undefined, { 1: 'absent' }]);
    expect(await drifts(world)).toEqual(['nsg.rule-deleted']);
  });

  it('is accepted once by a call whose live row never holds it', async () => {
    const { world } = await opened();
    deleteRule(world);
    const forgetful = world.startProcess(undefined, {
      after: (effect) => (effect === 'live.replace' ? { instead: 'replaced' } : undefined),
      before: (effect, parameters) => {
        if (effect === 'live.replace') delete (parameters[0] as { accepted?: unknown }).accepted;
      },
    });
    await look(world, forgetful);
    expect(await drifts(world)).toEqual(['nsg.rule-deleted']);
    expect(world.ownedRules(nicNsg)).toEqual([]);
  });

  it('in every NSG of the path is accepted in each, and the grant is active until its end', async () => {
    const { world, process } = await opened();
    for (const nsgId of [nicNsg, subnetNsg]) deleteRule(world, nsgId);
    for (const nsgId of [nicNsg, subnetNsg]) await look(world, process, nsgId);
    expect(await acceptedForms(world)).toEqual([{ 1: 'absent' }, { 1: 'absent' }]);
    expect((await world.request(id)).state).toBe('active');
    expect([...(await drifts(world)), ...(await drifts(world, subnetNsg))]).toHaveLength(2);
    await world.runUntil(after(62), process);
    expect((await world.request(id)).state).toBe('closed');
  });

  it('together with a revocation closes as always', async () => {
    const { world, process } = await opened();
    deleteRule(world);
    await world.clock.run(process.revoke(id));
    await world.runUntil(after(5), process);
    expect((await world.request(id)).state).toBe('closed');
    expect(await drifts(world)).toEqual([]);
  });
});

describe('a rule that somebody narrows', () => {
  it('stays narrowed, also when something else is written, and goes at the end', async () => {
    const { world, process } = await opened();
    editRule(world, { sourcePortRange: '1024-65535' });
    await look(world, process);
    const { priority, ...form } = propertiesOf(world) ?? {};
    expect(await acceptedForms(world)).toEqual([
      undefined,
      { 1: expect.objectContaining({ sourcePortRange: '1024-65535' }) as unknown },
    ]);
    await world.clock.run(process.submit({ requester: { ...alice, objectId: 'bob' } }));
    await world.runUntil(after(4), process);
    expect(world.ownedRules(nicNsg)).toHaveLength(2);
    expect(propertiesOf(world)).toEqual({ ...form, priority });
    expect(await drifts(world)).toEqual(['nsg.rule-narrowed']);
    await world.runUntil(after(70), process);
    expect(world.ownedRules(nicNsg)).toEqual([]);
  });
});

describe('a rule that somebody widens', () => {
  it('is put back at once and told once, and once more when it happens again', async () => {
    const { world, process } = await opened();
    const before = contentOf(world.network.nsg(nicNsg));
    for (let times = 1; times <= 2; times += 1) {
      editRule(world, { sourceAddressPrefix: '*' });
      await look(world, process);
      expect(contentOf(world.network.nsg(nicNsg))).toEqual(before);
      expect(await drifts(world)).toEqual(Array.from({ length: times }, () => 'nsg.rule-widened'));
    }
    expect(await acceptedForms(world)).toEqual([undefined, undefined]);
    expect((await world.stores.nsgs.get(nicNsg))?.row).toMatchObject({ told: {}, journal: [], recorded: 2 });
  });

  it('is told once also where a worker learns that only after it has read an NSG in which it was not so', async () => {
    const { world, process } = await opened();
    world.network.edit(nicNsg, (body) =>
      withRule(body, foreignRule('deny-alice', 99, { destinationPortRange: '22' })),
    );
    await look(world, process);
    const late = world.startProcess(
      undefined,
      once('nsgs.get', async () => {
        editRule(world, { sourceAddressPrefix: '*' });
        world.network.fail('write', { kind: 'throttled' });
        await process.reconcile(nicNsg, call);
      }),
    );
    await look(world, late);
    await look(world, process, nicNsg, true);
    expect(await drifts(world)).toEqual(['nsg.blocked-by-foreign-rule', 'nsg.rule-widened']);
  });

  it('is told once however long it cannot be put back', async () => {
    const { world, process } = await opened();
    editRule(world, { destinationPortRange: '*' });
    for (let times = 0; times < 3; times += 1) {
      world.network.fail('write', { kind: 'throttled' });
      await world.clock.run(process.reconcile(nicNsg, call));
      expect(await drifts(world)).toEqual(['nsg.rule-widened']);
    }
    await look(world, process);
    expect(propertiesOf(world)?.['destinationPortRange']).toBe('22');
    expect(await drifts(world)).toEqual(['nsg.rule-widened']);
  });
});

describe('rules with our name', () => {
  it('that we never gave, or of nobody, are removed and told; those of another installation are left', async () => {
    const { world, process } = await opened();
    const theirs = [rule.replace('contoso', 'contoso2'), rule.replace('contoso', 'contos')];
    const ours = [`sallyport-contoso-${'f'.repeat(32)}-1`, 'sallyport-contoso-break-glass', `${rule}0`];
    [...theirs, ...ours].forEach((name, index) =>
      world.network.edit(nicNsg, (body) =>
        withRule(body, foreignRule(name, 400 + index, { access: 'Allow', destinationPortRange: '8080' })),
      ),
    );
    await look(world, process);
    const names = (world.network.nsg(nicNsg)?.['properties'] as { securityRules: Rule[] }).securityRules;
    expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining([rule, ...theirs]));
    expect(names.filter(({ name }) => ours.includes(name))).toEqual([]);
    expect((await drifts(world)).sort()).toEqual([
      'nsg.leftover-closed',
      'nsg.rule-tampered',
      'nsg.rule-tampered',
    ]);
  });

  it('of a grant that has ended are removed and told as late', async () => {
    const { world, process } = await opened();
    const was = world.network.nsg(nicNsg);
    await world.runUntil(after(62), process);
    if (was === undefined) throw new Error('There was an NSG.');
    world.network.edit(nicNsg, () => was);
    await look(world, process);
    expect(world.ownedRules(nicNsg)).toEqual([]);
    expect(await drifts(world)).toEqual(['nsg.late-open-reverted']);
  });

  it('of a grant that another worker has just closed are not called late', async () => {
    const { world, process } = await opened();
    const early = world.startProcess(
      undefined,
      once('live.allOfNsg', async () => {
        await process.revoke(id);
        await process.step(id, 'sallyport');
      }),
    );
    await look(world, early);
    expect((await world.request(id)).state).toBe('closed');
    expect(await drifts(world)).toEqual([]);
  });
});

describe("somebody else's rule", () => {
  it('that blocks or bypasses a grant is told once while it is so, and again after it was not', async () => {
    const { world, process } = await opened();
    const events = ['nsg.bypassed-by-foreign-rule', 'nsg.blocked-by-foreign-rule'];
    const theirs = [
      foreignRule('allow-ssh', 310, {
        access: 'Allow',
        sourceAddressPrefix: 'Internet',
        destinationPortRange: '22',
      }),
      foreignRule('deny-alice', 99, { sourceAddressPrefix: '203.0.113.7', destinationPortRange: '22' }),
    ];
    for (let times = 1; times <= 2; times += 1) {
      for (const [index, one] of theirs.entries()) {
        edit(world, (rules) => [...rules, one]);
        for (let looks = 0; looks < 3; looks += 1) await look(world, process);
        edit(world, (rules) => rules.filter(({ name }) => name !== one['name']));
        expect((await drifts(world)).at(-1)).toBe(events[index]);
        await look(world, process, nicNsg, true);
      }
      expect(await drifts(world)).toHaveLength(2 * times);
    }
    expect(world.logged.filter((line) => line.startsWith('grant-'))).toEqual([
      ...['grant-bypassed', 'grant-blocked', 'grant-bypassed', 'grant-blocked'],
    ]);
    expect(world.ownedRules(nicNsg)).toEqual([rule]);
  });
});

describe('a flood of rules with our name', () => {
  it('is told in bounded records, with the number of those that are not listed', async () => {
    const { world, process } = await opened();
    edit(world, (rules) => [
      ...rules,
      ...Array.from({ length: 900 }, (_, index) =>
        foreignRule(`sallyport-contoso-${'x'.repeat(50)}-${index}`, 1000 + index, { access: 'Allow' }),
      ),
    ]);
    await look(world, process);

    expect(world.ownedRules(nicNsg)).toEqual([rule]);
    const records = await world.stores.audit.read(driftPartition(nicNsg));
    expect(verifyTrail(driftPartition(nicNsg), records)).toEqual([]);
    expect(records.length).toBeLessThanOrEqual(50);
    expect(records.at(-1)?.reasons.at(-1)?.message).toContain(`${900 - records.length} more`);
    await look(world, process);
    expect(await drifts(world)).toHaveLength(records.length);
  });

  it('keeps no deletion of a running grant from being accepted and told', async () => {
    const { world, process } = await opened();
    edit(world, (rules) => [
      ...rules.filter(({ name }) => name !== rule),
      ...Array.from({ length: 900 }, (_, index) =>
        foreignRule(`sallyport-contoso-${'x'.repeat(50)}-${index}`, 1000 + index, { access: 'Allow' }),
      ),
    ]);
    await look(world, process);

    expect(world.ownedRules(nicNsg)).toEqual([]);
    expect(await acceptedForms(world)).toEqual([undefined, { 1: 'absent' }]);
    expect((await drifts(world)).filter((event) => event === 'nsg.rule-deleted')).toHaveLength(1);
  });
});
