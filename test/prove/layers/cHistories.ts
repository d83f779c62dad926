/** Layer C: simulated histories of ten minutes at the most, each decided by its seed. */
import {
  replayCommand,
  seedsOf,
  seedWords,
  type Failure,
  type LayerOptions,
  type LayerResult,
} from '../layer.ts';
import { runHistory } from '../simulation/history.ts';

/** What has to happen in the histories, or they prove nothing of it. */
const deeds = [
  'deaths',
  'approvals',
  'denials',
  'later starts',
  'extensions',
  'baselines set',
  'baselines put back',
  'baselines ended',
];

const histories = { quick: 60, usual: 2000, full: 20_000 } as const;

export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = Date.now();
  const count = histories[options.size];
  const counted: Record<string, number> = { histories: 0 };
  const failures: Failure[] = [];
  for (const seed of seedsOf(options, count)) {
    const history = await runHistory(seed);
    for (const [name, number] of Object.entries({ histories: 1, ...history.counted })) {
      counted[name] = (counted[name] ?? 0) + number;
    }
    if (history.broken.length > 0) {
      const what = history.broken.slice(0, 5).join('; ');
      failures.push({ seed: String(seed), what, replay: replayCommand('C', seed) });
    }
  }
  // Else the histories were too hard for anything to happen in them, and prove nothing.
  const { accepted = 0, opened = 0 } = counted;
  const missing = deeds.filter((deed) => (counted[deed] ?? 0) < 1);
  if (options.seed === undefined && (opened < accepted / 2 || missing.length > 0)) {
    const what = `only ${opened} openings of ${accepted} grants, and not once: ${missing.join()}`;
    failures.push({ seed: '-', what, replay: 'npm run prove -- --layer C' });
  }
  return {
    ...{ layer: 'C', title: 'simulated histories', counted, failures },
    seeds: seedWords(options, count),
    milliseconds: Date.now() - began,
  };
}
