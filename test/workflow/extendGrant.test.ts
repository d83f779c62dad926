import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/caller.ts';
import type { JsonObject } from '../../src/core/network.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { SentKey } from '../../src/workflow/idempotentCall.ts';
import {
  alice,
  eventsOf,
  grantWorld,
  idOf,
  minutes,
  nicNsg,
  seconds,
  subnetNsg,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';
import { accepted, openRules } from '../support/hindrances.ts';

const id = idOf(1);
const bob = { ...alice, objectId: '00000000-0000-4000-8000-000000000b0b', displayName: 'Bob' };

/** Alice's grant of an hour, active, at so many minutes after noon. */
async function activeAt(minute: number): Promise<{ world: GrantWorld; process: Process }> {
  const world = await grantWorld();
  const process = world.startProcess();
  await accepted(world, process);
  await world.runUntil(minutes(minute), process);
  return { world, process };
}

function writes(world: GrantWorld, nsgId: string): number {
  return world.network.calls.filter((call) => call.id === nsgId && call.method === 'write').length;
}

type Rule = { name: string; properties: JsonObject };

function rulesOf(world: GrantWorld, nsgId: string): Rule[] {
  return (world.network.nsg(nsgId)?.['properties'] as { securityRules: Rule[] }).securityRules;
}

function descriptions(world: GrantWorld, nsgId: string): unknown[] {
  return rulesOf(world, nsgId)
    .filter(({ name }) => name.startsWith('sallyport-'))
    .map(({ properties }) => properties['description']);
}

async function changePolicy(world: GrantWorld, change: (policy: Policy) => Policy): Promise<void> {
  const [stored] = await world.stores.policies.list();
  if (stored === undefined) throw new Error('There is no policy.');
  await world.stores.policies.replace(change(stored.row), stored.etag);
}

describe('an extension', () => {
  it('moves the end in row, live rows and rules with one write of each NSG, and no orchestration is rung', async () => {
    const { world, process } = await activeAt(30);
    world.network.calls.length = 0;
    const asked = world.running.get(id)?.asked();

    const result = await world.clock.run(process.extend(id));

    const end = minutes(90).toISOString();
    expect(result).toMatchObject({ kind: 'extended', request: { id, end, duration: 'PT1H30M', version: 3 } });
    for (const nsgId of [subnetNsg, nicNsg]) {
      expect((await world.stores.live.get(nsgId, id))?.row).toMatchObject({
        end,
        version: 3,
        state: 'active',
      });
      expect(writes(world, nsgId)).toBe(1);
      expect(descriptions(world, nsgId)).toEqual([expect.stringContaining(`until ${end}`)]);
    }
    expect(await world.request(id)).toMatchObject({ nextDue: end, recorded: 3 });
    expect(world.running.get(id)?.asked()).toEqual(asked);
    const record = (await world.audit(id)).at(-1);
    expect(record).toMatchObject({
      event: 'request.extended',
      actor: alice.objectId,
      until: end,
      reasons: [{ code: 'extended', message: `Its end moved from ${minutes(60).toISOString()} to ${end}.` }],
      details: { comment: 'Ticket 4711 takes longer' },
    });
  });

  it('closes the grant at the new end by the timer of the old one, with two episodes more', async () => {
    const { world, process } = await activeAt(30);
    await world.clock.run(process.extend(id));
    const steps: string[] = [];
    const counted: Process = {
      ...process,
      step: async (requestId, actor) => {
        const result = await process.step(requestId, actor);
        steps.push(`${world.clock.now().toISOString()} ${result.kind}`);
        return result;
      },
    };

    await world.runUntil(minutes(89), counted);
    expect(openRules(world)).toHaveLength(2);
    // One activity more: what it costs an orchestration is the episode that calls it and the one that it returns to.
    expect(steps).toEqual([`${minutes(60).toISOString()} wait`]);
    await world.runUntil(minutes(91), counted);

    expect(openRules(world)).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'extended', 'closing', 'closed']);
    const closing = (await world.audit(id)).find(({ event }) => event === 'request.closing');
    expect(closing?.at).toBe(minutes(90).toISOString());
  });

  it('can be had while the grant is opening', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);

    await world.clock.run(process.extend(id));
    await world.runUntil(minutes(89), process);

    expect(openRules(world)).toHaveLength(2);
    expect(descriptions(world, nicNsg)).toEqual([expect.stringContaining(minutes(90).toISOString())]);
    await world.runUntil(minutes(91), process);
    expect(openRules(world)).toEqual([]);
  });

  it('shortens no other grant, and moves no other end', async () => {
    const { world, process } = await activeAt(10);
    await world.clock.run(process.submit({ requester: bob, durationSeconds: 7200 }));
    await world.runUntil(minutes(20), process);

    await world.clock.run(process.extend(id));
    await world.runUntil(minutes(95), process);

    expect(await world.request(idOf(2))).toMatchObject({ state: 'active', end: minutes(130).toISOString() });
    expect(openRules(world)).toHaveLength(2);
  });

  it('keeps what somebody has deleted of the grant deleted', async () => {
    const { world, process } = await activeAt(10);
    world.network.edit(subnetNsg, (body) => ({
      ...body,
      properties: {
        ...(body['properties'] as JsonObject),
        securityRules: rulesOf(world, subnetNsg).filter(({ name }) => !name.startsWith('sallyport-')),
      },
    }));
    await world.clock.run(process.sweep());
    expect((await world.request(id)).targets[0]?.accepted).toEqual({ 1: 'absent' });

    await world.clock.run(process.extend(id));
    await world.clock.run(process.sweep());

    expect(world.ownedRules(subnetNsg)).toEqual([]);
    expect(world.ownedRules(nicNsg)).toHaveLength(1);
  });
});

