import { describe, expect, it } from 'vitest';
import { createHeartbeat, heartbeatBound } from '../../src/workflow/heartbeat.ts';
import { eventsOf, grantWorld, idOf, noon, seconds } from '../support/grantWorld.ts';
import { createMemorySweepState } from '../support/memoryStores.ts';
import { virtualClock } from '../support/virtualClock.ts';

/** A world that no sweep has seen yet, with one request that was accepted. */
async function unwatched() {
  const world = await grantWorld(undefined, 'task-failed', 'new');
  const process = world.startProcess();
  const submitted = await world.clock.run(process.submit());
  await world.runUntil(seconds(5), process);
  const owned = () => world.ownedRules();
  return { world, process, submitted, owned };
}

describe('the heartbeat', () => {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

  it('is fresh for three periods, and for a minute at least', async () => {
    expect([heartbeatBound(60), heartbeatBound(300), heartbeatBound(2)]).toEqual([180, 900, 60]);
    const clock = virtualClock(noon);
    const sweepState = createMemorySweepState();
    const heartbeat = createHeartbeat({ sweepState, clock, log: silent }, 60);
    expect(await heartbeat.isFresh()).toBe(false);

    await sweepState.beat(noon.toISOString());
    expect(await heartbeat.isFresh()).toBe(true);
    await clock.advanceTo(seconds(179));
    expect(await heartbeat.isFresh()).toBe(true);
    await clock.advanceTo(seconds(180));
    expect(await heartbeat.isFresh()).toBe(false);
    await sweepState.beat(seconds(170).toISOString());
    expect(await heartbeat.isFresh()).toBe(true);
  });

  it('of the far future is not believed, and one that cannot be read is none', async () => {
    const clock = virtualClock(noon);
    const sweepState = createMemorySweepState();
    await sweepState.beat(seconds(61).toISOString());
    expect(await createHeartbeat({ sweepState, clock, log: silent }, 60).isFresh()).toBe(false);

    const told: string[] = [];
    const log = { ...silent, error: (message: string) => void told.push(message) };
    const broken = { heartbeat: () => Promise.reject(new Error('The table is down.')) };
    expect(await createHeartbeat({ sweepState: broken, clock, log }, 60).isFresh()).toBe(false);
    expect(told).toEqual(['heartbeat-unreadable']);
  });

  it('is read once, not for every open', async () => {
    const clock = virtualClock(noon);
    let reads = 0;
    const sweepState = { heartbeat: () => Promise.resolve(((reads += 1), noon.toISOString())) };
    const heartbeat = createHeartbeat({ sweepState, clock, log: silent }, 60);
    for (let open = 0; open < 5; open += 1) await heartbeat.isFresh();
    expect(reads).toBe(1);
  });
});

describe('without a heartbeat', () => {
  it('a request is accepted and waits, saying for what, and nothing is written to Azure', async () => {
    const { world, submitted, owned } = await unwatched();

    expect(submitted).toMatchObject({
      kind: 'accepted',
      request: { state: 'opening', waiting: { reason: { code: 'waiting-for-sweep' } } },
    });
    expect(await world.request(idOf(1))).toMatchObject({
      state: 'opening',
      waiting: { reason: { code: 'waiting-for-sweep' } },
    });
    expect(owned()).toEqual([]);
    expect(world.network.calls.filter(({ method }) => method === 'write')).toEqual([]);
  });

  it('is opened by the ring of the first complete sweep, until the end that was granted', async () => {
    const { world, process, owned } = await unwatched();

    const report = await world.clock.run(process.sweep());
    await world.runUntil(seconds(15), process);

    expect(report.complete).toBe(true);
    expect(await world.request(idOf(1))).toMatchObject({ state: 'active', end: seconds(3600).toISOString() });
    expect(owned()).toHaveLength(2);
  });

  it('a revocation is done at once, and what waited is never opened', async () => {
    const { world, process, owned } = await unwatched();

    await world.clock.run(process.revoke(idOf(1)));
    await world.runUntil(seconds(60), process);

    expect(await eventsOf(world, idOf(1))).toEqual(['opening', 'closing', 'closed']);
    expect(owned()).toEqual([]);
    expect(world.network.calls.filter(({ method }) => method === 'write')).toEqual([]);
  });

  it('a request that waits to its end ends then, however long it waited', async () => {
    const { world, process } = await unwatched();

    await world.runUntil(seconds(3590), process);
    expect((await world.request(idOf(1))).state).toBe('opening');
    await world.runUntil(seconds(3660), process);

    expect(await world.request(idOf(1))).toMatchObject({ state: 'failed', reason: { code: 'ended' } });
  });

  it('a request that waited for long has as much time to open afterwards as any other', async () => {
    const { world, process } = await unwatched();
    await world.runUntil(seconds(1000), process);
    await world.clock.run(process.sweep());
    world.network.fail('write', { kind: 'locked' }, 30);

    await world.runUntil(seconds(1100), process);

    expect((await world.request(idOf(1))).state).toBe('active');
  });

  it('grants that are open when the sweep falls silent are closed at their end', async () => {
    const { world, process, owned } = await unwatched();
    await world.clock.run(process.sweep());
    await world.runUntil(seconds(60), process);
    expect(owned()).toHaveLength(2);

    await world.runUntil(seconds(3610), process);

    expect(owned()).toEqual([]);
    expect((await world.request(idOf(1))).state).toBe('closed');
  });
});
