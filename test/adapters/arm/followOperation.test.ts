import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { followOperation } from '../../../src/adapters/arm/followOperation.ts';
import type { RawAnswer } from '../../../src/adapters/arm/rawRequest.ts';
import { leapingClock } from './simulatedArm.ts';

const origin = 'https://management.azure.com';

interface Followed {
  /** Milliseconds from the operation's end to when it was known. */
  late: number;
  polls: number;
}

/** Follows an operation that runs so many milliseconds, each call taking its time, half of it on the way there. */
async function follow(runs: number, call: number, retryAfter: number): Promise<Followed> {
  const clock = leapingClock(0);
  let polls = 0;
  const send = (): Promise<RawAnswer> => {
    polls += 1;
    const isOver = clock.now().getTime() + call / 2 >= runs;
    clock.leap(call);
    return Promise.resolve({
      kind: 'answer',
      status: 200,
      header: (name) => (name === 'retry-after' && !isOver ? String(retryAfter) : undefined),
      text: JSON.stringify({ status: isOver ? 'Succeeded' : 'InProgress' }),
    });
  };
  const end = await followOperation(send, clock, origin, {
    subscriptionId: 'any',
    url: `${origin}/operations/one`,
    correlationId: 'any',
    deadlineMilliseconds: 30_000,
    pause: () => 0,
  });
  expect(end).toEqual({ kind: 'settled' });
  return { late: clock.now().getTime() - runs, polls };
}

describe('following an operation', () => {
  it.each([
    'https://management.azure.com.contoso.example/operations/one',
    'https://contoso.example/https://management.azure.com/',
    'http://management.azure.com/operations/one',
    '/operations/one',
  ])('asks nobody for %s, which is not of Azure Resource Manager', async (url) => {
    const asked: string[] = [];
    const send = (request: { url: string }): Promise<RawAnswer> => {
      asked.push(request.url);
      return Promise.resolve({ kind: 'no-answer', message: 'Nobody is there.' });
    };

    const end = await followOperation(send, leapingClock(0), origin, {
      ...{ subscriptionId: 'any', correlationId: 'any', deadlineMilliseconds: 1000 },
      ...{ url, pause: () => 0 },
    });

    expect(end.kind).toBe('unknown');
    expect(asked).toEqual([]);
  });

  it('knows of its end at most a quarter of the operation late, whatever Retry-After says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom(200, 1000, 3000), fc.integer({ min: 180, max: 5000 })),
        fc.integer({ min: 0, max: 50 }),
        fc.constantFrom(3, 10),
        async (runs, thousandths, retryAfter) => {
          const { late } = await follow(runs, (runs * thousandths) / 1000, retryAfter);
          expect(late / runs).toBeLessThanOrEqual(0.25);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('asks no more often for that than 12 times in the first second and then about once in each', async () => {
    expect((await follow(1000, 10, 3)).polls).toBeLessThanOrEqual(12);
    expect((await follow(20_000, 10, 3)).polls).toBeLessThanOrEqual(12 + 26);
  });
});
