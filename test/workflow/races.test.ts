import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
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

describe('a step', () => {
  it.each(['readNsg', 'writeNsg'])(
    'returns within a minute when one NSG refuses and the other hangs in %s',
    async (method) => {
      const world = await grantWorld();
      const process = world.startProcess(undefined, {
        before: (effect, [target]) => {
          if (effect !== `network.${method}`) return;
          const nsgId = typeof target === 'string' ? target : (target as { id: string }).id;
          return nsgId === nicNsg ? new Promise(() => undefined) : undefined;
        },
      });
      await accepted(world, process);
      world.network.fail('write', { kind: 'not-permitted' });
      const began = world.clock.now().getTime();

      const result = await world.clock.run(process.step(id, 'sallyport'));

      expect(result).toMatchObject({ kind: 'again', phase: 'closing' });
      expect(world.clock.now().getTime() - began).toBeLessThan(60_000);
    },
  );

  it('gives up opening in time although the reconcile of one NSG throws each time', async () => {
    const world = await grantWorld();
    const process = world.startProcess(undefined, {
      before: (effect, [nsgId]) => {
        if (effect === 'network.readNsg' && nsgId === nicNsg) throw new Error('Nobody thought of this.');
      },
    });
    await accepted(world, process);

    await world.runUntil(minutes(6), process);

    expect(await world.request(id)).toMatchObject({ state: 'closing', outcome: 'failed' });
    expect(world.ownedRules(subnetNsg)).toEqual([]);
    expect(world.logged).toContain('reconcile-failed');
  });

  it('shuts at once what it opened, when another NSG of the path refuses', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    world.network.removeNsg(nicNsg);

    const result = await world.clock.run(process.step(id, 'sallyport'));

    expect(result.kind).toBe('wait');
    expect(world.network.calls.filter(({ method }) => method === 'write')).toHaveLength(2);
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it('that is called a little early waits the end out and closes', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.runUntil(minutes(59), process);
    await world.clock.advanceTo(seconds(3599));

    expect(await world.clock.run(process.step(id, 'sallyport'))).toEqual({ kind: 'done' });

    const [, , closing] = await world.audit(id);
    expect(closing?.at).toBe(minutes(60).toISOString());
  });

  it('writes down when it wants to be called again', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    world.network.fail('write', { kind: 'throttled', retryAfterSeconds: 33 });

    const result = await world.clock.run(process.step(id, 'sallyport'));

    expect(result).toEqual({ kind: 'again', afterSeconds: 33, phase: 'opening' });
    const due = Date.parse((await world.request(id)).nextDue);
    expect(due).toBe(world.clock.now().getTime() + 33_000);
  });

  it('closes without waiting for days although Azure says so', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.runUntil(minutes(1), process);
    world.network.fail('write', { kind: 'throttled', retryAfterSeconds: 90_000 }, 1);
    await process.revoke(id);

    await world.runUntil(minutes(10), process);

    expect(openRules(world)).toEqual([]);
  });
});

describe('a grant that was read back as open', () => {
  it('does not become active when what was read back is not its own rules', async () => {
    const world = await grantWorld();
    const process = world.startProcess(
      undefined,
      once('network.readNsg', () => world.stores.live.remove(subnetNsg, id)),
    );
    await accepted(world, process);

    expect(await world.clock.run(process.step(id, 'sallyport'))).toMatchObject({ phase: 'opening' });
    await world.runUntil(minutes(1), process);

    expect(await eventsOf(world, id)).toEqual(['opening', 'active']);
  });

  it('does not become active when it is revoked before the row says so', async () => {
    const world = await grantWorld();
    const process = world.startProcess(
      undefined,
      once('requests.replace', () => world.startProcess().revoke(id)),
    );
    await accepted(world, process);

    await world.runUntil(minutes(2), process);

    expect(await eventsOf(world, id)).toEqual(['opening', 'closing', 'closed']);
    expect(openRules(world)).toEqual([]);
  });

  it('does not become active when its end comes before the row says so (I5)', async () => {
    const world = await grantWorld();
    const process = world.startProcess(
      undefined,
      once('requests.replace', async () => {
        // Somebody else changes the row, so that the change is decided anew, and by then it is late.
        const stored = await world.stores.requests.get(id);
        if (stored !== undefined) await world.stores.requests.replace(stored.row, stored.etag);
        await world.clock.sleep(3_600_000);
      }),
    );
    await accepted(world, process);

    await world.runUntil(minutes(63), process);

    expect(await eventsOf(world, id)).toEqual(['opening', 'closing', 'failed']);
    expect(openRules(world)).toEqual([]);
  });
});