describe('an extension is refused', () => {
  it.each([
    ['somebody else asks', { person: bob }],
    ['somebody of another tenant asks', { person: { ...alice, tenantId: bob.objectId } }],
    ['there is no such grant', { id: 'f'.repeat(32) }],
  ])('as if the grant were absent where %s', async (_case, changes) => {
    const { world, process } = await activeAt(30);

    expect(await world.clock.run(process.extend(id, changes))).toEqual({ kind: 'not-found' });

    expect((await world.request(id)).end).toBe(minutes(60).toISOString());
  });

  it('beyond the maximum of the policy that is in force now, with what is left of it', async () => {
    const { world, process } = await activeAt(30);
    const asked = (durationSeconds: number) => world.clock.run(process.extend(id, { durationSeconds }));

    const beyond = await asked(2 * 3600 + 1);

    expect(beyond).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'duration-exceeds-policy', field: 'duration', allowed: 'PT2H' }] },
    });
    expect((await asked(2 * 3600)).kind).toBe('extended');
    const spent = await asked(1);
    expect(spent).toMatchObject({ decision: { reasons: [{ code: 'duration-exceeds-policy' }] } });
    expect(JSON.stringify(spent)).toContain('as long as the policy allows');
  });

  it('where the policy no longer admits what is open, and is audited apart from the grant', async () => {
    const { world, process } = await activeAt(30);
    await changePolicy(world, (policy) => ({ ...policy, entries: [] }));

    expect(await world.clock.run(process.extend(id))).toMatchObject({
      kind: 'denied',
      decision: { outcome: 'denied', reasons: [{ code: 'no-policy' }] },
    });

    expect(await eventsOf(world, id)).toEqual(['opening', 'active']);
    const records: { event: string; details?: unknown }[] = [];
    for await (const partition of world.stores.audit.partitions()) {
      if (partition !== id) records.push(...(await world.audit(partition)));
    }
    expect(records).toMatchObject([
      { event: 'request.denied', details: { extensionOf: id, duration: 'PT30M' } },
    ]);
    expect(openRules(world)).toHaveLength(2);
  });

  it('to somebody who has lost the right to ask in Azure meanwhile', async () => {
    const { world, process } = await activeAt(30);
    world.authorization.deny({ objectId: alice.objectId });

    expect(await world.clock.run(process.extend(id))).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'not-authorized' }] },
    });
    expect(world.authorization.asked.at(-1)).toMatchObject({ isFresh: true });
  });

  it('while Azure does not say who may ask', async () => {
    const { world, process } = await activeAt(30);
    world.authorization.fail({ retryAfterSeconds: 7 });

    const result = await world.clock.run(process.extend(id));

    expect(result).toMatchObject({ kind: 'unavailable', retryAfterSeconds: 7 });
    expect((await world.request(id)).end).toBe(minutes(60).toISOString());
  });

  it('while no sweep looks after what is open', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.runUntil(minutes(30), process);
    const unwatched = world.startProcess(undefined, {
      before: (effect) => {
        if (effect === 'sweepState.heartbeat') throw new Error('The table is down.');
      },
    });

    expect((await world.clock.run(unwatched.extend(id))).kind).toBe('unavailable');
  });

  it.each(['revoked', 'over', 'closed'] as const)('once the grant is %s', async (how) => {
    const { world, process } = await activeAt(30);
    if (how === 'revoked') await world.clock.run(process.revoke(id));
    else if (how === 'over') await world.clock.advanceTo(minutes(60));
    else await world.runUntil(minutes(61), process);

    expect(await world.clock.run(process.extend(id))).toMatchObject({
      kind: 'conflict',
      reason: { code: 'not-running' },
    });
    await world.runUntil(minutes(62), process);
    expect(openRules(world)).toEqual([]);
  });
});

