import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { usualBurst, type BurstOptions, type BurstResult } from './burst.ts';
import type { SimulateOrder } from './simulate.ts';
import type { SweepCosts } from './sweepCost.ts';

export type AskedBurst = Pick<BurstOptions, 'grants'> & Partial<BurstOptions>;

/** Runs bursts, each in a process of its own; what was run once is not run again. */
export interface Simulation {
  sallyport(burst: AskedBurst): Promise<BurstResult>;
  naive(burst: AskedBurst): Promise<BurstResult>;
  sweep(nsgs: number): Promise<SweepCosts>;
}

/**
 * Bundles the simulation and makes what runs it, as many at once as there are processors to spare. Bundled, an `import()`
 * needs no turn of the event loop more than any other promise, so time cannot run ahead of it.
 */
export async function buildSimulation(folder: string, atOnce: number): Promise<Simulation> {
  const script = join(folder, 'simulate.cjs');
  await build({
    entryPoints: [fileURLToPath(new URL('simulate.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  const known = new Map<string, Promise<string>>();
  const waiting: (() => void)[] = [];
  let free = atOnce;

  async function run(order: string): Promise<string> {
    if (free > 0) free -= 1;
    else await new Promise<void>((start) => waiting.push(start));
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--enable-source-maps', script, order],
        { maxBuffer: 100_000_000 },
      );
      return stdout;
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  }

  async function once<Result>(order: SimulateOrder): Promise<Result> {
    const text = JSON.stringify(order);
    const answer = known.get(text) ?? run(text);
    known.set(text, answer);
    return JSON.parse(await answer) as Result;
  }

  const burstOf = (asked: AskedBurst): BurstOptions => ({ ...usualBurst, ...asked });
  return {
    sallyport: (asked) => once({ what: 'sallyport', burst: burstOf(asked) }),
    naive: (asked) => once({ what: 'naive', burst: burstOf(asked) }),
    sweep: (nsgs) => once({ what: 'sweep', nsgs }),
  };
}
