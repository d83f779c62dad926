/** npm run prove: runs the layers of the proof in a few processes and says which promises did not hold. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { contentHash, createKeptParts, runMissing, type KeptParts } from './keptParts.ts';
import { mergeResults, replayCommand } from './layer.ts';
import type { LayerResult } from './layer.ts';
import type { Layer } from './layers.ts';
import { readOptions, usage } from './options.ts';
import type { ProveOptions } from './options.ts';
import type { PartOrder } from './part.ts';
import { runInProcesses } from './processes.ts';
import { proofPage } from './proofPage.ts';
import { failureLines, tableLines } from './resultTable.ts';

/** One for each processor that is counted on, and one for what mostly waits. */
const processCounts = { computing: 2, waiting: 1 };
const root = fileURLToPath(new URL('../../', import.meta.url));

const options = readOptions(process.argv.slice(2));
if ('problem' in options) {
  console.error(`${options.problem}\n\n${usage}`);
  process.exitCode = 2;
} else {
  const began = Date.now();
  const { results, usual, parts, taken } = await prove(options);
  const failures = results.flatMap((result) => failureLines(result));
  console.log(['', ...tableLines(results), ...failures].join('\n'));
  if (options.write) {
    const run = { size: options.size, minutes: (Date.now() - began) / 60_000, parts, taken, usual };
    writeFileSync(`${root}docs/proof.md`, await proofPage(results, run));
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
}

interface Proven {
  results: LayerResult[];
  /** What a run of the usual size came to before, over the same sources; only layers that held as a whole. */
  usual: LayerResult[];
  parts: number;
  /** How many of the parts an earlier run had proven. */
  taken: number;
}

async function prove(wanted: ProveOptions): Promise<Proven> {
  const began = Date.now();
  const layers = wanted.layers.filter(({ parts }) => wanted.seed !== undefined || parts[wanted.size] > 0);
  const orders = layers
    .flatMap((layer) => partsOf(layer, wanted))
    .map((order, number): PartOrder => ({ ...order, number }));
  const results = new Map<string, LayerResult[]>(layers.map((layer) => [layer.letter, []]));
  const contents = layers.map(async ({ letter, file, runsOthers }): Promise<[string, string]> => [
    letter,
    await contentHash(root, runsOthers ? undefined : `test/prove/layers/${file}`),
  ]);
  const kept = createKeptParts(`${root}out/prove`, Object.fromEntries(await Promise.all(contents)));
  const waiting = new Set(layers.flatMap(({ letter, waits }) => (waits ? letter : [])));
  const run: Parameters<typeof runMissing>[3] = async (missing, onAnswer) => {
    const those = missing.filter(({ letter }) => waiting.has(letter));
    const others = missing.filter(({ letter }) => !waiting.has(letter));
    await Promise.all([
      runInProcesses(others, Math.min(processCounts.computing, others.length), onAnswer),
      runInProcesses(those, Math.min(processCounts.waiting, those.length), onAnswer),
    ]);
  };
  const taken = await runMissing(orders, kept, wanted.resume, run, ({ letter }, { result, error }) => {
    const layer = layers.find((known) => known.letter === letter);
    const done = results.get(letter);
    if (layer === undefined || done === undefined) throw new Error(`There is no layer ${letter}.`);
    const part = result ?? brokenPart(layer, error ?? 'no result');
    done.push(part);
    const total = orders.filter((order) => order.letter === letter).length;
    const failed = done.reduce((sum, { failures }) => sum + failures.length, 0);
    console.log(
      `${seconds(began)} s  ${letter} ${layer.title}: ${done.length} of ${total} parts, ${failed} failures`,
    );
    // At once: a run at full size is long, and what failed can be looked at meanwhile.
    for (const line of failureLines(part)) console.log(line);
  });
  if (taken > 0)
    console.log(`${taken} of ${orders.length} parts are from earlier runs over the same sources.`);
  const usual = layers.map((layer) => keptResult(layer, kept)).filter((result) => result !== undefined);
  return { results: [...results.values()].map(mergeResults), usual, parts: orders.length, taken };
}

/** What a whole run of a layer at the usual size came to, if each of its parts is kept. */
function keptResult(layer: Layer, kept: KeptParts): LayerResult | undefined {
  const orders = partsOf(layer, { size: 'usual' });
  const parts = orders
    .map((order, number) => kept.of({ ...order, number }))
    .filter((part) => part !== undefined);
  return parts.length > 0 && parts.length === orders.length ? mergeResults(parts) : undefined;
}

function partsOf(
  layer: Layer,
  { size, seed }: Pick<ProveOptions, 'size' | 'seed'>,
): Omit<PartOrder, 'number'>[] {
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
