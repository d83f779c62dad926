/** Runs the bursts that the command line names, as JSON, and prints their results: a process of its own, as timers are taken over. */
import type { BurstOptions, BurstResult } from './burst.ts';
import { grantBurst } from './grantBurst.ts';
import { naiveBurst } from './naiveBurst.ts';

export interface SimulateOrder {
  who: 'sallyport' | 'naive';
  burst: BurstOptions;
}

// The SDK waits a random time before it tries again.
let seed = 1;
Math.random = () => {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
};

async function simulate(orders: readonly SimulateOrder[]): Promise<BurstResult[]> {
  const results: BurstResult[] = [];
  for (const { who, burst } of orders) {
    results.push(await (who === 'naive' ? naiveBurst(burst) : grantBurst(burst)));
  }
  return results;
}

simulate(JSON.parse(process.argv[2] ?? '[]') as SimulateOrder[]).then(
  (results) => console.log(JSON.stringify(results)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
