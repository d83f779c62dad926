import { describe, expect, it } from 'vitest';
import type { LiveRows } from '../../src/core/stores.ts';
import { alice, nsgId, requestId, sampleLiveRow } from './samples.ts';

/** What every implementation of LiveRows does. `make` returns an empty one. */
export function describeLiveRowsContract(name: string, make: () => Promise<LiveRows>): void {
  describe(`LiveRows: ${name}`, () => {
    it('has no rows of an NSG that nobody asked for', async () => {
      const live = await make();
      expect(await live.ofNsg(nsgId('Web-Nsg'))).toEqual([]);
      expect(await live.get(nsgId('Web-Nsg'), requestId('a'))).toBeUndefined();
    });

    it('returns every row of one NSG, whatever the case of its id, and none of another', async () => {
      const live = await make();
      const rows = [
        sampleLiveRow('Web-Nsg', 'a'),
        sampleLiveRow('Web-Nsg', 'b', { state: 'closed', version: 4 }),
      ];
      for (const row of [...rows, sampleLiveRow('Other-Nsg', 'a')]) await live.insert(row);
      const found = await live.ofNsg(nsgId('Web-Nsg').toUpperCase());
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining(rows));
      expect((await live.get(nsgId('Web-Nsg').toLowerCase(), requestId('b')))?.row).toEqual(rows[1]);
    });

    it('inserts once: other content is refused, the same content again is ours', async () => {
      const live = await make();
      const row = sampleLiveRow('Web-Nsg', 'a');
      expect(await live.insert(row)).toBe('inserted');
      expect(await live.insert(row)).toBe('inserted');
      expect(await live.insert({ ...row, version: 2 })).toBe('exists');
      expect(await live.ofNsg(row.nsgId)).toEqual([row]);
    });

    it('replaces a row under its current ETag only', async () => {
      const live = await make();
      const row = sampleLiveRow('Web-Nsg', 'a');
      await live.insert(row);
      const etag = (await live.get(row.nsgId, row.requestId))?.etag ?? '';
      const closing = { ...row, version: 2, state: 'closing' as const };
      expect(await live.replace(closing, etag)).toBe('replaced');
      expect(await live.replace({ ...row, version: 3 }, etag)).toBe('changed');
      expect((await live.get(row.nsgId, row.requestId))?.row).toEqual(closing);
    });

    it('refuses to replace a row that was removed', async () => {
      const live = await make();
      const row = sampleLiveRow('Web-Nsg', 'a');
      await live.insert(row);
      const etag = (await live.get(row.nsgId, row.requestId))?.etag ?? '';
      await live.remove(row.nsgId, row.requestId);
      expect(await live.replace(row, etag)).toBe('changed');
      expect(await live.ofNsg(row.nsgId)).toEqual([]);
    });

    it('removes one row, and nothing where there is none', async () => {
      const live = await make();
      const rows = [sampleLiveRow('Web-Nsg', 'a'), sampleLiveRow('Web-Nsg', 'b')];
      for (const row of rows) await live.insert(row);
      await live.remove(nsgId('Web-Nsg'), requestId('a'));
      await live.remove(nsgId('Web-Nsg'), requestId('a'));
      expect(await live.ofNsg(nsgId('Web-Nsg'))).toEqual([rows[1]]);
    });

    it('lists the requests that have not ended, apart from the rows of NSGs', async () => {
      const live = await make();
      await live.insert(sampleLiveRow('Web-Nsg', 'a'));
      const row = unended('a');
      await live.addUnended(row);
      await live.addUnended({ ...row, requesterId: 'somebody else' });
      expect(await live.unended()).toEqual([row]);
    });

    it('marks a request as ended and keeps the mark when it is added again', async () => {
      const live = await make();
      const row = unended('a');
      await live.addUnended(row);
      await live.markEnded(row.requestId, '2026-11-23T09:00:00.000Z');
      await live.addUnended(row);
      expect(await live.unended()).toEqual([{ ...row, endedAt: '2026-11-23T09:00:00.000Z' }]);
    });

    it('marks a request as sealed and keeps both marks, whichever comes again', async () => {
      const live = await make();
      const row = unended('a');
      await live.addUnended(row);
      await live.markEnded(row.requestId, '2026-11-23T09:00:00.000Z');
      await live.markSealed(row.requestId);
      await live.markEnded(row.requestId, '2026-11-23T09:01:00.000Z');
      await live.markSealed(row.requestId);
      await live.addUnended(row);
      expect(await live.unended()).toEqual([{ ...row, endedAt: '2026-11-23T09:01:00.000Z', sealed: true }]);
    });

    it('brings nothing back by marking a request that was removed', async () => {
      const live = await make();
      await live.addUnended(unended('a'));
      await live.removeUnended(requestId('a'));
      await live.removeUnended(requestId('a'));
      await live.markSealed(requestId('a'));
      await live.markEnded(requestId('a'), '2026-11-23T09:00:00.000Z');
      expect(await live.unended()).toEqual([]);
    });
  });
}

function unended(request: string) {
  return { requestId: requestId(request), requesterId: alice, createdAt: '2026-11-23T08:00:00.000Z' };
}
