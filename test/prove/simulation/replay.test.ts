import { describe, expect, it } from 'vitest';
import { runHistory } from './history.ts';
import { interleave, scenarios } from './interleaving.ts';
import { live, type LifeOptions } from './life.ts';

describe('a seed that is replayed', () => {
  it('is the same history again, to the last call and byte, and another one is another', async () => {
    const [once, again, other] = [await runHistory(7), await runHistory(7), await runHistory(8)];

    expect(again).toEqual(once);
    expect(other.hash).not.toBe(once.hash);
  });

  it('is the same life and the same interleaving again', async () => {
    const options: LifeOptions = {
      ...{ revoke: true, onDeath: 'message lost' },
      kills: [{ effect: 11, when: 'after' }],
    };
    const [life, sameLife] = [await live(options), await live(options)];
    expect(sameLife).toEqual(life);
    for (const scenario of scenarios) {
      const [once, again] = [
        await interleave(scenario, { seed: 3 }),
        await interleave(scenario, { seed: 3 }),
      ];
      expect(again.hash).toBe(once.hash);
    }
  });
});
