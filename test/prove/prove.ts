/** npm run prove: runs the layers of the proof in two processes and says which promises did not hold. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mergeResults, replayCommand } from './layer.ts';
import type { LayerResult } from './layer.ts';
import type { Layer } from './layers.ts';
import { readOptions, usage } from './options.ts';
import type { ProveOptions } from './options.ts';
import type { PartOrder } from './part.ts';
import { runInProcesses } from './processes.ts';
import { proofPage } from './proofPage.ts';
import { failureLines, tableLines } from './resultTable.ts';

const processCount = 2;
const page = fileURLToPath(new URL('../../docs/proof.md', import.meta.url));

const options = readOptions(process.argv.slice(2));
if ('problem' in options) {
  console.error(`${options.problem}\n\n${usage}`);
  process.exitCode = 2;
} else {
  const began = Date.now();
  const results = await prove(options);
  const failures = results.flatMap((result) => failureLines(result));
  console.log(['', ...tableLines(results), ...failures].join('\n'));
  if (options.write) {
    writeFileSync(page, await proofPage(results, options.size, (Date.now() - began) / 60_000));
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
}

async function prove(wanted: ProveOptions): Promise<LayerResult[]> {
  const began = Date.now();
  const layers = wanted.layers.filter(({ parts }) => wanted.seed !== undefined || parts[wanted.size] > 0);
  const orders = layers
    .flatMap((layer) => partsOf(layer, wanted))
    .map((order, number): PartOrder => ({ ...order, number }));
  const parts = new Map<string, LayerResult[]>(layers.map((layer) => [layer.letter, []]));
  await runInProcesses(orders, Math.min(processCount, orders.length), ({ number, result, error }) => {
    const { letter } = orders[number] ?? { letter: '' };
    const layer = layers.find((known) => known.letter === letter);
    const done = parts.get(letter);
    if (layer === undefined || done === undefined) throw new Error(`An answer to no question: ${number}.`);
    const part = result ?? brokenPart(layer, error ?? 'no result');
    done.push(part);
    const total = orders.filter((order) => order.letter === letter).length;
    const failed = done.reduce((sum, part) => sum + part.failures.length, 0);
    console.log(
      `${seconds(began)} s  ${letter} ${layer.title}: ${done.length} of ${total} parts, ${failed} failures`,
    );
    // At once: a run at full size is long, and what failed can be looked at meanwhile.
    for (const line of failureLines(part)) console.log(line);
  });
  return [...parts.values()].map(mergeResults);
}

function partsOf(layer: Layer, { size, seed }: ProveOptions): Omit<PartOrder, 'number'>[] {
  const { letter } = layer;
  if (seed !== undefined) return [{ letter, options: { size, seed } }];
  const of = layer.parts[size];
  return Array.from({ length: of }, (_, index) => ({ letter, options: { size, worker: { index, of } } }));
}

/** A part that could not be run proves nothing, which is a failure too. */
function brokenPart({ letter, title }: Layer, error: string): LayerResult {
  const failure = { seed: '-', what: error, replay: replayCommand(letter, '').replace(/ --seed $/, '') };
  return { layer: letter, title, counted: {}, seeds: '-', milliseconds: 0, failures: [failure] };
}

function seconds(began: number): string {
  return ((Date.now() - began) / 1000).toFixed(0).padStart(4);
}
