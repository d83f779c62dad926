import { describe, expect, it } from 'vitest';
import type { PolicyConditions } from '../../src/core/policy.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { approver, caller, decide, demand, oneApprover, person } from '../support/approvals.ts';
import {
  alice,
  contentOf,
  eventsOf,
  grantWorld,
  idOf,
  minutes,
  nicNsg,
  seconds,
  subnetNsg,
  vmId,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';
import { always, once, openRules } from '../support/hindrances.ts';

const id = idOf(1);
const database = '0000000a-0000-4000-8000-00000000000a';

/** A world whose policy wants approval, and in it a request that waits for that. */
async function pending(
  conditions: PolicyConditions = { approval: oneApprover },
): Promise<{ world: GrantWorld; process: Process }> {
  const world = await grantWorld();
  await demand(world, conditions);
  const process = world.startProcess();
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(JSON.stringify(result));
  await world.runUntil(minutes(1), process);
  return { world, process };
}

const liveRows = async ({ stores }: GrantWorld) => [
  ...(await stores.live.ofNsg(subnetNsg)),
  ...(await stores.live.ofNsg(nicNsg)),
];
const writes = ({ network }: GrantWorld) => network.calls.filter(({ method }) => method === 'write').length;

/** What is to end at one, whenever it is approved; it waits since noon. */
async function pendingUntilOne(): Promise<{ world: GrantWorld; process: Process }> {
  const world = await grantWorld();
  await demand(world, { approval: oneApprover });
  const process = world.startProcess();
  const end = minutes(60).toISOString();
  const result = await world.clock.run(process.submit({ end }));
  if (result.kind !== 'accepted') throw new Error(JSON.stringify(result));
  return { world, process };
}

describe('a request that needs approval and has a chosen end', () => {
  it('ends at it, however late it is approved', async () => {
    const { world, process } = await pendingUntilOne();
    await world.runUntil(minutes(50), process);

    expect((await decide(world, process, id, approver('carol'))).kind).toBe('decided');
    expect(await world.request(id)).toMatchObject({ state: 'opening', end: minutes(60).toISOString() });
    await world.runUntil(minutes(61), process);
    expect(await world.request(id)).toMatchObject({ state: 'closed' });
    expect(openRules(world)).toEqual([]);
  });

  it('is denied once that has passed, whoever approves it, and nothing is written', async () => {
    const { world, process } = await pendingUntilOne();
    await world.runUntil(minutes(60), process);

    expect(await decide(world, process, id, approver('carol'))).toMatchObject({
      ...{ kind: 'denied', decision: { reasons: [{ code: 'ended' }] } },
    });
    expect(writes(world)).toBe(0);
    expect(await eventsOf(world, id)).toEqual(['pending', 'approved', 'denied']);
  });
});

describe('a request that needs approval', () => {
  it('waits: no row is live, nothing is written, and it says who must approve until when', async () => {
    const { world } = await pending();

    expect(await world.request(id)).toMatchObject({
      state: 'pending',
      decision: { outcome: 'needs-approval' },
      approval: { rules: [oneApprover], given: [], expiresAt: seconds(24 * 3600).toISOString() },
    });
    expect(await liveRows(world)).toEqual([]);
    expect(writes(world)).toBe(0);
    expect(await eventsOf(world, id)).toEqual(['pending']);
  });

  it('opens when it is approved, for its whole duration, and the NSG is what it was', async () => {
    const { world, process } = await pending();
    const before = [subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId)));
    await world.runUntil(minutes(30), process);

    const decided = await decide(world, process, id, approver('carol'));
    expect(decided).toMatchObject({ kind: 'decided', request: { state: 'opening' } });
    await world.runUntil(minutes(40), process);
    expect(await world.request(id)).toMatchObject({ state: 'active' });
    expect(openRules(world)).toHaveLength(2);

    const { start, end } = await world.request(id);
    expect(Date.parse(end) - Date.parse(start)).toBe(3_600_000);
    expect(Date.parse(start)).toBeGreaterThanOrEqual(minutes(30).getTime());
    await world.runUntil(minutes(95), process);
    expect([subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId)))).toEqual(before);
    expect(await eventsOf(world, id)).toEqual([
      'pending',
      'approved',
      'opening',
      'active',
      'closing',
      'closed',
    ]);
  });

  it('is told in the audit with who approved it and why', async () => {
    const { world, process } = await pending();
    await decide(world, process, id, approver('carol'));

    const [, approved, opening] = await world.audit(id);
    expect(approved).toMatchObject({
      ...{ event: 'request.approved', actor: person('carol').objectId },
      details: { comment: 'carol says approve', actorName: 'carol' },
      correlationId: '5a11f0a7-0000-4000-8000-0000000000dd',
    });
    expect(opening).toMatchObject({ event: 'request.opening', actor: 'sallyport' });
    const { journal } = await world.request(id);
    const forged = (await world.audit(id)).map((record) => ({ ...record, details: { comment: 'no' } }));
    expect(verifyTrail(id, forged, { recorded: 3, journal }).map(({ fault }) => fault)).toContain(
      'contradicts-request',
    );
  });

  it('ends when it is denied, with the comment, and nothing was ever written', async () => {
    const { world, process } = await pending();

    const decided = await decide(world, process, id, approver('carol'), 'deny');
    await world.runUntil(minutes(3), process);

    expect(decided).toMatchObject({
      kind: 'decided',
      request: { state: 'denied', reason: { code: 'denied-by-approver' } },
    });
    expect((await world.audit(id)).at(-1)).toMatchObject({ details: { comment: 'carol says deny' } });
    expect(await eventsOf(world, id)).toEqual(['pending', 'denied']);
    expect(world.running.get(id)?.asked()).toMatchObject({ kind: 'returned' });
    expect(writes(world)).toBe(0);
  });

  it('waits for as many people as the policy says, and rings only for the last', async () => {
    const { world, process } = await pending({ approval: { approvers: 2, groups: [] } });

    expect(await decide(world, process, id, approver('carol'))).toMatchObject({
      request: { state: 'pending' },
    });
    expect(world.running.get(id)?.asked()).toMatchObject({ kind: 'wait' });
    expect(await decide(world, process, id, approver('dave'))).toMatchObject({
      request: { state: 'opening' },
    });
    await world.runUntil(minutes(3), process);

    expect(await eventsOf(world, id)).toEqual(['pending', 'approved', 'approved', 'opening', 'active']);
  });

  it('expires by its orchestration, and nobody can approve it then', async () => {
    const { world, process } = await pending();

    await world.runUntil(seconds(24 * 3600 + 5), process);

    expect(await world.request(id)).toMatchObject({ state: 'expired', reason: { code: 'approval-expired' } });
    expect(await decide(world, process, id, approver('carol'))).toMatchObject({ code: 'not-pending' });
    expect(await eventsOf(world, id)).toEqual(['pending', 'expired']);
  });

  it('expires by the sweep where its orchestration is lost', async () => {
    const { world, process } = await pending();
    world.running.clear();
    await world.clock.advanceTo(seconds(24 * 3600 + 20));

    expect(await decide(world, process, id, approver('carol'))).toMatchObject({ code: 'approval-expired' });
    await world.clock.run(process.sweep());

    expect(await eventsOf(world, id)).toEqual(['pending', 'expired']);
    expect(writes(world)).toBe(0);
  });

  it('opens although its orchestration is lost: the sweep starts another', async () => {
    const { world, process } = await pending();
    world.running.clear();
    await decide(world, process, id, approver('carol'));
    await world.clock.advanceTo(minutes(2));

    await world.clock.run(process.sweep());
    await world.runUntil(minutes(3), process);

    expect(await world.request(id)).toMatchObject({ state: 'active', instance: `${id}-2` });
  });

  it('is withdrawn without a look at Azure', async () => {
    const { world, process } = await pending();
    const before = world.network.calls.length;

    await world.clock.run(process.revoke(id));
    await world.runUntil(minutes(3), process);

    expect(await world.request(id)).toMatchObject({ state: 'closed', reason: { code: 'revoked' } });
    expect(await eventsOf(world, id)).toEqual(['pending', 'closing', 'closed']);
    expect(world.network.calls.slice(before)).toEqual([]);
    expect(await liveRows(world)).toEqual([]);
    expect(await decide(world, process, id, approver('carol'))).toMatchObject({ code: 'not-pending' });
  });

  it('is put away like every other once it has ended', async () => {
    const { world, process } = await pending();
    await decide(world, process, id, approver('carol'), 'deny');
    await world.runUntil(minutes(3), process);

    for (const at of [4, 10, 11]) {
      await world.clock.advanceTo(minutes(at));
      await world.clock.run(process.sweep());
    }

    expect(await world.stores.live.unended()).toEqual([]);
    expect((await world.stores.seals.newest())?.sealed).toMatchObject([{ partition: id, count: 2 }]);
  });
});

