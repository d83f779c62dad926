import { expect, it } from 'vitest';
import { ask } from '../../../src/adapters/tables/calls.ts';

it('gives up on a call that does not mind its signal, such as one that waits for a token', async () => {
  const neverEnds = new Promise<never>(() => undefined);

  await expect(ask('read a row', () => neverEnds)).rejects.toThrow('did not answer within 10 s: read a row');
});
