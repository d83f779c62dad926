import { describe, expect, it } from 'vitest';
import {
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  seconds,
  subnetNsg,
  type GrantWorld,
} from '../support/grantWorld.ts';
import { accepted, always, once, openRules } from '../support/hindrances.ts';

const minutes = (count: number) => seconds(count * 60);
const id = idOf(1);

describe('clocks that differ', () => {
  it('do not end a grant at its beginning, when the worker is behind who accepted it', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess(undefined, { clockAheadMilliseconds: 10_000 }));

    await world.runUntil(minutes(1), world.startProcess());

    expect(await eventsOf(world, id)).toEqual(['opening', 'active']);
    expect(openRules(world)).toHaveLength(2);
  });

  it('do not shut an active grant when a worker that is behind opens another', async () => {
    const world = await grantWorld();
    const ahead = world.startProcess(undefined, { clockAheadMilliseconds: 20_000 });
    await accepted(world, ahead);
    await world.runUntil(seconds(5), ahead);

    const behind = world.startProcess();
    await accepted(world, behind);
    await world.runUntil(seconds(10), behind);

    expect(openRules(world)).toHaveLength(4);
  });
});

describe('a worker whose clock is behind', () => {
  it('takes nothing away that another worker is just opening', async () => {
    const world = await grantWorld();
    const ahead = world.startProcess(undefined, {
      clockAheadMilliseconds: 20_000,
      // Between the read-back and what is recorded of it.
      before: async (effect) => {
        if (effect === 'requests.replace') await world.clock.sleep(5000);
      },
    });
    await accepted(world, ahead);
    const opening = ahead.step(id, 'sallyport');
    await world.clock.advanceTo(seconds(4));
    expect(openRules(world)).toHaveLength(2);

    const behind = world.startProcess();
    await world.clock.run(behind.submit());
    await world.clock.run(behind.step(idOf(2), 'sallyport'));

    expect(openRules(world)).toHaveLength(4);
    expect(await world.clock.run(opening)).toMatchObject({ kind: 'wait' });
    expect((await world.request(id)).state).toBe('active');
  });
});

describe('an audit that is down', () => {
  it('does not keep open what is past its end; the records follow (I10)', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(59), world.startProcess());

    const hindered = world.startProcess(undefined, always('audit'));
    await world.clock.advanceTo(minutes(61));
    await world.clock.run(hindered.sweep());

    expect(openRules(world)).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['opening', 'active']);

    await world.clock.run(world.startProcess().sweep());
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('lets nothing be opened', async () => {
    const world = await grantWorld();

    await accepted(world, world.startProcess(undefined, always('audit')));
    await world.clock.run(world.startProcess(undefined, always('audit')).sweep());

    expect(openRules(world)).toEqual([]);
    expect(await world.stores.live.ofNsg(subnetNsg)).toEqual([]);
  });
});

describe('a process that stalls', () => {
  it('does not open again what was closed and swept away meanwhile', async () => {
    const world = await grantWorld();
    const stalled = world.startProcess(
      undefined,
      once('live.get', () => world.clock.sleep(20 * 60_000)),
    );
    const submitted = stalled.submit();
    await world.clock.advanceTo(seconds(20));
    await world.startProcess().revoke(id);
    for (let minute = 1; minute <= 15; minute += 1) {
      await world.clock.advanceTo(minutes(minute));
      await world.clock.run(world.startProcess().sweep());
      await world.runUntil(minutes(minute), world.startProcess());
    }
    expect((await world.request(id)).state).toBe('closed');
    expect(await world.stores.live.unended()).toEqual([]);

    await world.clock.run(submitted);

    expect(await world.stores.live.ofNsg(subnetNsg)).toEqual([]);
    expect(await world.stores.live.ofNsg(nicNsg)).toEqual([]);
  });

  it('does not put its older row over the newer one of a revocation', async () => {
    const world = await grantWorld();
    const stalled = world.startProcess(
      undefined,
      once('audit.insert', () => world.clock.sleep(20_000)),
    );
    const submitted = stalled.submit();
    await world.clock.advanceTo(seconds(10));
    await world.startProcess().revoke(id);

    await world.clock.run(submitted);

    for (const nsgId of [subnetNsg, nicNsg]) {
      expect(await world.stores.live.get(nsgId, id)).toMatchObject({ row: { state: 'closing', version: 2 } });
    }
  });

  it('leaves no live rows when it steps a request that has ended and was swept away', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(61), world.startProcess());
    await world.clock.advanceTo(minutes(70));
    // The first seals its records, the next removes its rows.
    await world.clock.run(world.startProcess().sweep());
    await world.clock.run(world.startProcess().sweep());

    expect(await world.clock.run(world.startProcess().step(id, 'sallyport'))).toEqual({ kind: 'done' });

    expect(await world.stores.live.ofNsg(subnetNsg)).toEqual([]);
    expect(await world.stores.live.unended()).toEqual([]);
  });

  it('between the two rows of a new request is still seen by the sweep afterwards', async () => {
    const world = await grantWorld();
    const stalled = world.startProcess(
      undefined,
      once('requests.insert', () => world.clock.sleep(20 * 60_000)),
    );
    const submitted = stalled.submit();
    await world.clock.advanceTo(minutes(15));
    await world.clock.run(world.startProcess().sweep());
    await world.clock.run(submitted);
    world.running.clear();

    for (let minute = 21; minute <= 70; minute += 1) {
      await world.clock.advanceTo(minutes(minute));
      await world.clock.run(world.startProcess().sweep());
    }

    expect(openRules(world)).toEqual([]);
    expect(['closed', 'failed']).toContain((await world.request(id)).state);
  });

  it('in its first reconcile does not shut out those that come later', async () => {
    const world = await grantWorld();
    const never = new Promise<void>(() => undefined);
    const process = world.startProcess(
      undefined,
      once('network.readNsg', () => never),
    );
    await accepted(world, process);

    await world.runUntil(minutes(4), process);

    expect((await world.request(id)).state).toBe('active');
  });

  it('on the way to a close says nothing about it for as long as a write from before may arrive', async () => {
    const world: GrantWorld = await grantWorld();
    await accepted(world, world.startProcess());
    // The request's row says closing at once; the live rows follow half a minute later.
    const revoking = world
      .startProcess(
        undefined,
        once('live.get', () => world.clock.sleep(30_000)),
      )
      .revoke(id);
    await world.clock.advanceTo(seconds(29));
    expect((await world.request(id)).state).toBe('closing');
    await world.clock.run(revoking);
    const copied = world.clock.now().getTime();

    await world.runUntil(minutes(3), world.startProcess());

    const [, , closed] = await world.audit(id);
    expect(closed?.event).toBe('request.closed');
    expect(Date.parse(closed?.at ?? '') - copied).toBeGreaterThanOrEqual(25_000);
  });
});
