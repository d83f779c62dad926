import { describe, expect, it } from 'vitest';
import type { LayerResult } from './layer.ts';
import { proofPage } from './proofPage.ts';

describe('the page of the proof', () => {
  const run = { size: 'full', minutes: 41.2, parts: 219, taken: 0, usual: [] } as const;

  it('says how much of it an interrupted run had proven', async () => {
    const page = await proofPage([], { ...run, taken: 37 });

    expect(page).toContain('with 37 of 219 parts taken from runs before it over the same sources');
  });

  it('shows what both sizes counted, and says where the usual one was not run', async () => {
    const resultOf = (histories: number): LayerResult => ({
      ...{ layer: 'C', title: 'simulated histories', counted: { histories }, seeds: `1–${histories}` },
      ...{ milliseconds: 1000, failures: [] },
    });

    const page = await proofPage([resultOf(20_000)], { ...run, usual: [resultOf(2000)] });

    expect(page.match(/[\d,]+ histories/g)).toEqual(['20,000 histories', '2,000 histories']);
    expect(await proofPage([resultOf(20_000)], run)).toContain('was not run over these sources');
    expect(await proofPage([resultOf(2000)], { ...run, size: 'usual' })).not.toContain('at the usual size, ');
  });

  it('speaks of no interruption where there was none', async () => {
    expect(await proofPage([], run)).not.toContain('parts taken from runs');
  });
});