describe('who may not decide', () => {
  it('approving one’s own request is refused, with every role', async () => {
    const { world, process } = await pending();
    const everything = caller(
      'alice',
      'Sallyport.Approver',
      'Sallyport.Administrator',
      'Sallyport.BreakGlass',
    );

    expect(await decide(world, process, id, everything)).toMatchObject({ code: 'own-request' });
    expect(await decide(world, process, id, everything, 'deny')).toMatchObject({ code: 'own-request' });
    expect(await world.request(id)).toMatchObject({ state: 'pending', approval: { given: [] } });
  });

  it('approving a finished request is refused', async () => {
    const { world, process } = await pending();
    await decide(world, process, id, approver('carol'), 'deny');
    await world.runUntil(minutes(3), process);
    const before = await world.request(id);

    for (const decision of ['approve', 'deny'] as const) {
      expect(await decide(world, process, id, approver('dave'), decision)).toMatchObject({
        ...{ kind: 'conflict', code: 'not-pending' },
      });
    }
    expect(await world.request(id)).toEqual(before);
  });

  it('deciding with a role that was just removed is refused: groups are asked for anew each time', async () => {
    const { world, process } = await pending({ approval: { approvers: 2, groups: [database] } });
    const [carol, dave] = [caller('carol'), caller('dave')];
    for (const { person: of } of [carol, dave]) world.authorization.join(of.objectId, database, vmId);
    const { requests } = world.stores;
    const row = await world.request(id);
    expect(await process.service.decidableBy(dave, [row], 'c')).toEqual({
      ...{ kind: 'known', requestIds: new Set([id]) },
    });
    expect(await decide(world, process, id, carol)).toMatchObject({ kind: 'decided' });

    world.authorization.leave(dave.person.objectId, database);
    expect(await decide(world, process, id, dave)).toMatchObject({
      kind: 'refused',
      code: 'not-an-approver',
    });
    expect(world.authorization.asked.at(-1)).toMatchObject({ isFresh: true, scope: vmId });
    expect((await requests.get(id))?.row.state).toBe('pending');
  });

  it('an application with the role decides nothing', async () => {
    const { world, process } = await pending();
    const robot = { ...approver('robot'), isApplication: true as const };

    expect(await decide(world, process, id, robot)).toMatchObject({ code: 'application-cannot-decide' });
  });

  it('nothing is decided while Azure does not tell the groups', async () => {
    const { world, process } = await pending({ approval: { approvers: 1, groups: [database] } });
    world.authorization.fail();

    expect(await decide(world, process, id, caller('carol'))).toMatchObject({ kind: 'unavailable' });
    expect(await world.request(id)).toMatchObject({ state: 'pending' });
  });
});

