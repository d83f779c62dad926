/** Runs the burst that the command line names, as JSON, and prints its result: a process of its own, for it takes over timers. */
import type { BurstOptions } from './burst.ts';
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

const { who, burst } = JSON.parse(process.argv[2] ?? '') as SimulateOrder;
(who === 'naive' ? naiveBurst(burst) : grantBurst(burst)).then(
  (result) => console.log(JSON.stringify(result)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
