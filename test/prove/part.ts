import type { LayerOptions, LayerResult } from './layer.ts';
import { layerOf } from './layers.ts';

/** What a process of the proof is asked to run, by number, as it goes over the wire. */
export interface PartOrder {
  number: number;
  letter: string;
  options: LayerOptions;
}

export interface PartAnswer {
  number: number;
  result?: LayerResult;
  error?: string;
}

/** Runs one part of one layer; an error of the layer itself is an answer too. */
export async function runPart({ number, letter, options }: PartOrder): Promise<PartAnswer> {
  try {
    const layer = layerOf(letter);
    if (layer === undefined) throw new Error(`There is no layer "${letter}".`);
    const { run } = await layer.load();
    return { number, result: await run(options) };
  } catch (error) {
    return { number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
