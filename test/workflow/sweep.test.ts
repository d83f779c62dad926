import { describe, expect, it } from 'vitest';
import {
  eventsOf,
  grantWorld,
  idOf,
  noon,
  seconds,
  subnetNsg,
  type GrantWorld,
} from '../support/grantWorld.ts';

/** Requests accepted and opened, whose orchestrations are then lost. */
async function orphaned(count: number): Promise<GrantWorld> {
  const world = await grantWorld();
  const process = world.startProcess();
  for (let number = 0; number < count; number += 1) await world.clock.run(process.submit());
  await world.runUntil(seconds(60), process);
  world.running.clear();
  return world;
}

describe('the sweep', () => {
  it('closes what is past its end without any orchestration (I1)', async () => {
    const world = await orphaned(1);
    await world.clock.advanceTo(seconds(3620));

    const report = await world.clock.run(world.startProcess().sweep());

    expect(report).toMatchObject({ seen: 1, stepped: 1, failed: 0, left: 0 });
    expect(world.ownedRules()).toEqual([]);
    expect(await eventsOf(world, idOf(1))).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('leaves alone what is not due', async () => {
    const world = await orphaned(1);

    const report = await world.clock.run(world.startProcess().sweep());

    expect(report).toMatchObject({ seen: 1, stepped: 0, restarted: 0 });
  });

  it('starts one successor, under the next name, for a request that has no orchestration, and records it', async () => {
    const world = await grantWorld();
    await world.clock.run(world.startProcess().submit());
    world.running.clear();
    await world.clock.advanceTo(seconds(20));

    const [first, second] = await Promise.all(
      [world.startProcess(), world.startProcess()].map((process) => world.clock.run(process.sweep())),
    );

    expect((first?.restarted ?? 0) + (second?.restarted ?? 0)).toBeGreaterThan(0);
    expect([...world.running.keys()]).toEqual([`${idOf(1)}-2`]);
    await world.runUntil(seconds(30), world.startProcess());
    expect(await eventsOf(world, idOf(1))).toEqual(['opening', 'orchestration-restarted', 'active']);
    expect((await world.request(idOf(1))).instance).toBe(`${idOf(1)}-2`);
  });

  it('rings an orchestration that runs but is overdue', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    world.network.fail('write', { kind: 'throttled', retryAfterSeconds: 60 });
    await world.runUntil(seconds(1), process);
    const stored = await world.stores.requests.get(idOf(1));
    if (stored === undefined) throw new Error('There is no row.');
    await world.stores.requests.replace({ ...stored.row, nextDue: noon.toISOString() }, stored.etag);
    await world.clock.advanceTo(seconds(20));

    await world.clock.run(world.startProcess().sweep());

    expect(world.running.get(idOf(1))?.asked().kind).toBe('activity');
  });

  it('steps itself what is still not open after five minutes, when nothing can be rung', async () => {
    const world = await grantWorld();
    const deaf = world.startProcess(undefined, {
      before: (effect) => {
        if (effect.startsWith('orchestrations')) throw new Error('Durable is down.');
      },
    });
    await world.clock.run(deaf.submit());
    world.network.fail('write', { kind: 'throttled', retryAfterSeconds: 30 }, 100);
    await world.clock.advanceTo(seconds(310));

    await world.clock.run(deaf.sweep());

    expect(await world.request(idOf(1))).toMatchObject({ state: 'closing', reason: { code: 'throttled' } });
  });

  it('goes on when the first requests cannot be read', async () => {
    const world = await orphaned(12);
    await world.clock.advanceTo(seconds(3620));
    const hindered = world.startProcess(undefined, {
      before: (effect, [requestId]) => {
        if (effect === 'requests.get' && Number(`0x${String(requestId)}`) <= 9)
          throw new Error('Unreadable.');
      },
    });

    const report = await world.clock.run(hindered.sweep());

    expect(report).toMatchObject({ seen: 12, stepped: 3, failed: 9 });
    // One reconcile closes all that ended, whoever asked for it.
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it('begins nothing more when its time is up, and says how much it left', async () => {
    const world = await orphaned(20);
    await world.clock.advanceTo(seconds(3620));
    const slow = world.startProcess(undefined, {
      before: (effect) => (effect === 'requests.get' ? world.clock.sleep(100_000) : undefined),
    });

    const report = await world.clock.run(slow.sweep());

    expect(report.left).toBeGreaterThan(0);
    expect(report.seen + report.left).toBe(20);
  });

  it('puts away live rows only some minutes after their request has ended', async () => {
    const world = await orphaned(1);
    const process = world.startProcess();
    await world.clock.advanceTo(seconds(3620));
    await world.clock.run(process.sweep());

    await world.clock.advanceTo(seconds(3680));
    await world.clock.run(process.sweep());
    expect((await world.stores.live.ofNsg(subnetNsg)).map(({ row }) => row.state)).toEqual(['closed']);

    await world.clock.advanceTo(seconds(3930));
    await world.clock.run(process.sweep());
    expect(await world.stores.live.ofNsg(subnetNsg)).toEqual([]);
    expect(await world.stores.live.unended()).toEqual([]);
  });
});
