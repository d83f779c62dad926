import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { layerOf } from './layers.ts';
import { mutated, placeOf } from './mutants/mutant.ts';
import { mutants } from './mutants/mutants.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the mutants', () => {
  it.each(mutants.map((mutant) => [mutant.id, mutant] as const))(
    '%s applies to the source',
    (_id, mutant) => {
      const source = readFileSync(join(root, mutant.file), 'utf8');

      expect(mutated(mutant, source)).not.toBe(source);
    },
  );

  it.each(mutants.map((mutant) => [mutant.id, mutant] as const))(
    '%s is hunted by what exists',
    (_id, mutant) => {
      const unknown = mutant.hunters.filter(
        (hunter) => layerOf(hunter) === undefined && !existsSync(join(root, hunter)),
      );

      expect(mutant.hunters).not.toEqual([]);
      expect(unknown).toEqual([]);
    },
  );

  it('are at least 40, each of its own and with a name of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(40);
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    expect(new Set(mutants.map(placeOf)).size).toBe(mutants.length);
  });

  it('fail loudly where the source no longer has their text', () => {
    const [first] = mutants;

    expect(() => first && mutated(first, 'something else')).toThrow(/does not apply/);
  });
});
