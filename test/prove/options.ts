import { parseArgs } from 'node:util';
import { sizes } from './layer.ts';
import type { Size } from './layer.ts';
import { layerOf, layers } from './layers.ts';
import type { Layer } from './layers.ts';

export interface ProveOptions {
  layers: readonly Layer[];
  size: Size;
  seed?: number;
  /** Write docs/proof.md. */
  write: boolean;
  /** Take the parts that an earlier run over the same content has proven. */
  resume: boolean;
}

export const usage = `npm run prove                          every layer at its usual size, within ten minutes on two cores
npm run prove -- --layer F             one layer
npm run prove -- --layer F --seed 12   one case of one layer, as a failure names it
npm run prove -- --size quick          the sizes of npm test: quick, usual or full
npm run prove:full                     every layer at its full size; writes docs/proof.md
npm run prove:full -- --resume         goes on with a run that was interrupted: parts that held are not run
                                       again, unless a source has changed since
npm run prove:mutants                  breaks the code on purpose and tells what noticed`;

/** What the command line asks for, or a sentence that says what is wrong with it. */
export function readOptions(args: readonly string[]): ProveOptions | { problem: string } {
  const parsed = parse(args);
  if ('problem' in parsed) return parsed;
  const { layer: letter, seed: seedText, size: sizeText = 'usual', write = false, resume = false } = parsed;
  const size = sizes.find((known) => known === sizeText);
  if (size === undefined) return { problem: `--size is one of ${sizes.join(', ')}, not "${sizeText}".` };
  const chosen = letter === undefined ? layers : [layerOf(letter)].filter((found) => found !== undefined);
  if (letter !== undefined && chosen.length === 0) {
    return {
      problem: `There is no layer "${letter}"; the layers are ${layers.map((one) => one.letter).join(', ')}.`,
    };
  }
  if (write && letter !== undefined) {
    return { problem: 'Only a run of every layer may be written to docs/proof.md.' };
  }
  if (seedText === undefined) return { layers: chosen, size, write, resume };
  if (resume)
    return { problem: '--resume goes on with a whole run; --seed is one case, which is always run.' };
  if (letter === undefined) return { problem: '--seed needs --layer: each layer has seeds of its own.' };
  const seed = Number(seedText);
  if (!/^\d+$/.test(seedText) || !Number.isSafeInteger(seed)) {
    return { problem: `--seed is a whole number of at least 0, not "${seedText}".` };
  }
  return { layers: chosen, size, seed, write, resume };
}

interface Given {
  layer?: string | undefined;
  seed?: string | undefined;
  size?: string | undefined;
  write?: boolean | undefined;
  resume?: boolean | undefined;
}

function parse(args: readonly string[]): Given | { problem: string } {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { layer: text, seed: text, size: text, write: flag, resume: flag } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