describe('an extension that needs approval', () => {
  it('waits in the row, holds nothing open, and dies with the grant', async () => {
    const { world, process } = await activeAt(30);
    const approval = { approvers: 2, groups: [] };
    await changePolicy(world, (policy) => ({ ...policy, conditions: { approval } }));

    const result = await world.clock.run(process.extend(id));

    const end = minutes(60).toISOString();
    expect(result).toMatchObject({
      kind: 'waiting',
      request: {
        end,
        version: 2,
        extension: {
          end: minutes(90).toISOString(),
          justification: 'Ticket 4711 takes longer',
          approval: { rules: [approval], given: [], expiresAt: end },
        },
      },
    });
    expect(await world.clock.run(process.extend(id))).toMatchObject({
      reason: { code: 'extension-waiting' },
    });
    await world.runUntil(minutes(61), process);
    expect(openRules(world)).toEqual([]);
    expect((await world.request(id)).extension).toBeUndefined();
    expect(await eventsOf(world, id)).toEqual([
      ...['opening', 'active', 'extension-requested', 'extension-expired', 'closing', 'closed'],
    ]);
  });
});

describe('an extension that people decide on', () => {
  const decider = (objectId: string, roles: string[] = ['Sallyport.Approver']): Caller => ({
    person: { ...alice, objectId, displayName: 'Somebody' },
    roles,
  });
  const decide = (process: Process, caller: Caller, decision: 'approve' | 'deny' = 'approve') =>
    process.service.decide({ id, caller, decision, comment: 'Agreed', correlationId: 'decision' });

  /** Alice's extension by half an hour waits for so many people, at half past noon. */
  async function waiting(approvers: number) {
    const { world, process } = await activeAt(30);
    await changePolicy(world, (policy) => ({
      ...policy,
      conditions: { approval: { approvers, groups: [] } },
    }));
    await world.clock.run(process.extend(id));
    return { world, process };
  }

  it('moves the end with the last yes that is needed, and no other', async () => {
    const { world, process } = await waiting(2);

    expect((await world.clock.run(decide(process, decider('bob')))).kind).toBe('decided');
    expect((await world.request(id)).end).toBe(minutes(60).toISOString());
    const last = await world.clock.run(decide(process, decider('carol')));

    const end = minutes(90).toISOString();
    expect(last).toMatchObject({ kind: 'decided', request: { end } });
    expect(await world.request(id)).toMatchObject({ end, nextDue: end });
    expect((await world.request(id)).extension).toBeUndefined();
    for (const nsgId of [subnetNsg, nicNsg]) {
      expect(descriptions(world, nsgId)).toEqual([expect.stringContaining(end)]);
    }
    await world.runUntil(minutes(91), process);
    expect(openRules(world)).toEqual([]);
    expect(await eventsOf(world, id)).toEqual([
      ...['opening', 'active', 'extension-requested', 'extension-approved', 'extension-approved'],
      ...['extended', 'closing', 'closed'],
    ]);
  });

  it('answers a yes that is sent again with its key once it has extended, and extends by it no more', async () => {
    const { world, process } = await waiting(1);
    const idempotencyKey = { key: 'agreed', bodyHash: 'of the body' };
    const caller = decider('bob');
    const call = { id, caller, decision: 'approve' as const, comment: 'Agreed', correlationId: 'c' };
    const send = (sent: SentKey) =>
      world.clock.run(process.service.decide({ ...call, idempotencyKey: sent }));

    expect((await send(idempotencyKey)).kind).toBe('decided');
    await world.clock.run(process.extend(id));
    const end = minutes(90).toISOString();
    expect(await send(idempotencyKey)).toMatchObject({ kind: 'decided', request: { end } });
    expect((await send({ ...idempotencyKey, bodyHash: 'of another' })).kind).toBe('key-reused');
    expect(await world.request(id)).toMatchObject({ end, extension: { approval: { given: [] } } });
  });

  it('counts one yes of two people who decide at once for each, and one of them extends', async () => {
    const { world, process } = await waiting(2);

    await world.clock.run(
      Promise.all([decide(process, decider('bob')), decide(world.startProcess(), decider('carol'))]),
    );

    expect((await world.request(id)).end).toBe(minutes(90).toISOString());
    expect((await eventsOf(world, id)).filter((event) => event === 'extended')).toHaveLength(1);
  });

  it('is not approved by who said so of the one before it, however late that arrives', async () => {
    const { world, process } = await waiting(1);
    // By the clock that the next one is asked for with, it was asked for before the yes came in.
    const behind = world.startProcess(undefined, { clockAheadMilliseconds: -10_000 });
    let isOvertaken = false;
    const slow = world.startProcess(undefined, {
      before: async (effect) => {
        if (effect !== 'requests.replace' || isOvertaken) return;
        isOvertaken = true;
        await decide(process, decider('carol'));
        await behind.extend(id);
      },
    });

    const late = await world.clock.run(decide(slow, decider('bob')));

    expect(late).toMatchObject({ kind: 'conflict', code: 'not-pending' });
    expect(await world.request(id)).toMatchObject({
      end: minutes(90).toISOString(),
      extension: { end: minutes(120).toISOString(), approval: { given: [] } },
    });
  });

  it('is not approved by who said yes before it was asked for, and was not heard until then', async () => {
    const { world, process } = await waiting(1);
    await world.clock.run(decide(process, decider('carol')));
    let isHeard = false;
    const slow = world.startProcess(undefined, {
      before: async (effect) => {
        if (effect !== 'requests.get' || isHeard) return;
        isHeard = true;
        await world.clock.sleep(2000);
        await process.extend(id);
        await world.clock.sleep(1000);
      },
    });

    const late = await world.clock.run(decide(slow, decider('bob')));

    expect(late).toMatchObject({ kind: 'conflict', code: 'not-pending' });
    expect(await world.request(id)).toMatchObject({ extension: { approval: { given: [] } } });
  });

  it('is approved by who names its end, and by nobody who names another', async () => {
    const { world, process } = await waiting(1);
    const call = { id, decision: 'approve' as const, comment: 'Agreed', correlationId: 'decision' };
    const named = (end: string) =>
      world.clock.run(process.service.decide({ ...call, caller: decider('bob'), end }));

    expect(await named(minutes(60).toISOString())).toMatchObject({ code: 'not-pending' });
    expect((await world.request(id)).end).toBe(minutes(60).toISOString());
    expect((await named('2026-11-23T14:30:00+01:00')).kind).toBe('decided');
    expect((await world.request(id)).end).toBe(minutes(90).toISOString());
  });

  it('is nobody to decide on but others who may', async () => {
    const { world, process } = await waiting(1);
    const kindOf = async (caller: Caller) => (await world.clock.run(decide(process, caller))).kind;

    expect(await kindOf(decider(alice.objectId))).toBe('refused');
    expect(await kindOf(decider('bob', []))).toBe('refused');
    expect(await kindOf({ ...decider('robot'), isApplication: true })).toBe('refused');
    expect((await world.request(id)).end).toBe(minutes(60).toISOString());
  });

  it('is not for whoever has just left the group: Azure is asked anew at each decision', async () => {
    const { world, process } = await activeAt(30);
    const group = '0000000a-0000-4000-8000-00000000000a';
    await changePolicy(world, (policy) => ({
      ...policy,
      conditions: { approval: { approvers: 1, groups: [group] } },
    }));
    await world.clock.run(process.extend(id));
    world.authorization.join('carol', group);
    const carol = decider('carol', []);
    const row = await world.request(id);
    expect(await process.service.decidableBy(carol, [row], 'c')).toMatchObject({ requestIds: new Set([id]) });

    world.authorization.leave('carol', group);
    const decided = await world.clock.run(decide(process, carol));

    expect(decided).toMatchObject({ kind: 'refused', code: 'not-an-approver' });
    expect(world.authorization.asked.at(-1)).toMatchObject({ objectId: 'carol', isFresh: true });
    expect((await world.request(id)).end).toBe(minutes(60).toISOString());
  });

  it('that is denied leaves the grant its end, and may be asked for again', async () => {
    const { world, process } = await waiting(1);

    await world.clock.run(decide(process, decider('bob'), 'deny'));

    expect(await world.request(id)).toMatchObject({ state: 'active', end: minutes(60).toISOString() });
    expect((await eventsOf(world, id)).at(-1)).toBe('extension-denied');
    expect((await world.clock.run(process.extend(id))).kind).toBe('waiting');
  });

  it('is refused by the last yes to somebody who has lost the right to ask meanwhile', async () => {
    const { world, process } = await waiting(1);
    world.authorization.deny({ objectId: alice.objectId });

    expect(await world.clock.run(decide(process, decider('bob')))).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'not-authorized' }] },
    });

    expect((await world.request(id)).end).toBe(minutes(60).toISOString());
    expect((await eventsOf(world, id)).slice(-2)).toEqual(['extension-approved', 'extension-denied']);
  });

  it('is refused by the last yes where the policy wants more people by now', async () => {
    const { world, process } = await waiting(1);
    await changePolicy(world, (policy) => ({
      ...policy,
      conditions: { approval: { approvers: 2, groups: [] } },
    }));

    expect(await world.clock.run(decide(process, decider('bob')))).toMatchObject({
      decision: { reasons: [{ code: 'approval-changed' }] },
    });
  });

  it('cannot be approved once the grant has ended', async () => {
    const { world, process } = await waiting(1);
    await world.clock.advanceTo(minutes(60));

    expect(await world.clock.run(decide(process, decider('bob')))).toMatchObject({ kind: 'conflict' });
    await world.runUntil(minutes(62), process);
    expect(openRules(world)).toEqual([]);
  });
});

