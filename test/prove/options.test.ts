import { describe, expect, it } from 'vitest';
import { layers } from './layers.ts';
import { readOptions } from './options.ts';

describe('the arguments of npm run prove', () => {
  it('are by default all layers at their usual size', () => {
    expect(readOptions([])).toEqual({ layers, size: 'usual', write: false, resume: false });
  });

  it('name one layer, in either case, and one seed of it', () => {
    const planner = layers.find(({ letter }) => letter === 'F');

    expect(readOptions(['--layer', 'f', '--seed', '12'])).toEqual({
      layers: [planner],
      size: 'usual',
      seed: 12,
      write: false,
      resume: false,
    });
  });

  it('say whether a run is to go on', () => {
    expect(readOptions(['--size', 'full', '--write', '--resume'])).toEqual({
      ...{ layers, size: 'full', write: true, resume: true },
    });
  });

  it.each([
    [['--layer', 'Z'], 'There is no layer "Z"'],
    [['--seed', '1'], '--seed needs --layer'],
    [['--layer', 'F', '--seed=-1'], 'whole number'],
    [['--layer', 'F', '--seed=1.5'], 'whole number'],
    [['--layer', 'F', '--seed', 'x'], 'whole number'],
    [['--layer', 'F', '--seed', '1', '--resume'], '--resume goes on with a whole run'],
    [['--size', 'huge'], '--size is one of quick, usual, full'],
    [['--size', 'full', '--write', '--layer', 'F'], 'Only a run of every layer'],
    [['--sede', '1'], '--sede'],
    [['F'], 'F'],
  ])('%j is refused with a sentence', (args, sentence) => {
    const read = readOptions(args);

    expect('problem' in read ? read.problem : '').toContain(sentence);
  });
});

describe('the layers', () => {
  it('have letters of their own', () => {
    expect(new Set(layers.map(({ letter }) => letter)).size).toBe(layers.length);
  });
});
