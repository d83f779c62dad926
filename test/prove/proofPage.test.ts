import { describe, expect, it } from 'vitest';
import { proofPage } from './proofPage.ts';

describe('the page of the proof', () => {
  const run = { size: 'full', minutes: 41.2, parts: 219, taken: 0 } as const;

  it('says how much of it an interrupted run had proven', async () => {
    const page = await proofPage([], { ...run, taken: 37 });

    expect(page).toContain(
      'after a run over the same sources that was interrupted: 37 of 219 parts are from it',
    );
  });

  it('speaks of no interruption where there was none', async () => {
    expect(await proofPage([], run)).not.toContain('was interrupted: ');
  });
});
