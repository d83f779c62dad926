import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BurstResult } from './burst.ts';
import { buildSimulation, type AskedBurst, type Simulation } from './simulation.ts';

/** The counts that `npm run bench` shows for all sizes, for two of them: exact, so any change of them is seen. */
describe('many grants at once on one NSG, in virtual time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  let simulation: Simulation;
  beforeAll(async () => {
    simulation = await buildSimulation(folder, 2);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const isWhole = ({ opened, states, neverClosed }: BurstResult, grants: number) =>
    opened === grants && states['closed'] === grants && neverClosed === 0;

  it.each<AskedBurst>([
    { grants: 10 },
    { grants: 100 },
    { grants: 100, workers: 2 },
    { grants: 100, workers: 2, spreadSeconds: 1 },
  ])('costs three writes and twenty reads at most to open, and to close: %o', async (burst) => {
    const run = await simulation.sallyport(burst);

    expect(isWhole(run, burst.grants)).toBe(true);
    for (const { writes, nsgReads } of [run.open, run.close]) {
      expect(writes).toBeLessThanOrEqual(3);
      expect(nsgReads).toBeLessThanOrEqual(20);
    }
    expect(run.visible.most).toBeLessThanOrEqual(2.5);
    expect(run.episodes.most).toBe(4);
  });

  it.each([1, 2])(
    'costs six episodes where people approve each grant, however many are needed, and no write more: %i',
    async (approvers) => {
      const run = await simulation.sallyport({ grants: 10, approvers });

      expect(isWhole(run, 10)).toBe(true);
      expect([run.episodes.least, run.episodes.most]).toEqual([6, 6]);
      for (const { writes } of [run.open, run.close]) expect(writes).toBeLessThanOrEqual(3);
      expect(run.complaints).toEqual({});
    },
  );

  it('is the same to the last count when it is run again', async () => {
    const again = await buildSimulation(folder, 2);

    expect(await again.sallyport({ grants: 10, workers: 2 })).toEqual(
      await simulation.sallyport({ grants: 10, workers: 2 }),
    );
  });

  it.each([3, 10])(
    'knows within a quarter of a write that it is open, with Retry-After %i',
    async (retryAfter) => {
      const run = await simulation.sallyport({ grants: 1, writeSeconds: 0.2, retryAfter });

      expect(run.knowing.most).toBeLessThanOrEqual(0.25);
    },
  );

  it('makes a naive implementation fail most of ten grants, and know of no end before Azure allows it to ask', async () => {
    const run = await simulation.naive({ grants: 10 });

    expect(run.opened).toBeLessThan(10);
    expect(run.open.writes).toBeGreaterThan(20);
    expect(run.knowing.least).toBeGreaterThan(1);
  });
});
