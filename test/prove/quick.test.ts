import { describe, expect, it } from 'vitest';
import { layers } from './layers.ts';

describe('the quick part of the proof', () => {
  const quick = layers.filter(({ parts }) => parts.quick > 0);

  it.each(quick.map((layer) => [`${layer.letter}: ${layer.title}`, layer] as const))(
    'holds in layer %s',
    async (_name, { load }) => {
      const { run } = await load();
      const { counted, failures } = await run({ size: 'quick' });

      expect(failures).toEqual([]);
      expect(Object.values(counted).some((count) => count > 0)).toBe(true);
    },
  );
});
