import { describe, expect, it } from 'vitest';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { createLiveRows } from '../../src/adapters/tables/liveRows.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { createSeals } from '../../src/adapters/tables/seals.ts';
import { chainSeal } from '../../src/core/seal.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { requestId } from '../contracts/samples.ts';
import { marked, sealWorld, type SealWorld } from '../support/sealWorld.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const quiet = { seals: 0, partitions: 0, failed: 0, left: 0 };

const { freshTables } = useAzurite();

async function worldOnTables(): Promise<SealWorld> {
  const tables = await freshTables();
  return sealWorld(noon, {
    requests: createRequests(tables.requests),
    live: createLiveRows(tables.live, { error: () => undefined }),
    audit: createAuditTrail(tables, () => noon),
    seals: createSeals(tables.seals),
  });
}

function after(minutes: number): Date {
  return new Date(noon.getTime() + minutes * 60_000);
}

describe('sealTrail', () => {
  describe('killed', () => {
    /** What ended before and what ends after a first seal, so that the second has all kinds to name. */
    async function scene() {
      const world = sealWorld(noon);
      await world.end('earlier');
      await world.seal();
      const partitions = [await world.end('a'), await world.end('b'), await world.deny('c')];
      partitions.push(await world.refuse('2026-11-23'));
      world.now = new Date('2026-11-24T01:00:00.000Z');
      return { world, partitions: [requestId('earlier'), ...partitions] };
    }

    it('at whichever effect, before or after it, leaves a chain that verifies, and nothing unsealed after the next call', async () => {
      const { world: whole } = await scene();
      let effects = 0;
      await whole.seal(() => (effects += 1));
      expect(effects).toBeGreaterThan(10);

      for (let effect = 1; effect <= effects; effect += 1) {
        for (const when of ['before', 'after'] as const) {
          const at = `killed ${when} effect ${effect}`;
          const { world, partitions } = await scene();
          await world.seal(...dyingAt(effect, when)).catch((error: unknown) => {
            if (!(error instanceof Died)) throw error;
          });
          expect(await world.findings(), at).toEqual([]);
          await world.seal();
          expect(await world.findings(), at).toEqual([]);
          expect((await world.sealed()).flat().sort(), at).toEqual(partitions.toSorted());
          expect((await marked(world)).sort(), at).toEqual(['a', 'b', 'earlier'].map(requestId).sort());
          const newest = await world.stores.seals.newest();
          expect(world.logged.at(-1)?.facts, at).toEqual({ number: newest?.number, hash: newest?.hash });
          expect(await world.seal(), at).toEqual(quiet);
        }
      }
    });

    it.each(['before', 'after'] as const)(
      'between the parts of what one seal cannot hold, %s the second is inserted, leaves out nothing',
      async (when) => {
        const world = sealWorld(noon);
        const all = Array.from({ length: 350 }, (_, each) => `${each}`);
        const partitions = await Promise.all(
          all.map((name, each) => (each < 210 ? world.end(name) : world.deny(name))),
        );
        world.now = after(6);
        let inserted = 0;
        const die = (effect: string) => {
          if (effect === 'seals.insert' && (inserted += 1) === 2) throw new Died();
        };
        const killed = when === 'before' ? world.seal(die) : world.seal(undefined, die);
        await expect(killed).rejects.toThrow(Died);
        await world.seal();
        expect((await world.sealed()).flat().sort()).toEqual(partitions.sort());
        expect(await world.findings()).toEqual([]);
      },
    );

    it('before marking, and overtaken by other seals, names a request twice, which verifies', async () => {
      const world = sealWorld(noon);
      const id = await world.end('a');
      await world.seal((effect) => {
        if (effect === 'live.markSealed') throw new Died();
      });
      const newest = await world.stores.seals.newest();
      const instant = noon.toISOString();
      await world.stores.seals.insert(chainSeal({ at: instant, sealed: [], indexedUpTo: instant }, newest));
      await world.seal();
      expect(await world.sealed()).toEqual([[id], [], [id]]);
      expect(await world.findings()).toEqual([]);
      expect(await marked(world)).toEqual([id]);
    });
  });

  describe.each<[string, () => Promise<SealWorld>]>([
    ['memory', () => Promise.resolve(sealWorld(noon))],
    ['Table Storage', () => worldOnTables()],
  ])('by twenty writers at once on %s', (_, make) => {
    it('names each partition once, in one chain', async () => {
      const world = await make();
      const ended = await Promise.all(Array.from({ length: 10 }, (_, each) => world.end(`ended ${each}`)));
      const denied = await Promise.all(Array.from({ length: 10 }, (_, each) => world.deny(`denied ${each}`)));
      world.now = after(6);
      const reports = await Promise.all(Array.from({ length: 20 }, () => world.seal()));
      expect((await world.sealed()).flat().sort()).toEqual([...ended, ...denied].sort());
      expect((await marked(world)).sort()).toEqual(ended.sort());
      expect(reports.reduce((sum, { failed, left }) => sum + failed + left, 0)).toBe(0);
      expect(await world.findings()).toEqual([]);
    });
  });

  it('by writers that saw different things end seals all of it once', async () => {
    const world = sealWorld(noon);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const partitions: string[] = [];
    const writers: Promise<unknown>[] = [];
    for (let writer = 0; writer < 20; writer += 1) {
      partitions.push(await world.end(`ended ${writer}`));
      let arrived = (): void => undefined;
      const listed = new Promise<void>((resolve) => (arrived = resolve));
      // Each has read what ended before the next request ends, and waits with it.
      const wait = (effect: string) => {
        if (effect !== 'seals.insert') return;
        arrived();
        return held;
      };
      writers.push(world.seal(wait));
      await listed;
    }
    release();
    await Promise.all(writers);
    await world.seal();
    expect((await world.sealed()).flat().sort()).toEqual(partitions.sort());
    expect(await world.findings()).toEqual([]);
  });
});

class Died extends Error {}

/** Everything after the effect fails as well: nobody is there any more. */
function dyingAt(effect: number, when: 'before' | 'after'): [() => void, () => void] {
  let count = 0;
  let dead = false;
  return [
    () => {
      count += 1;
      dead ||= when === 'before' && count === effect;
      if (dead) throw new Died();
    },
    () => {
      dead ||= when === 'after' && count >= effect;
      if (dead) throw new Died();
    },
  ];
}
