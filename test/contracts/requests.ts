import { describe, expect, it } from 'vitest';
import type { Requests, Stored } from '../../src/core/stores.ts';
import type { AccessRequest } from '../../src/core/accessRequest.ts';
import { endedRequest, largeRequest, requestId, sampleRequest } from './samples.ts';

/** What every implementation of Requests does. `make` returns an empty one. */
export function describeRequestsContract(name: string, make: () => Promise<Requests>): void {
  describe(`Requests: ${name}`, () => {
    it('has no row for an id that was never inserted', async () => {
      const requests = await make();
      expect(await requests.get(requestId('unknown'))).toBeUndefined();
    });

    it.each([
      ['a small request with every kind of character', sampleRequest('small')],
      ['a request that has ended', endedRequest('ended')],
      ['the largest request, ten machines with twenty ports each', largeRequest('large')],
    ])('returns %s as it was inserted', async (_, request) => {
      const requests = await make();
      const inserted = present(await requests.insert(request));
      expect(inserted.row).toEqual(request);
      expect(await requests.get(request.id)).toEqual({ row: request, etag: inserted.etag });
    });

    it('refuses a second row under the same id and keeps the first', async () => {
      const requests = await make();
      const first = sampleRequest('twice');
      await requests.insert(first);
      expect(await requests.insert({ ...first, correlationId: 'other' })).toBe('exists');
      expect((await requests.get(first.id))?.row).toEqual(first);
    });

    it('takes the same insert again for its own, as after a lost answer', async () => {
      const requests = await make();
      const request = sampleRequest('again');
      const first = present(await requests.insert(request));
      expect(await requests.insert(request)).toEqual(first);
    });

    it('replaces the whole row under its ETag and returns the next one', async () => {
      const requests = await make();
      const request = largeRequest('shrinks');
      const first = present(await requests.insert(request));
      const smaller = { ...sampleRequest('shrinks'), version: 2 };
      const second = present(await requests.replace(smaller, first.etag));
      expect(second.etag).not.toBe(first.etag);
      expect(await requests.get(request.id)).toEqual({ row: smaller, etag: second.etag });
    });

    it('refuses a replace under an ETag that is no longer current and keeps the row', async () => {
      const requests = await make();
      const request = sampleRequest('stale');
      const first = present(await requests.insert(request));
      const newer = { ...request, version: 2 };
      await requests.replace(newer, first.etag);
      expect(await requests.replace({ ...request, version: 3 }, first.etag)).toBe('changed');
      expect((await requests.get(request.id))?.row).toEqual(newer);
    });

    it('refuses to replace a row that is not there', async () => {
      const requests = await make();
      const inserted = present(await requests.insert(sampleRequest('there')));
      expect(await requests.replace(sampleRequest('not there'), inserted.etag)).toBe('changed');
      expect(await requests.get(requestId('not there'))).toBeUndefined();
    });

    it('lets one of many simultaneous writers win', async () => {
      const requests = await make();
      const request = sampleRequest('race');
      const { etag } = present(await requests.insert(request));
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, writer) =>
          requests.replace({ ...request, version: 2, correlationId: `writer ${writer}` }, etag),
        ),
      );
      const winners = results.filter((result) => result !== 'changed');
      expect(winners).toHaveLength(1);
      expect(await requests.get(request.id)).toEqual(winners[0]);
    });
  });
}

function present(stored: Stored<AccessRequest> | 'exists' | 'changed'): Stored<AccessRequest> {
  if (typeof stored === 'string') throw new Error(`Expected a stored row, got ${stored}.`);
  return stored;
}
