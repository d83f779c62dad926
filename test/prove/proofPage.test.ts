import { describe, expect, it } from 'vitest';
import { proofPage } from './proofPage.ts';

describe('the page of the proof', () => {
  const run = { size: 'full', minutes: 41.2, parts: 219, taken: 0 } as const;

  it('says how much of it an interrupted run had proven', async () => {
    const page = await proofPage([], { ...run, taken: 37 });

    expect(page).toContain('with 37 of 219 parts taken from runs before it over the same sources');
  });

  it('speaks of no interruption where there was none', async () => {
    expect(await proofPage([], run)).not.toContain('parts taken from runs');
  });
});
