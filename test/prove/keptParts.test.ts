import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentHash, createKeptParts, runMissing } from './keptParts.ts';
import type { LayerResult } from './layer.ts';
import { layers } from './layers.ts';
import { runPart, type PartOrder } from './part.ts';

const order: PartOrder = { number: 3, letter: 'A', options: { size: 'full', worker: { index: 3, of: 16 } } };
const held: LayerResult = {
  ...{ layer: 'A', title: 'deaths', counted: { 'single deaths': 12 }, seeds: 'every place' },
  ...{ milliseconds: 1500, failures: [] },
};

describe('the parts that are kept of a run', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kept-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('are there for the next run over the same content, whatever number the part has then', () => {
    createKeptParts(directory, { A: 'content' }).keep(order, held);

    expect(createKeptParts(directory, { A: 'content' }).of({ ...order, number: 7 })).toEqual(held);
  });

  it.each<[string, string, PartOrder]>([
    ['content', 'other content', order],
    ['layer', 'content', { ...order, letter: 'B' }],
    ['size', 'content', { ...order, options: { ...order.options, size: 'usual' } }],
    ['part', 'content', { ...order, options: { size: 'full', worker: { index: 4, of: 16 } } }],
    ['number of parts', 'content', { ...order, options: { size: 'full', worker: { index: 3, of: 17 } } }],
  ])('are not taken for those of another %s', (_what, content, other) => {
    createKeptParts(directory, { A: 'content' }).keep(order, held);

    expect(createKeptParts(directory, { A: content, B: content }).of(other)).toBeUndefined();
  });

  it('are those that held: what failed is run again', () => {
    const kept = createKeptParts(directory, { A: 'content' });
    kept.keep(order, { ...held, failures: [{ seed: '1', what: 'I1: open', replay: 'npm run prove' }] });

    expect(kept.of(order)).toBeUndefined();
  });
});

describe('the hash of what a proof depends on', () => {
  let root: string;
  const write = (path: string, text: string) => {
    writeFileSync(join(root, path), text);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'content-'));
    for (const folder of ['src', 'src/core', 'test', 'docs']) mkdirSync(join(root, folder));
    write('src/core/plan.ts', 'export const a = 1;');
    write('test/plan.test.ts', 'it');
    write('docs/proof.md', 'Every promise held.');
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it('stays when only a page is written', async () => {
    const before = await contentHash(root);
    write('docs/proof.md', 'Sizes: full.');

    expect(await contentHash(root)).toBe(before);
  });

  it.each<[string, () => void]>([
    ['a line of code changes', () => write('src/core/plan.ts', 'export const a = 2;')],
    ['a file is added', () => write('test/other.test.ts', '')],
    [
      'a file has another name',
      () => renameSync(join(root, 'test/plan.test.ts'), join(root, 'test/p.test.ts')),
    ],
    ['a dependency changes', () => write('package-lock.json', '{}')],
  ])('is another one when %s', async (_what, change) => {
    const before = await contentHash(root);
    change();

    expect(await contentHash(root)).not.toBe(before);
  });

  describe('of a layer that only imports', () => {
    const ofLayer = () => contentHash(root, 'test/layer.ts');
    beforeEach(() => {
      write('src/core/desired.ts', 'export const b = 1;');
      write('src/core/lazy.ts', 'export const c = 1;');
      write(
        'src/core/plan.ts',
        `export { b } from './desired.ts'; export const later = () => import('./lazy.ts');`,
      );
      write(
        'test/layer.ts',
        `import { b } from '../src/core/plan.ts'; import 'node:fs'; import 'zod'; export const run = b;`,
      );
    });

    it('stays when what it does not import changes', async () => {
      const before = await ofLayer();
      write('src/core/other.ts', 'export const d = 1;');
      write('test/plan.test.ts', 'other');

      expect(await ofLayer()).toBe(before);
    });

    it.each<[string, () => void]>([
      ['the layer changes', () => write('test/layer.ts', `export const run = 1;`)],
      [
        'what is imported by what it imports changes',
        () => write('src/core/desired.ts', 'export const b = 2;'),
      ],
      [
        'what is imported only when it is needed changes',
        () => write('src/core/lazy.ts', 'export const c = 2;'),
      ],
      ['a dependency changes', () => write('package-lock.json', '{}')],
    ])('is another one when %s', async (_what, change) => {
      const before = await ofLayer();
      change();

      expect(await ofLayer()).not.toBe(before);
    });

    it('cannot be had of a layer that does not build', async () => {
      write('test/layer.ts', `import './nowhere.ts';`);

      await expect(ofLayer()).rejects.toThrow('nowhere');
    });
  });

  it.each(layers)('of layer $letter is over the file that it is loaded from', ({ file, load }) => {
    expect(String(load)).toContain(`layers/${file}`);
  });
});

describe('a run that goes on with another', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'resumed-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const orders = ['T', 'H'].map((letter, number): PartOrder => ({
    number,
    letter,
    options: { size: 'quick' },
  }));

  /** Runs the parts until it is interrupted, if it is; gives the numbers of the parts that were run and of all that were answered. */
  async function runUntil(resume: boolean, interruptedAfter = Infinity) {
    const [ran, answered]: string[][] = [[], []];
    const taken = await runMissing(
      orders,
      createKeptParts(directory, { T: 'content', H: 'content' }),
      resume,
      async (missing, onAnswer) => {
        for (const order of missing.slice(0, interruptedAfter)) {
          ran?.push(`${order.number}`);
          onAnswer(await runPart(order));
        }
      },
      ({ number }, { result }) => answered?.push(`${number}: ${result?.failures.length ?? 'broken'}`),
    );
    return { ran, answered, taken };
  }

  it('runs what that one did not come to, and answers everything', async () => {
    await runUntil(false, 1);

    expect(await runUntil(true)).toEqual({ ran: ['1'], answered: ['0: 0', '1: 0'], taken: 1 });
    expect(await runUntil(true)).toEqual({ ran: [], answered: ['0: 0', '1: 0'], taken: 2 });
  });

  it('runs everything anew unless it is told to go on', async () => {
    await runUntil(false);

    expect(await runUntil(false)).toEqual({ ran: ['0', '1'], answered: ['0: 0', '1: 0'], taken: 0 });
  });
});
