import { expect, it, onTestFinished, vi } from 'vitest';
import { ask } from '../../../src/adapters/tables/calls.ts';

it('gives up on a call that does not mind its signal, such as one that waits for a token', async () => {
  const deadline = new AbortController();
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(deadline.signal);
  onTestFinished(() => timeout.mockRestore());
  const neverEnds = new Promise<never>(() => undefined);

  const asked = ask('read a row', () => neverEnds);
  deadline.abort();

  await expect(asked).rejects.toThrow('did not answer within 10 s: read a row');
  expect(timeout).toHaveBeenCalledExactlyOnceWith(10_000);
});
