/** Layer H: Azure RBAC as the product decides it, against an evaluator that knows how everything truly is. */
import {
  replayCommand,
  seedsOf,
  seedWords,
  type Failure,
  type LayerOptions,
  type LayerResult,
} from '../layer.ts';
import { compare } from '../rbac/differ.ts';

/** Each judges eight actions. */
const comparisons = { quick: 1_000, usual: 20_000, full: 62_500 } as const;

export function run(options: LayerOptions): Promise<LayerResult> {
  const began = performance.now();
  const total = comparisons[options.size];
  const counted = { 'allowed actions': 0, 'denied actions': 0 };
  const failures: Failure[] = [];
  for (const seed of seedsOf(options, total)) {
    const { allowed, denied, differences } = compare(seed);
    counted['allowed actions'] += allowed;
    counted['denied actions'] += denied;
    if (differences.length === 0) continue;
    failures.push({ seed: String(seed), what: differences.join('; '), replay: replayCommand('H', seed) });
  }
  return Promise.resolve({
    layer: 'H',
    title: 'Azure RBAC against a second evaluator',
    counted,
    seeds: seedWords(options, total),
    milliseconds: performance.now() - began,
    failures,
  });
}