describe('two decisions at once', () => {
  it('of two people where one is needed: one opens it, the other is told that nothing waits any more', async () => {
    const { world, process } = await pending();
    const other = world.startProcess();

    const results = await Promise.all([
      decide(world, process, id, approver('carol')),
      decide(world, other, id, approver('dave')),
    ]);
    await world.runUntil(minutes(3), process);

    expect(results.map((result) => ('code' in result ? result.code : result.kind)).sort()).toEqual([
      ...['decided', 'not-pending'],
    ]);
    expect(await eventsOf(world, id)).toEqual(['pending', 'approved', 'opening', 'active']);
  });

  it('of one person count once where two people are needed', async () => {
    const { world, process } = await pending({ approval: { approvers: 2, groups: [] } });
    const carol = approver('carol');
    // The second call comes from a worker whose clock differs, while the first is between its reading and its writing.
    const late = world.startProcess(undefined, { clockAheadMilliseconds: 700 });
    const first = world.startProcess(
      undefined,
      once('requests.replace', async () => {
        await decide(world, late, id, carol);
      }),
    );

    expect(await decide(world, first, id, carol)).toMatchObject({
      kind: 'conflict',
      code: 'decided-already',
    });
    expect((await world.request(id)).approval?.given).toHaveLength(1);
    expect(await world.request(id)).toMatchObject({ state: 'pending' });
    expect(await decide(world, process, id, approver('dave'))).toMatchObject({
      request: { state: 'opening' },
    });
  });

  it('one of which is a withdrawal leave nothing open', async () => {
    const { world } = await pending();
    const process = world.startProcess(
      undefined,
      once('requests.replace', () => world.startProcess().revoke(id)),
    );

    expect(await decide(world, process, id, approver('carol'))).toMatchObject({ code: 'not-pending' });
    await world.runUntil(minutes(3), world.startProcess());

    expect(await eventsOf(world, id)).toEqual(['pending', 'closing', 'closed']);
    expect(writes(world)).toBe(0);
  });

  it('whose first answer was lost are one decision', async () => {
    const { world } = await pending();
    let lost = false;
    const process = world.startProcess(undefined, {
      after: (effect) => {
        if (effect !== 'requests.replace' || lost) return undefined;
        lost = true;
        return { instead: 'changed' };
      },
    });

    expect(await decide(world, process, id, approver('carol'))).toMatchObject({ kind: 'decided' });
    await world.runUntil(minutes(3), process);

    expect(await eventsOf(world, id)).toEqual(['pending', 'approved', 'opening', 'active']);
  });
});

