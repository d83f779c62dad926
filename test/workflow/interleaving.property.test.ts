import fc from 'fast-check';
import { expect, it } from 'vitest';
import { liveChaos } from '../support/chaos.ts';

// Every run is one seed; a failure names it, and `liveChaos(seed)` is the same life again.
it('two processes, a sweep, revocations, faults and deaths at once keep every promise', async () => {
  let grants = 0;
  let deaths = 0;
  let activations = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const life = await liveChaos(seed);
      expect(life.broken).toEqual([]);
      grants += life.grants;
      deaths += life.deaths;
      activations += life.activations;
    }),
    { numRuns: 30, endOnFailure: true },
  );
  // Else the lives were too hard for anything to happen in them, or too easy.
  expect(activations).toBeGreaterThan(grants / 4);
  expect(activations).toBeLessThan(grants);
  expect(deaths).toBeGreaterThan(30);
});
