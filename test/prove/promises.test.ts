import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { layerOf } from './layers.ts';
import { promises } from './promises.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the promises', () => {
  it('are I1 to I10', () => {
    expect(promises.map(({ promise }) => promise)).toEqual(Array.from({ length: 10 }, (_, n) => `I${n + 1}`));
  });

  it.each(promises.map((one) => [one.promise, one] as const))(
    '%s has layers that watch it and tests that exist',
    (_name, { layers, tests }) => {
      expect(layers.split(', ').filter((letter) => layerOf(letter) === undefined)).toEqual([]);
      expect(tests.length).toBeGreaterThan(0);
      expect(tests.filter((test) => !existsSync(join(root, test)))).toEqual([]);
    },
  );

  it.each(promises.map((one) => [one.promise, one] as const))(
    '%s stands in the name of one of its tests at least',
    (promise, { tests }) => {
      const named = new RegExp(`['"].*\\(${promise}\\).*['"],`, 'm');

      expect(tests.filter((test) => named.test(readFileSync(join(root, test), 'utf8')))).not.toEqual([]);
    },
  );
});
