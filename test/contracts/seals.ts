import { describe, expect, it } from 'vitest';
import { contentHash } from '../../src/core/canonicalJson.ts';
import { chainSeal, partitionsPerSeal, type Seal } from '../../src/core/seal.ts';
import type { Seals } from '../../src/core/stores.ts';
import { requestId } from './samples.ts';

/** What every implementation of Seals does. `make` returns an empty one. */
export function describeSealsContract(name: string, make: () => Promise<Seals>): void {
  describe(`Seals: ${name}`, () => {
    it('has no newest before the first', async () => {
      const seals = await make();
      expect(await seals.newest()).toBeUndefined();
      expect(await seals.after(0)).toEqual([]);
    });

    it('returns the newest, and those after a number oldest first, beyond ten', async () => {
      const seals = await make();
      const chain = sampleSeals(12);
      for (const seal of chain) expect(await seals.insert(seal)).toBe('inserted');
      expect(await seals.newest()).toEqual(chain[11]);
      expect(await seals.after(0)).toEqual(chain);
      expect(await seals.after(9)).toEqual(chain.slice(9));
      expect(await seals.after(12)).toEqual([]);
    });

    it('never replaces a seal: other content is refused, the same again is ours', async () => {
      const seals = await make();
      const [seal, other] = [...sampleSeals(1), ...sampleSeals(1, 'other')];
      if (seal === undefined || other === undefined) throw new Error('No samples.');
      expect(await seals.insert(seal)).toBe('inserted');
      expect(await seals.insert(seal)).toBe('inserted');
      expect(await seals.insert(other)).toBe('exists');
      expect(await seals.after(0)).toEqual([seal]);
    });

    it('gives one number to one of many writers', async () => {
      const seals = await make();
      const chains = Array.from({ length: 20 }, (_, writer) => sampleSeals(1, `writer ${writer}`));
      const results = await Promise.all(chains.flat().map((seal) => seals.insert(seal)));
      expect(results.filter((result) => result === 'inserted')).toHaveLength(1);
      expect(await seals.after(0)).toEqual(chains[results.indexOf('inserted')]);
    });

    it('keeps the largest seal, its hash, and what a newer version added', async () => {
      const seals = await make();
      const sealed = Array.from({ length: partitionsPerSeal }, (_, index) => ({
        partition: requestId(`request ${index}`),
        count: 9999,
        headHash: 'f'.repeat(64),
        added: 'later',
      }));
      const seal = chainSeal({ at, sealed, indexedUpTo: at }, undefined);
      await seals.insert(seal);
      const newest = await seals.newest();
      expect(newest).toEqual(seal);
      expect(newest === undefined ? '' : contentHash(newest)).toBe(seal.hash);
    });
  });
}

const at = '2026-11-23T12:00:00.000Z';

/** A chain of seals, each of one partition with one record. */
export function sampleSeals(count: number, name = 'request'): Seal[] {
  const seals: Seal[] = [];
  while (seals.length < count) {
    const partition = requestId(`${name} ${seals.length}`);
    const sealed = [{ partition, count: 1, headHash: 'a'.repeat(64) }];
    seals.push(chainSeal({ at, sealed, indexedUpTo: at }, seals.at(-1)));
  }
  return seals;
}
