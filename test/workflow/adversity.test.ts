import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import {
  eventsOf,
  grantWorld,
  nicNsg,
  noon,
  subnetNsg,
  type GrantWorld,
  type Hindrance,
  type Process,
} from '../support/grantWorld.ts';

const seconds = (count: number) => new Date(noon.getTime() + count * 1000);
const minutes = (count: number) => seconds(count * 60);
const id = '1'.padStart(32, '0');

async function accepted(world: GrantWorld, process: Process): Promise<void> {
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
}

function openRules(world: GrantWorld): string[] {
  return [...world.ownedRules(subnetNsg), ...world.ownedRules(nicNsg)];
}

/** Lets one effect of a process, the first that matches, wait until an instant or fail. */
function once(effect: string, hinder: () => void | Promise<void>): Hindrance {
  let done = false;
  return {
    before: async (name) => {
      if (done || name !== effect) return;
      done = true;
      await hinder();
    },
  };
}

function always(prefix: string): Hindrance {
  return {
    before: (name) => {
      if (name.startsWith(prefix)) throw new Error('The table is down.');
    },
  };
}

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

describe('an audit that is down', () => {
  it('does not keep open what is past its end; the records follow', async () => {
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
        if (effect === 'live.ofNsg' && nsgId === nicNsg) throw new Error('A row cannot be read.');
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

  it('does not become active when its end comes before the row says so', async () => {
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

    const rows: LiveRow[] = [
      ...(await world.stores.live.ofNsg(subnetNsg)),
      ...(await world.stores.live.ofNsg(nicNsg)),
    ];
    expect(rows.map(({ state }) => state)).toEqual(['closing', 'closing']);
  });
});
