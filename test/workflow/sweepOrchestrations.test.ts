import { describe, expect, it } from 'vitest';
import type { Orchestrations } from '../../src/workflow/contracts.ts';
import { createPurge } from '../../src/workflow/purgeInstances.ts';
import type { Drive } from '../support/driveOrchestrator.ts';
import {
  eventsOf,
  grantWorld,
  idOf,
  noon,
  seconds,
  subnetNsg,
  type GrantWorld,
} from '../support/grantWorld.ts';

const id = idOf(1);
const nothing = () => undefined;

/** An instance that runs, as far as anybody is told, and does nothing whatever happens. */
const stuck: Drive = {
  asked: () => ({ kind: 'wait', until: new Date(8.64e15), timerCancelled: () => false }),
  ...{ complete: nothing, fail: nothing, fire: nothing, ring: nothing },
};
const ended: Drive = { ...stuck, asked: () => ({ kind: 'returned', output: 'failed' }) };

const fates: [string, (world: GrantWorld) => void][] = [
  ['is missing', (world) => world.running.clear()],
  ['is stuck, running but silent', (world) => void world.running.set(id, stuck)],
  ['has failed, or was terminated', (world) => void world.running.set(id, ended)],
];

/** Lets time pass with a sweep each minute, and whatever orchestration can go on. */
async function live(world: GrantWorld, from: number, to: number): Promise<void> {
  const process = world.startProcess();
  for (let at = from; at <= to; at += 60) {
    await world.runUntil(seconds(at), process);
    await world.clock.run(process.sweep());
  }
}

describe.each(fates)('a grant whose orchestration %s', (_, befall) => {
  it('keeps its end, and ends then within two periods of the sweep', async () => {
    const world = await grantWorld();
    await world.clock.run(world.startProcess().submit());
    await world.runUntil(seconds(60), world.startProcess());
    befall(world);

    await live(world, 120, 3540);
    expect(world.ownedRules(subnetNsg)).toHaveLength(1);
    expect(await world.request(id)).toMatchObject({ state: 'active', end: seconds(3600).toISOString() });

    await live(world, 3600, 3720);
    expect(world.ownedRules()).toEqual([]);
    expect(await world.request(id)).toMatchObject({ state: 'closed', end: seconds(3600).toISOString() });
    expect((await eventsOf(world, id)).slice(-2)).toEqual(['closing', 'closed']);
  });

  it('is opened by a successor if it was not open yet, until the end that it had', async () => {
    const world = await grantWorld();
    await world.clock.run(world.startProcess().submit());
    befall(world);

    await live(world, 60, 240);

    expect(await world.request(id)).toMatchObject({
      ...{ state: 'active', instance: `${id}-2`, end: seconds(3600).toISOString() },
    });
    expect(await eventsOf(world, id)).toEqual(['opening', 'orchestration-restarted', 'active']);
  });
});

describe('a grant whose orchestration could never be started', () => {
  const never = {
    before: (effect: string) => {
      if (effect === 'orchestrations.start') throw new Error('Durable is down.');
    },
  };

  it('is started by the sweep once that is possible', async () => {
    const world = await grantWorld();
    await world.clock.run(world.startProcess(undefined, never).submit());
    expect(world.running.size).toBe(0);

    await live(world, 60, 120);

    expect((await world.request(id)).state).toBe('active');
  });

  it('is opened by the sweep itself where that stays impossible', async () => {
    const world = await grantWorld();
    const deaf = world.startProcess(undefined, never);
    await world.clock.run(deaf.submit());
    for (let at = 60; at <= 480; at += 60) {
      await world.clock.advanceTo(seconds(at));
      await world.clock.run(deaf.sweep());
    }

    expect(await world.request(id)).toMatchObject({ state: 'active', end: seconds(3600).toISOString() });
  });
});

describe('a wiped hub', () => {
  it('moves no end of any grant', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    for (let count = 0; count < 5; count += 1) await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    world.running.clear();

    await live(world, 120, 3540);
    expect(world.ownedRules(subnetNsg)).toHaveLength(5);
    await live(world, 3600, 3720);
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });
});

describe('what is purged', () => {
  const day = 24 * 3600;
  /** Purges that hold instances made at these seconds, and the spans that were asked for. */
  function hub(...made: number[]) {
    const spans: [number, number][] = [];
    const instances = new Set(made);
    const purge: Orchestrations['purge'] = (from, to) => {
      spans.push([from.getTime(), to.getTime()]);
      const found = [...instances].filter((at) => seconds(at) >= from && seconds(at) <= to);
      found.forEach((at) => instances.delete(at));
      return Promise.resolve(found.length);
    };
    const unasked = () => Promise.reject(new Error('Nobody asked for this.'));
    return { orchestrations: { purge, start: unasked, ring: unasked, status: unasked }, spans, instances };
  }

  it('is everything older than seven days and nothing younger, in spans without gaps', async () => {
    const { orchestrations, spans, instances } = hub(
      0,
      5 * day,
      30 * day,
      33 * day - 7200,
      34 * day,
      39 * day,
    );
    const purge = createPurge();

    let purged = 0;
    for (let call = 0; call < 100; call += 1) purged += await purge(orchestrations, noon, seconds(40 * day));

    expect([...instances]).toEqual([34 * day, 39 * day]);
    expect(purged).toBe(4);
    expect(spans.length).toBeLessThan(60);
    expect(spans.slice(1).every(([from], index) => from === spans[index]?.[1])).toBe(true);
    expect(Math.max(...spans.map(([, to]) => to))).toBeLessThanOrEqual(seconds(33 * day).getTime());
  });

  it('is asked for no more than once an hour when all is purged', async () => {
    const { orchestrations, spans } = hub();
    const purge = createPurge();
    for (let call = 0; call < 100; call += 1) await purge(orchestrations, noon, seconds(10 * day));
    const before = spans.length;

    for (let minute = 0; minute < 120; minute += 1) {
      await purge(orchestrations, noon, seconds(10 * day + minute * 60));
    }

    expect(spans.length - before).toBeLessThanOrEqual(2);
  });

  it('is a span at a time: one call deletes no more than an hour’s instances where there are some', async () => {
    const { orchestrations, spans } = hub(...Array.from({ length: 48 }, (_, hour) => hour * 3600));
    const purge = createPurge();
    const counts: number[] = [];
    for (let call = 0; call < 80; call += 1) {
      counts.push(await purge(orchestrations, seconds(day), seconds(20 * day)));
    }
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    expect(counts.reduce((sum, count) => sum + count)).toBe(48);
    expect(spans.length).toBeGreaterThan(0);
  });
});
