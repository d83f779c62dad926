import { beforeEach, describe, expect, it } from 'vitest';
import {
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  seconds,
  subnetNsg,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';

const slots = 10;

let world: GrantWorld;
beforeEach(async () => {
  world = await grantWorld();
});

/** Grants that are approved, of which no step has run; ids from 1. */
async function approve(count: number, durationSeconds = 3600): Promise<string[]> {
  const process = world.startProcess();
  for (let number = 1; number <= count; number += 1) {
    expect((await world.clock.run(process.submit({ durationSeconds }))).kind).toBe('accepted');
  }
  return Array.from({ length: count }, (_, index) => idOf(index + 1));
}

/** Runs one step of each, as many at once as each process has slots. */
async function stepAll(ids: string[], processes: Process[]): Promise<string[]> {
  const left = ids.values();
  const kinds: string[] = [];
  const slot = async (process: Process) => {
    for (const id of left) kinds.push((await process.step(id, 'sallyport')).kind);
  };
  await world.clock.run(
    Promise.all(processes.flatMap((process) => Array.from({ length: slots }, () => slot(process)))),
  );
  return [...new Set(kinds)];
}

function callsOf(nsgId: string, method: 'read' | 'write'): number {
  return world.network.calls.filter((call) => call.id === nsgId && call.method === method).length;
}

const states = (ids: string[]) => Promise.all(ids.map(async (id) => (await world.request(id)).state));

describe.each([1, 2])(
  'a hundred grants on the same NSGs, with ten slots in each of %i workers',
  (workers) => {
    it('open in at most 3 writes and 20 reads of each NSG, and close in as many', async () => {
      const processes = Array.from({ length: workers }, () => world.startProcess());
      const ids = await approve(100);
      world.network.calls.length = 0;

      expect(await stepAll(ids, processes)).toEqual(['wait']);

      expect(new Set(await states(ids))).toEqual(new Set(['active']));
      for (const nsgId of [subnetNsg, nicNsg]) {
        expect(world.ownedRules(nsgId)).toHaveLength(100);
        expect(callsOf(nsgId, 'write')).toBeLessThanOrEqual(3);
        expect(callsOf(nsgId, 'read')).toBeLessThanOrEqual(20);
      }

      world.network.calls.length = 0;
      await world.clock.advanceTo(seconds(3600));
      expect(await stepAll(ids, processes)).toEqual(['done']);

      expect(new Set(await states(ids))).toEqual(new Set(['closed']));
      for (const nsgId of [subnetNsg, nicNsg]) {
        expect(world.ownedRules(nsgId)).toEqual([]);
        expect(callsOf(nsgId, 'write')).toBeLessThanOrEqual(3);
        expect(callsOf(nsgId, 'read')).toBeLessThanOrEqual(20);
      }
      expect(await eventsOf(world, idOf(77))).toEqual(['opening', 'active', 'closing', 'closed']);
    });
  },
);

describe('a step', () => {
  it('tells each grant that it is open when its own write is through, however many keep coming', async () => {
    const process = world.startProcess();
    const steps: Promise<unknown>[] = [];
    const grantAt = async (second: number) => {
      await world.clock.sleep(second * 1000);
      const submitted = await process.submit({});
      if (submitted.kind !== 'accepted') throw new Error(submitted.kind);
      steps.push(process.step(submitted.request.id, 'sallyport'));
      return submitted.request.id;
    };
    const ids = await world.clock.run(Promise.all([0, 0.6, 1.2, 1.8, 2.4, 3, 3.6].map(grantAt)));
    await world.clock.run(Promise.all(steps));

    for (const id of ids) {
      const { requestedAt, journal } = await world.request(id);
      const active = Date.parse(journal.find(({ event }) => event === 'active')?.at ?? '');
      // The write that was under way when it came, and its own.
      expect(active - Date.parse(requestedAt)).toBeLessThanOrEqual(2500);
    }
  });

  it('asks Azure nothing about a grant that the write for another has opened', async () => {
    const process = world.startProcess();
    const [first, second] = await approve(2);
    await world.clock.run(process.step(first ?? '', 'sallyport'));
    world.network.calls.length = 0;

    await world.clock.run(process.step(second ?? '', 'sallyport'));

    expect(world.network.calls).toEqual([]);
    expect((await world.request(second ?? '')).state).toBe('active');
  });

  it('reads the NSG itself where another has opened only one of the two', async () => {
    const process = world.startProcess(undefined, {
      before: (effect, [nsgId]) => {
        if (effect === 'live.markSeen' && nsgId === nicNsg) throw new Error('The table is down.');
      },
    });
    const [first, second] = await approve(2);
    await world.clock.run(process.step(first ?? '', 'sallyport'));
    world.network.calls.length = 0;

    await world.clock.run(process.step(second ?? '', 'sallyport'));

    expect(callsOf(nicNsg, 'read')).toBeGreaterThan(0);
    expect((await world.request(second ?? '')).state).toBe('active');
    expect(world.logged).toContain('seen-not-noted');
  });

  it('costs a lone grant no transaction for notes', async () => {
    const effects: string[] = [];
    const process = world.startProcess(undefined, { before: (effect) => void effects.push(effect) });
    const [id = ''] = await approve(1);
    await world.clock.run(process.step(id, 'sallyport'));
    await world.clock.advanceTo(seconds(3600));
    await world.clock.run(process.step(id, 'sallyport'));

    expect((await world.request(id)).state).toBe('closed');
    expect(effects).not.toContain('live.markSeen');
  });
});

describe('what is noted of a grant for its own step', () => {
  it('holds although a worker whose clock lags would still want what is noted as shut', async () => {
    const [own = '', other = ''] = await approve(2, 3600);
    const process = world.startProcess();
    await stepAll([own, other], [process]);
    const ahead = world.startProcess(undefined, { clockAheadMilliseconds: 20_000 });
    const lagging = world.startProcess(undefined, { clockAheadMilliseconds: -20_000 });
    const third = await approveOne(ahead);

    // To the one it is over and shut, to the other it goes on: that one does not let it in again.
    await world.clock.advanceTo(seconds(3590));
    await world.clock.run(ahead.step(third, 'sallyport'));
    expect(world.ownedRules(subnetNsg).filter((name) => name.includes(own))).toEqual([]);
    const fourth = await approveOne(lagging);
    await world.clock.run(lagging.step(fourth, 'sallyport'));
    expect(world.ownedRules(subnetNsg).filter((name) => name.includes(own))).toEqual([]);

    await world.clock.advanceTo(seconds(3600));
    await world.clock.run(process.step(own, 'sallyport'));

    expect((await world.request(own)).state).toBe('closed');
    expect(world.ownedRules(subnetNsg).filter((name) => name.includes(own))).toEqual([]);
  });

  it('sends the reconcile round again when the grant was revoked while it was read back', async () => {
    const [own = '', other = ''] = await approve(2);
    const revoking = world.startProcess();
    let revoked = false;
    const process = world.startProcess(undefined, {
      before: async (effect) => {
        if (effect !== 'live.markSeen' || revoked) return;
        revoked = true;
        await revoking.revoke(other);
      },
    });

    await world.clock.run(process.step(own, 'sallyport'));

    // The step that is rung for may die: what this reconcile let in, it takes away itself.
    expect(revoked).toBe(true);
    expect(world.ownedRules(subnetNsg).filter((name) => name.includes(other))).toEqual([]);
    expect(world.ownedRules(subnetNsg).filter((name) => name.includes(own))).toHaveLength(1);
  });

  it('is carried over to the next version of the row', async () => {
    const [own = '', other = ''] = await approve(2);
    const process = world.startProcess();
    await stepAll([own, other], [process]);
    const [stored] = (await world.stores.live.ofNsg(subnetNsg)).filter(({ row }) => row.requestId === other);
    expect(stored?.row).toMatchObject({ state: 'active', version: 2, seen: { state: 'open', version: 1 } });
  });
});

async function approveOne(process: Process): Promise<string> {
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(result.kind);
  return result.request.id;
}
