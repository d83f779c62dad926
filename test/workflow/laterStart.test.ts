import { describe, expect, it } from 'vitest';
import { approver, decide, demand, oneApprover } from '../support/approvals.ts';
import {
  alice,
  eventsOf,
  grantWorld,
  idOf,
  minutes,
  seconds,
  subnetNsg,
  vmId,
  type GrantWorld,
} from '../support/grantWorld.ts';
import { openRules } from '../support/hindrances.ts';

const id = idOf(1);
const day = 24 * 60;
const days = (count: number) => minutes(count * day);

/** A world in which a grant of an hour is to begin in two hours. */
async function scheduled(start = minutes(120)) {
  const world = await grantWorld();
  const process = world.startProcess();
  const result = await world.clock.run(process.submit({ start: start.toISOString() }));
  return { world, process, result };
}

const writes = ({ network }: GrantWorld) => network.calls.filter(({ method }) => method === 'write').length;

describe('a grant that begins later', () => {
  it('is not open before its start, and for its duration from then on', async () => {
    const { world, process } = await scheduled();
    expect(await world.request(id)).toMatchObject({
      ...{ state: 'scheduled', start: minutes(120).toISOString(), end: minutes(180).toISOString() },
    });

    await world.runUntil(seconds(120 * 60 - 1), process);
    expect(writes(world)).toBe(0);
    expect(await world.stores.live.ofNsg(subnetNsg)).toEqual([]);
    await world.runUntil(minutes(121), process);
    expect(openRules(world)).toHaveLength(2);
    await world.runUntil(minutes(182), process);

    expect(openRules(world)).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['scheduled', 'opening', 'active', 'closing', 'closed']);
    expect(await world.request(id)).toMatchObject({ end: minutes(180).toISOString() });
  });

  it.each([
    ['eight days ahead', days(8)],
    ['an hour ago', minutes(-60)],
  ])('is refused %s', async (_when, start) => {
    const { world, result } = await scheduled(start);

    expect(result).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'start-not-allowed', field: 'start' }] },
    });
    expect(await world.stores.live.unended()).toEqual([]);
  });

  it('begins at once where its start has passed by no more than clocks differ', async () => {
    const { world } = await scheduled(seconds(-30));

    expect(await world.request(id)).toMatchObject({ state: 'opening', end: minutes(60).toISOString() });
  });

  it('may be a week ahead', async () => {
    const { world, process } = await scheduled(days(7));
    for (let at = 1; at <= 7; at += 1) {
      await world.runUntil(days(at), process);
      await world.clock.run(process.sweep());
    }

    await world.runUntil(minutes(7 * day + 2), process);

    expect(await world.request(id)).toMatchObject({ state: 'active' });
  });

  it.each<[string, (world: GrantWorld) => void | Promise<void>, string]>([
    [
      'whose right is gone',
      (world) => world.authorization.deny({ objectId: alice.objectId }),
      'not-authorized',
    ],
    ['whose policy wants approval', (world) => demand(world, { approval: oneApprover }), 'approval-changed'],
    [
      'whose machine is gone',
      (world) => {
        world.network.removeVirtualMachine(vmId);
      },
      'vm-not-found',
    ],
  ])('%s by its start is not opened, and needs nothing closed', async (_what, change, code) => {
    const { world, process } = await scheduled();
    await change(world);

    await world.runUntil(minutes(125), process);

    expect(await world.request(id)).toMatchObject({ state: 'failed', reason: { code } });
    expect(await eventsOf(world, id)).toEqual(['scheduled', 'closing', 'failed']);
    expect(writes(world)).toBe(0);
  });

  it('waits while Azure does not answer, and gives up in time', async () => {
    const { world, process } = await scheduled();
    world.authorization.fail();
    await world.runUntil(minutes(122), process);
    expect(await world.request(id)).toMatchObject({ state: 'scheduled' });

    await world.runUntil(minutes(130), process);

    expect(await world.request(id)).toMatchObject({
      state: 'failed',
      reason: { code: 'not-opened-in-time' },
    });
  });

  it('is opened by another orchestration where its own is lost', async () => {
    const { world, process } = await scheduled();
    world.running.clear();
    await world.clock.advanceTo(minutes(121));

    await world.clock.run(process.sweep());
    await world.runUntil(minutes(122), process);

    expect(await world.request(id)).toMatchObject({ state: 'active', instance: `${id}-2` });
  });

  it('ends by the sweep where nobody opened it, and was never open', async () => {
    const { world, process } = await scheduled();
    world.running.clear();
    await world.clock.advanceTo(minutes(190));

    await world.clock.run(process.sweep());

    expect(await eventsOf(world, id)).toEqual(['scheduled', 'closing', 'failed']);
    expect(writes(world)).toBe(0);
  });

  it('is called off before its start without a look at Azure', async () => {
    const { world, process } = await scheduled();
    const before = world.network.calls.length;

    await world.clock.run(process.revoke(id));
    await world.runUntil(minutes(125), process);

    expect(await eventsOf(world, id)).toEqual(['scheduled', 'closing', 'closed']);
    expect(world.network.calls.slice(before)).toEqual([]);
  });

  it('and needs approval begins at its start, or at the approval where that is later', async () => {
    for (const [approvedAt, start] of [
      [minutes(30), minutes(120)],
      [minutes(150), minutes(150)],
    ] as const) {
      const world = await grantWorld();
      await demand(world, { approval: oneApprover });
      const process = world.startProcess();
      await world.clock.run(process.submit({ start: minutes(120).toISOString() }));
      await world.runUntil(approvedAt, process);
      await decide(world, process, id, approver('carol'));

      const row = await world.request(id);
      expect(row.state).toBe(start > approvedAt ? 'scheduled' : 'opening');
      expect(row.start).toBe(start.toISOString());
      expect(row.end).toBe(new Date(start.getTime() + 3_600_000).toISOString());
      await world.runUntil(new Date(start.getTime() + 60_000), process);
      expect(await world.request(id)).toMatchObject({ state: 'active' });
    }
  });
});
