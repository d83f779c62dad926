import { explore } from '../model/explore.ts';
import type { ModelOptions } from '../model/grantModel.ts';
import { replayCommand } from '../layer.ts';
import type { Failure, LayerOptions, LayerResult, Size } from '../layer.ts';

const layer = 'D';

/** One after the other; the number in the list is the seed by which one is called. */
const configurations: readonly ModelOptions[] = [
  { ends: [1], approved: 0, room: 1, crashes: 1, edits: 0 },
  { ends: [1], approved: 0, room: 1, crashes: 1, edits: 1 },
  { ends: [1, 1], approved: 1, room: 2, crashes: 0, edits: 0 },
  { ends: [1, 1], approved: 2, room: 1, crashes: 1, edits: 0 },
  { ends: [1, 1], approved: 2, room: 2, crashes: 2, edits: 0 },
  { ends: [1, 1], approved: 2, room: 2, crashes: 0, edits: 1 },
  { ends: [1, 1, 1], approved: 3, room: 2, crashes: 2, edits: 0 },
];
const counts: Record<Size, number> = { quick: 1, usual: 5, full: configurations.length };

/** Every state of a model of the life of grants: all promises that a model can break hold in all of them. */
export function run({ size, seed, worker }: LayerOptions): Promise<LayerResult> {
  const began = performance.now();
  const { index, of } = worker ?? { index: 0, of: 1 };
  const counted = { models: 0, states: 0, steps: 0 };
  const failures: Failure[] = [];
  for (const [position, options] of configurations.entries()) {
    const isMine =
      seed === undefined ? position < counts[size] && position % of === index : position + 1 === seed;
    if (!isMine) continue;
    const { states, steps, broken } = explore(options);
    counted.models += 1;
    counted.states += states;
    counted.steps += steps;
    if (broken === undefined) continue;
    const what = `${broken.promise}, after: ${broken.trace.join('; ')}`;
    failures.push({ seed: String(position + 1), what, replay: replayCommand(layer, position + 1) });
  }
  const seeds = seed === undefined ? `configurations 1–${counts[size]}` : String(seed);
  const title = 'every state of a model of grants, workers, ARM and time';
  return Promise.resolve({
    ...{ layer, title, counted, seeds, milliseconds: performance.now() - began, failures },
  });
}
