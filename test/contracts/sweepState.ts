import { describe, expect, it } from 'vitest';
import type { SweepState } from '../../src/core/stores.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString();

/** What every implementation of SweepState does. `make` returns an empty one. */
export function describeSweepStateContract(name: string, make: () => Promise<SweepState>): void {
  describe(`SweepState: ${name}`, () => {
    it('says nothing before anything was said', async () => {
      const state = await make();
      expect(await state.marker()).toBeUndefined();
      expect(await state.heartbeat()).toBeUndefined();
      expect(await state.listedAt()).toBeUndefined();
      expect(await state.lostSince()).toBeUndefined();
    });

    it('keeps the first marker of many', async () => {
      const state = await make();
      const markers = Array.from({ length: 10 }, (_, index) => ({
        madeAt: at(index),
        madeBy: `by ${index}`,
      }));
      const results = await Promise.all(markers.map((marker) => state.insertMarker(marker)));
      expect(results.filter((result) => result === 'inserted')).toHaveLength(1);
      expect(await state.marker()).toEqual(markers[results.indexOf('inserted')]);
      expect(await state.insertMarker({ madeAt: at(59), madeBy: 'late' })).toBe('exists');
    });

    it('tells heartbeat, listing and loss apart, and keeps the newest of the first two', async () => {
      const state = await make();
      await state.beat(at(0));
      await state.listed(at(1));
      await state.beat(at(2));
      await state.sayLost(at(3));
      expect(await state.heartbeat()).toBe(at(2));
      expect(await state.listedAt()).toBe(at(1));
      await state.listed(at(4));
      expect(await state.listedAt()).toBe(at(4));
      expect(await state.lostSince()).toBe(at(3));
      expect(await state.marker()).toBeUndefined();
    });

    it('remembers since when the tables are lost, however often it is said', async () => {
      const state = await make();
      await state.sayLost(at(0));
      await state.sayLost(at(1));
      expect(await state.lostSince()).toBe(at(0));
    });
  });
}
