import { describe, expect, it } from 'vitest';
import type { LastSweep, LastSweeps } from '../../src/core/health.ts';

const sweep = (minute: number): LastSweep => ({
  began: new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString(),
  ended: new Date(Date.UTC(2026, 10, 23, 12, minute, 7)).toISOString(),
  complete: minute % 2 === 0,
  counts: { seen: minute, left: 0 },
  unlistedSubscriptions: minute === 0 ? [] : ['11111111-2222-4333-8444-555555555555'],
});

/** What every implementation of LastSweeps does. `make` returns one that no sweep was noted in. */
export function describeLastSweepsContract(name: string, make: () => Promise<LastSweeps>): void {
  describe(`LastSweeps: ${name}`, () => {
    it('has none before one was noted', async () => {
      expect(await (await make()).newest()).toBeUndefined();
    });

    it('has the one that was noted last, complete or not', async () => {
      const sweeps = await make();
      await sweeps.note(sweep(0));
      expect(await sweeps.newest()).toEqual(sweep(0));
      await sweeps.note(sweep(1));
      expect(await sweeps.newest()).toEqual(sweep(1));
    });
  });
}
