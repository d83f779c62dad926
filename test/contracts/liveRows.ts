import { describe, expect, it } from 'vitest';
import type { LiveRow, SeenGrant } from '../../src/core/accessRequest.ts';
import type { LiveRows, SeenMark } from '../../src/core/stores.ts';
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
      const found = await rowsOf(live, nsgId('Web-Nsg').toUpperCase());
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining(rows));
      expect((await live.get(nsgId('Web-Nsg').toLowerCase(), requestId('b')))?.row).toEqual(rows[1]);
    });

    it('keeps what was accepted of its rules', async () => {
      const live = await make();
      const form = {
        protocol: 'Tcp',
        access: 'Allow',
        direction: 'Inbound',
        sourcePortRange: '*',
        sourceAddressPrefixes: ['203.0.113.7'],
        destinationAddressPrefix: '10.0.0.4',
        destinationPortRange: '22',
        aPropertyOfTheFuture: { kept: [1] },
      };
      const boxes = sampleLiveRow('Web-Nsg', 'a').boxes.flatMap((box) => [box, box]);
      const row = sampleLiveRow('Web-Nsg', 'a', { boxes, accepted: { 1: 'absent', 2: form } });
      await live.insert(row);
      expect((await live.get(row.nsgId, row.requestId))?.row).toEqual(row);
      expect((await live.ofNsg(row.nsgId)).map((stored) => stored.row)).toEqual([row]);
    });

    it('inserts once: other content is refused, the same content again is ours', async () => {
      const live = await make();
      const row = sampleLiveRow('Web-Nsg', 'a');
      expect(await live.insert(row)).toBe('inserted');
      expect(await live.insert(row)).toBe('inserted');
      expect(await live.insert({ ...row, version: 2 })).toBe('exists');
      expect(await rowsOf(live, row.nsgId)).toEqual([row]);
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
      expect(await rowsOf(live, nsgId('Web-Nsg'))).toEqual([rows[1]]);
    });

    it('notes what was seen of rows, and keeps it beside what the row says', async () => {
      const live = await make();
      const rows = ['a', 'b', 'c'].map((request) => sampleLiveRow('Web-Nsg', request));
      for (const row of rows) await live.insert(row);
      expect(await live.markSeen(nsgId('Web-Nsg'), await marksOf(live))).toEqual([]);
      expect(await rowsOf(live, nsgId('Web-Nsg'))).toEqual(
        expect.arrayContaining(rows.map((row) => ({ ...row, seen }))),
      );
      expect((await live.get(nsgId('Web-Nsg'), requestId('b')))?.row).toEqual({ ...rows[1], seen });
    });

    it('notes more rows at once than fit into one transaction', async () => {
      const live = await make();
      const requests = Array.from({ length: 103 }, (_, index) => `many${index}`);
      await Promise.all(requests.map((request) => live.insert(sampleLiveRow('Web-Nsg', request))));
      expect(await live.markSeen(nsgId('Web-Nsg'), await marksOf(live))).toEqual([]);
      expect((await rowsOf(live, nsgId('Web-Nsg'))).filter((row) => row.seen === undefined)).toEqual([]);
    });

    it('notes nothing with a row that was changed or removed meanwhile, says which, and notes the others', async () => {
      const live = await make();
      for (const request of ['a', 'b', 'c']) await live.insert(sampleLiveRow('Web-Nsg', request));
      const marks = await marksOf(live);
      const closing = sampleLiveRow('Web-Nsg', 'a', { version: 2, state: 'closing' });
      await live.replace(closing, (await live.get(closing.nsgId, closing.requestId))?.etag ?? '');
      await live.remove(nsgId('Web-Nsg'), requestId('c'));
      const changed = await live.markSeen(nsgId('Web-Nsg'), marks);
      expect(changed.sort()).toEqual([requestId('a'), requestId('c')].sort());
      const rows = await rowsOf(live, nsgId('Web-Nsg'));
      expect(rows).toHaveLength(2);
      expect(rows).toEqual(expect.arrayContaining([closing, { ...sampleLiveRow('Web-Nsg', 'b'), seen }]));
    });

    it('changes the ETag of a row by noting something: whoever read it before is told', async () => {
      const live = await make();
      const row = sampleLiveRow('Web-Nsg', 'a');
      await live.insert(row);
      const [mark] = await marksOf(live);
      await live.markSeen(row.nsgId, await marksOf(live));
      expect(await live.replace({ ...row, version: 2 }, mark?.etag ?? '')).toBe('changed');
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

    it('takes back that a request is sealed, and nothing else of it', async () => {
      const live = await make();
      const row = { ...unended('a'), endedAt: '2026-11-23T09:00:00.000Z' };
      await live.addUnended(unended('a'));
      await live.markEnded(row.requestId, row.endedAt);
      await live.markSealed(row.requestId);
      await live.markUnsealed(row.requestId);
      expect(await live.unended()).toEqual([row]);
      await live.markSealed(row.requestId);
      expect(await live.unended()).toEqual([{ ...row, sealed: true }]);
    });

    it('brings nothing back by marking a request that was removed', async () => {
      const live = await make();
      await live.addUnended(unended('a'));
      await live.removeUnended(requestId('a'));
      await live.removeUnended(requestId('a'));
      await live.markSealed(requestId('a'));
      await live.markUnsealed(requestId('a'));
      await live.markEnded(requestId('a'), '2026-11-23T09:00:00.000Z');
      expect(await live.unended()).toEqual([]);
    });
  });
}

const seen: SeenGrant = {
  readAt: '2026-11-23T12:00:03.000Z',
  version: 1,
  state: 'open',
  rules: { '1': 'hash' },
  changes: ['TCP 22 from 203.0.113.7/32'],
};

async function rowsOf(live: LiveRows, ofNsg: string): Promise<LiveRow[]> {
  return (await live.ofNsg(ofNsg)).map(({ row }) => row);
}

async function marksOf(live: LiveRows): Promise<SeenMark[]> {
  return (await live.ofNsg(nsgId('Web-Nsg'))).map(({ row, etag }) => ({
    requestId: row.requestId,
    etag,
    seen,
  }));
}

function unended(request: string) {
  return { requestId: requestId(request), requesterId: alice, createdAt: '2026-11-23T08:00:00.000Z' };
}