describe('a revocation', () => {
  it('rings although its live rows could not be written, and the step that is rung for writes them', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(1), world.startProcess());

    await expect(world.startProcess(undefined, always('live')).revoke(id)).rejects.toThrow(
      'The table is down.',
    );
    await world.runUntil(minutes(2), world.startProcess());

    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(openRules(world)).toEqual([]);
  });

  it('is recorded once when two people revoke at once and every answer about the row is lost', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(1), world.startProcess());
    const lost = () =>
      world.startProcess(undefined, {
        after: (effect) => {
          if (effect === 'requests.replace') throw new Error('read ECONNRESET');
          return undefined;
        },
      });

    await Promise.allSettled([lost().revoke(id), lost().revoke(id)]);
    await world.startProcess().revoke(id);
    await world.clock.advanceTo(minutes(2));
    await world.clock.run(world.startProcess().sweep());

    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it.each([
    ['once, however often it is repeated', () => undefined],
    [
      'although the answer about the row was lost',
      (effect: string) => (effect === 'requests.replace' ? { instead: 'changed' } : undefined),
    ],
  ])('rings %s', async (_case, after) => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(1), world.startProcess());
    let rings = 0;
    const process = world.startProcess(undefined, {
      before: (effect) => void (rings += effect === 'orchestrations.ring' ? 1 : 0),
      after,
    });

    await process.revoke(id);
    await world.clock.advanceTo(seconds(61));
    await process.revoke(id);

    expect(rings).toBe(1);
  });

  it('is answered although nobody can be rung', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(1), world.startProcess());

    await world.startProcess(undefined, always('orchestrations')).revoke(id);

    expect((await world.request(id)).state).toBe('closing');
    expect(world.logged).toContain('ring-left-to-sweep');
  });

  it('while the grant is being opened is acted upon by the same step', async () => {
    const world: GrantWorld = await grantWorld(async ({ method }) => {
      if (method === 'write') await world.startProcess().revoke(id);
    });
    const process = world.startProcess();
    await accepted(world, process);

    expect((await world.clock.run(process.step(id, 'sallyport'))).kind).toBe('wait');
    expect(openRules(world)).toEqual([]);
  });

  it('that meets the end of the grant is one closing with it, by whoever was first', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.runUntil(minutes(59), process);
    await world.clock.advanceTo(minutes(60));

    const raced = world.startProcess(
      undefined,
      once('requests.replace', () => process.revoke(id)),
    );
    expect(await world.clock.run(raced.step(id, 'sallyport'))).toEqual({ kind: 'done' });

    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(await world.request(id)).toMatchObject({ state: 'closed', reason: { code: 'revoked' } });
  });

  it.each(['insert', 'replace'] as const)(
    'reaches the live rows although others are first to %s them',
    async (method) => {
      const world = await grantWorld();
      await accepted(world, world.startProcess(undefined, method === 'insert' ? always('audit') : {}));
      let others = 0;
      const overtaken = world.startProcess(undefined, {
        before: async (effect, [row]) => {
          if (effect !== `live.${method}`) return;
          others += 1;
          const older: LiveRow = { ...(row as LiveRow), state: 'opening', version: 1 };
          const there = await world.stores.live.get(older.nsgId, id);
          if (there === undefined) await world.stores.live.insert(older);
          else if (others < 4) await world.stores.live.replace(older, there.etag);
        },
      });

      await overtaken.revoke(id);

      expect(others).toBeGreaterThan(1);
      for (const nsgId of [subnetNsg, nicNsg]) {
        expect(await world.stores.live.get(nsgId, id)).toMatchObject({
          row: { state: 'closing', version: 2 },
        });
      }
    },
  );

  it('has reached the live rows when the caller is answered', async () => {
    const world = await grantWorld();
    await accepted(world, world.startProcess());
    await world.runUntil(minutes(1), world.startProcess());

    await world.startProcess().revoke(id);

    const rows = [...(await world.stores.live.ofNsg(subnetNsg)), ...(await world.stores.live.ofNsg(nicNsg))];
    expect(rows.map(({ row }) => row.state)).toEqual(['closing', 'closing']);
  });
});