describe('an Idempotency-Key', () => {
  it('extends once, however often the call is repeated, and says the same', async () => {
    const { world, process } = await activeAt(30);
    const again = () => world.clock.run(process.extend(id, { idempotencyKey: 'more-1' }));

    const results = [await again(), await again()];

    expect(results.map((result) => 'request' in result && result.request.end)).toEqual([
      minutes(90).toISOString(),
      minutes(90).toISOString(),
    ]);
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'extended']);
  });

  it('is refused with another body', async () => {
    const { world, process } = await activeAt(30);
    await world.clock.run(process.extend(id, { idempotencyKey: 'more-1' }));

    const other = await world.clock.run(
      process.extend(id, { idempotencyKey: 'more-1', bodyHash: 'other', durationSeconds: 60 }),
    );

    expect(other).toEqual({ kind: 'key-reused' });
  });

  it('counts once when the same call comes twice at once', async () => {
    const { world, process } = await activeAt(30);
    const other = world.startProcess();

    await world.clock.run(
      Promise.all([process, other].map((each) => each.extend(id, { idempotencyKey: 'more-1' }))),
    );

    expect((await world.request(id)).end).toBe(minutes(90).toISOString());
  });
});

describe('an extension and others at once', () => {
  it('add up where two are asked for at once without a key', async () => {
    const { world, process } = await activeAt(30);
    const other = world.startProcess();

    const results = await world.clock.run(
      Promise.all([process.extend(id), other.extend(id, { bodyHash: 'other' })]),
    );

    expect(results.map(({ kind }) => kind)).toEqual(['extended', 'extended']);
    expect((await world.request(id)).end).toBe(minutes(120).toISOString());
    expect((await world.stores.live.get(nicNsg, id))?.row.end).toBe(minutes(120).toISOString());
    expect(descriptions(world, nicNsg)).toEqual([expect.stringContaining(minutes(120).toISOString())]);
  });

  it('together never exceed the policy', async () => {
    const { world } = await activeAt(30);

    const results = await world.clock.run(
      Promise.all([1, 2].map(() => world.startProcess().extend(id, { durationSeconds: 5400 }))),
    );

    expect(results.map(({ kind }) => kind).sort()).toEqual(['denied', 'extended']);
    expect((await world.request(id)).end).toBe(minutes(150).toISOString());
  });

  it('leaves a revocation that comes in between the last word', async () => {
    const { world, process } = await activeAt(30);
    let isRevoked = false;
    const extending = world.startProcess(undefined, {
      before: async (effect) => {
        if (effect !== 'requests.replace' || isRevoked) return;
        isRevoked = true;
        await process.revoke(id);
      },
    });

    expect(await world.clock.run(extending.extend(id))).toMatchObject({ kind: 'conflict' });
    await world.runUntil(minutes(32), process);

    expect(openRules(world)).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('is not undone by the step of the old end that had read the row before it', async () => {
    const { world, process } = await activeAt(59);
    const late = world.startProcess(undefined, {
      before: async (effect) => {
        // The step has read that the grant is over by its clock, and is about to say so.
        if (effect === 'requests.replace' && world.clock.now() < minutes(60)) {
          await process.extend(id);
        }
      },
      clockAheadMilliseconds: 30_000,
    });
    await world.clock.advanceTo(seconds(3575));

    await world.clock.run(late.step(id, 'sallyport'));
    await world.runUntil(minutes(75), process);

    expect(await world.request(id)).toMatchObject({ state: 'active', end: minutes(90).toISOString() });
    expect(openRules(world)).toHaveLength(2);
  });

  it('puts back what a worker whose clock is ahead had shut at the old end, and blames nobody', async () => {
    const { world, process } = await activeAt(59);
    const ahead = world.startProcess(undefined, { clockAheadMilliseconds: 30_000 });
    await world.clock.advanceTo(seconds(3580));
    // Its sweep takes the rules away; the row is not closing yet.
    for (const nsgId of [subnetNsg, nicNsg]) {
      await world.clock.run(ahead.reconcile(nsgId, { correlationId: 'sweep', purpose: 'close' }));
    }
    expect(openRules(world)).toEqual([]);

    expect((await world.clock.run(process.extend(id))).kind).toBe('extended');
    await world.clock.run(process.sweep());

    expect(openRules(world)).toHaveLength(2);
    const request = await world.request(id);
    expect(request.targets.every(({ accepted }) => accepted === undefined)).toBe(true);
    expect(world.logged).not.toContain('drift-accepted');
    await world.runUntil(minutes(91), process);
    expect(openRules(world)).toEqual([]);
  });

  it('puts back what a worker whose clock is ahead had shut without noting it, and blames nobody', async () => {
    const { world, process } = await activeAt(59);
    const ahead = world.startProcess(undefined, {
      clockAheadMilliseconds: 30_000,
      before: (effect) => {
        if (effect === 'live.markSeen') throw new Error('The table is down.');
      },
    });
    await world.clock.advanceTo(seconds(3580));
    for (const nsgId of [subnetNsg, nicNsg]) {
      await world.clock.run(ahead.reconcile(nsgId, { correlationId: 'sweep', purpose: 'close' }));
      // What was noted last is that it is open.
      expect((await world.stores.live.get(nsgId, id))?.row.seen).toMatchObject({ state: 'open' });
    }
    expect(openRules(world)).toEqual([]);

    await world.clock.run(process.extend(id));
    await world.clock.run(process.sweep());

    expect(openRules(world)).toHaveLength(2);
    expect((await world.request(id)).targets.map(({ accepted }) => accepted)).toEqual([undefined, undefined]);
    expect(world.logged).not.toContain('drift-accepted');
  });

  it('is shut by a revocation although it was seen shut before it was extended', async () => {
    const { world, process } = await activeAt(59);
    const ahead = world.startProcess(undefined, { clockAheadMilliseconds: 30_000 });
    await world.clock.advanceTo(seconds(3580));
    for (const nsgId of [subnetNsg, nicNsg]) {
      await world.clock.run(ahead.reconcile(nsgId, { correlationId: 'sweep', purpose: 'close' }));
    }
    // What is read back later is not noted: nothing but the old note could be believed.
    const forgetful = world.startProcess(undefined, {
      before: (effect) => {
        if (effect === 'live.markSeen') throw new Error('The table is down.');
      },
    });
    await world.clock.run(forgetful.extend(id));
    await world.clock.run(forgetful.sweep());
    expect(openRules(world)).toHaveLength(2);

    await world.clock.run(forgetful.revoke(id));
    await world.clock.run(process.step(id, 'sallyport'));

    expect(openRules(world)).toEqual([]);
    expect((await world.request(id)).state).toBe('closed');
  });
});

describe('a process that dies in an extension', () => {
  it('right after the row, with the orchestration lost as well, is made up for by the sweep before the old end', async () => {
    const { world, process } = await activeAt(30);
    const dying = world.startProcess(undefined, {
      before: (effect) => {
        if (effect.startsWith('audit') || effect.startsWith('live')) throw new Error('The table is down.');
      },
    });
    expect((await world.clock.run(dying.extend(id))).kind).toBe('extended');
    expect((await world.stores.live.get(nicNsg, id))?.row.end).toBe(minutes(60).toISOString());
    world.running.clear();

    for (let minute = 31; minute <= 89; minute += 1) {
      await world.runUntil(minutes(minute), process);
      await world.clock.run(process.sweep());
      expect(openRules(world), `at ${minute}`).toHaveLength(2);
    }

    expect((await world.stores.live.get(nicNsg, id))?.row.end).toBe(minutes(90).toISOString());
    await world.runUntil(minutes(91), process);
    expect(openRules(world)).toEqual([]);
  });

  it('at whichever effect, before or after it, leaves the grant with one of both ends, shut after it', async () => {
    const run = async (killAt?: { effect: number; when: 'before' | 'after' }) => {
      const { world, process } = await activeAt(57);
      const dying = world.startProcess(killAt);
      const died = await world.clock.run(dying.extend(id)).then(
        () => false,
        () => true,
      );
      for (let minute = 58; minute <= 93; minute += 1) {
        await world.runUntil(minutes(minute), process);
        await world.clock.run(process.sweep());
        const { end, state } = await world.request(id);
        const isOpen = openRules(world).length > 0;
        const at = `${JSON.stringify(killAt)} at ${minute}`;
        if (minutes(minute - 2).toISOString() > end) expect(isOpen, at).toBe(false);
        if (state === 'active' && minute >= 63 && minute < 90) expect(openRules(world), at).toHaveLength(2);
      }
      return { world, died: died || dying.lifeline.dead, effects: dying.lifeline.effects };
    };
    const { effects } = await run();
    expect(effects).toBeGreaterThan(15);

    for (let effect = 1; effect <= effects; effect += 1) {
      for (const when of ['before', 'after'] as const) {
        const at = `killed ${when} effect ${effect}`;
        const { world, died } = await run({ effect, when });
        expect(died, at).toBe(true);
        expect(openRules(world), at).toEqual([]);
        const { end, journal, recorded } = await world.request(id);
        const isExtended = journal.some(({ event }) => event === 'extended');
        expect(end, at).toBe(minutes(isExtended ? 90 : 60).toISOString());
        const events = (await eventsOf(world, id)).filter((event) => event !== 'orchestration-restarted');
        expect(events, at).toEqual(
          isExtended
            ? ['opening', 'active', 'extended', 'closing', 'closed']
            : ['opening', 'active', 'closing', 'closed'],
        );
        expect(recorded, at).toBe(journal.length);
        expect(world.logged, at).not.toContain('drift-accepted');
      }
    }
  });
});
