/** How much of a layer is run: in `npm test`, in `npm run prove`, in `npm run prove:full`. */
export type Size = 'quick' | 'usual' | 'full';

export const sizes: readonly Size[] = ['quick', 'usual', 'full'];

export interface LayerOptions {
  size: Size;
  /** Runs this one case alone: the one that a failure named. */
  seed?: number;
  /** Runs every `of`-th case, beginning with the `index`-th (from 0), so that several processes share the layer. */
  worker?: { index: number; of: number };
}

/** A promise that did not hold, and the command that shows it again. */
export interface Failure {
  seed: string;
  what: string;
  replay: string;
}

export interface LayerResult {
  layer: string;
  title: string;
  /** What was run, by name: cases, packets, grants. */
  counted: Record<string, number>;
  /** Which seeds were run, for people. */
  seeds: string;
  milliseconds: number;
  failures: Failure[];
}

export type RunLayer = (options: LayerOptions) => Promise<LayerResult>;

/** The seeds from 1 to `count` that fall to these options: one, every nth, or all. */
export function seedsOf({ seed, worker }: LayerOptions, count: number): number[] {
  if (seed !== undefined) return [seed];
  const { index, of } = worker ?? { index: 0, of: 1 };
  return Array.from({ length: count }, (_, position) => position + 1).filter(
    (_, position) => position % of === index,
  );
}

/** The words for the seeds of a whole layer: `1–2000`, or the one that is replayed. */
export function seedWords({ seed }: LayerOptions, count: number): string {
  return seed === undefined ? `1–${count}` : String(seed);
}

/** The command that replays one case of a layer. */
export function replayCommand(layer: string, seed: number | string): string {
  return `npm run prove -- --layer ${layer} --seed ${seed}`;
}

/** The result of a layer from those of its parts; counts and times are added. Throws if there are no parts. */
export function mergeResults(parts: readonly LayerResult[]): LayerResult {
  const [first] = parts;
  if (first === undefined) throw new Error('A layer without parts has no result.');
  const counted: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, count] of Object.entries(part.counted)) counted[name] = (counted[name] ?? 0) + count;
  }
  return {
    ...first,
    counted,
    milliseconds: parts.reduce((sum, part) => sum + part.milliseconds, 0),
    failures: parts.flatMap((part) => part.failures),
  };
}
