import { describe, expect, it } from 'vitest';
import type { Reason } from '../../src/core/reason.ts';
import { presentRequest } from '../../src/http/presentRequest.ts';
import { sampleRequest } from '../contracts/samples.ts';

describe('what a caller sees of a request that waits', () => {
  const at = '2026-11-23T08:00:00.000Z';
  const reason: Reason = { code: 'waiting-for-sweep', message: 'It waits.' };

  it('is what for, as long as it is being opened', () => {
    expect(presentRequest(sampleRequest('a', { waiting: { at, reason } }))).toMatchObject({
      ...{ state: 'opening', waiting: { code: 'waiting-for-sweep', message: 'It waits.' } },
    });
  });

  it.each([
    ['it waits no more', sampleRequest('a', { waiting: { at } })],
    ['it is active', sampleRequest('a', { state: 'active', waiting: { at, reason } })],
    ['it never waited', sampleRequest('a')],
  ])('is nothing once %s', (_, request) => {
    expect(presentRequest(request)).not.toHaveProperty('waiting');
  });
});
