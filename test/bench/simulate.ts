/** Runs what the command line orders, as JSON, and prints its result: a process of its own, for it takes over timers. */
import type { BurstOptions } from './burst.ts';
import { grantBurst } from './grantBurst.ts';
import { naiveBurst } from './naiveBurst.ts';
import { sweepCosts } from './sweepCost.ts';

export type SimulateOrder =
  { what: 'sallyport' | 'naive'; burst: BurstOptions } | { what: 'sweep'; nsgs: number };

// The SDK waits a random time before it tries again.
let seed = 1;
Math.random = () => {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
};

function simulate(order: SimulateOrder): Promise<unknown> {
  switch (order.what) {
    case 'sallyport':
      return grantBurst(order.burst);
    case 'naive':
      return naiveBurst(order.burst);
    case 'sweep':
      return sweepCosts(order.nsgs);
  }
}

simulate(JSON.parse(process.argv[2] ?? '') as SimulateOrder).then(
  (result) => console.log(JSON.stringify(result)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
