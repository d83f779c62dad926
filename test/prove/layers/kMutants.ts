import { replayCommand } from '../layer.ts';
import type { Failure, LayerOptions, LayerResult, Size } from '../layer.ts';
import { createHuntingGround, problemOfCatch } from '../mutants/hunt.ts';
import type { Mutant } from '../mutants/mutant.ts';
import { mutants } from '../mutants/mutants.ts';

const layer = 'K';
/** How many are let loose: none in `npm test`, which only checks that each still applies. */
const counts: Record<Size, number> = { quick: 0, usual: 8, full: mutants.length };

/** Our own code, broken on purpose: each mutant is noticed by a layer or a test, the planner's by the guard alone too. */
export async function run({ size, seed, worker }: LayerOptions): Promise<LayerResult> {
  const began = performance.now();
  const { index, of } = worker ?? { index: 0, of: 1 };
  const chosen = seed === undefined ? sample(counts[size]) : mutants.slice(seed - 1, seed);
  const mine = chosen.filter((_, position) => position % of === index);
  const counted: Record<string, number> = { mutants: 0, 'caught by the guard alone': 0 };
  const failures: Failure[] = [];
  const ground = await createHuntingGround();
  try {
    for (const mutant of mine) {
      const caught = await ground.hunt(mutant);
      const what = problemOfCatch(caught);
      counted['mutants'] = (counted['mutants'] ?? 0) + 1;
      if (caught.guard !== undefined && what === undefined) {
        counted['caught by the guard alone'] = (counted['caught by the guard alone'] ?? 0) + 1;
      }
      const number = mutants.indexOf(mutant) + 1;
      if (what !== undefined)
        failures.push({ seed: String(number), what, replay: replayCommand(layer, number) });
    }
  } finally {
    await ground.remove();
  }
  const title = 'mutants of our own code';
  const seeds = seed === undefined ? `${chosen.length} of ${mutants.length} mutants` : String(seed);
  return { layer, title, counted, seeds, milliseconds: performance.now() - began, failures };
}

/** Spread over the list, others each day: in time each is met. */
function sample(count: number): Mutant[] {
  const day = Math.floor(Date.now() / 86_400_000);
  return mutants.filter((_, position) => {
    const turn = (position + day) % mutants.length;
    return Math.floor((turn * count) / mutants.length) !== Math.floor(((turn + 1) * count) / mutants.length);
  });
}