describe('the last approval judges again', () => {
  const refusals: [string, (world: GrantWorld) => void | Promise<void>, string][] = [
    [
      'the requester’s right',
      (world) => world.authorization.deny({ objectId: alice.objectId }),
      'not-authorized',
    ],
    [
      'the policies',
      (world) => demand(world, { approval: oneApprover, justificationPattern: 'CHG[0-9]+' }),
      'justification-not-accepted',
    ],
    [
      'who must approve',
      (world) => demand(world, { approval: { approvers: 2, groups: [] } }),
      'approval-changed',
    ],
    [
      'the path',
      (world) => {
        world.network.removeVirtualMachine(vmId);
      },
      'vm-not-found',
    ],
    [
      'whether it could be closed',
      (world) => {
        const reason = { code: 'not-closable' as const, message: 'A lock is on it.' };
        world.rights.set(nicNsg, { kind: 'not-closable', reason });
      },
      'not-closable',
    ],
  ];
  it.each(refusals)('%s: what is not so any more is not opened', async (_what, change, code) => {
    const { world, process } = await pending();
    await change(world);

    const decided = await decide(world, process, id, approver('carol'));
    await world.runUntil(minutes(3), process);

    expect(decided).toMatchObject({ kind: 'denied', decision: { outcome: 'denied', reasons: [{ code }] } });
    expect(await world.request(id)).toMatchObject({ state: 'denied', reason: { code } });
    expect(await eventsOf(world, id)).toEqual(['pending', 'approved', 'denied']);
    expect((await world.audit(id)).at(-1)).toMatchObject({ actor: 'sallyport', reasons: [{ code }] });
    expect(writes(world)).toBe(0);
  });

  it('and goes on where the policies have become less strict', async () => {
    const { world, process } = await pending();
    await demand(world, {});

    expect(await decide(world, process, id, approver('carol'))).toMatchObject({
      request: { state: 'opening' },
    });
  });

  it('and stores nothing where Azure cannot be asked', async () => {
    const { world, process } = await pending();
    world.authorization.fail();

    expect(await decide(world, process, id, approver('carol'))).toMatchObject({ kind: 'unavailable' });
    expect(await world.request(id)).toMatchObject({ state: 'pending', approval: { given: [] } });
    world.authorization.answer();
    expect(await decide(world, process, id, approver('carol'))).toMatchObject({
      request: { state: 'opening' },
    });
  });

  it('opens it at the addresses that the machine has by then', async () => {
    const { world, process } = await pending();
    const found = await world.network.resolveVirtualMachine(vmId, { correlationId: 'c' });
    if ('refused' in found) throw new Error(found.refused);
    world.network.addVirtualMachine({ ...found, addresses: [{ family: 'IPv4', address: '10.1.0.77' }] });

    await decide(world, process, id, approver('carol'));

    const [target] = (await world.request(id)).targets;
    expect(target?.boxes[0]?.destinationAddressPrefixes).toEqual(['10.1.0.77/32']);
  });
});

describe('a decision whose records cannot be written', () => {
  it('counts, and opens nothing before they are', async () => {
    const { world } = await pending();
    const blind = world.startProcess(undefined, always('audit'));

    expect(await decide(world, blind, id, approver('carol'))).toMatchObject({ kind: 'decided' });
    expect(world.logged).toContain('decision-left-to-step');
    expect(await liveRows(world)).toEqual([]);
    await world.runUntil(minutes(3), world.startProcess());

    expect(await eventsOf(world, id)).toEqual(['pending', 'approved', 'opening', 'active']);
  });
});
