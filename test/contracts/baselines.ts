import { describe, expect, it } from 'vitest';
import { endBaseline } from '../../src/core/baseline.ts';
import type { BaselineRow } from '../../src/core/baseline.ts';
import type { LiveRows } from '../../src/core/stores.ts';
import { nsgId, requestId, sampleBaseline, sampleLiveRow, vmId } from './samples.ts';

/** What every implementation of LiveRows does with baselines. `make` returns an empty one. */
export function describeBaselinesContract(name: string, make: () => Promise<LiveRows>): void {
  describe(`Baselines: ${name}`, () => {
    const web = nsgId('Web-Nsg');

    it('reads the grants and the baselines of one NSG together, and none of another', async () => {
      const live = await make();
      const grant = sampleLiveRow('Web-Nsg', 'a');
      const baselines = [sampleBaseline('Web-Nsg', 'Web-1'), sampleBaseline('Web-Nsg', 'Web-2')];
      await live.insert(grant);
      for (const row of [...baselines, sampleBaseline('Other-Nsg', 'Web-3')]) await live.insertBaseline(row);
      const all = await live.allOfNsg(web.toUpperCase());
      expect(all.grants.map(({ row }) => row)).toEqual([grant]);
      expect(all.baselines).toHaveLength(2);
      expect(all.baselines.map(({ row }) => row)).toEqual(expect.arrayContaining(baselines));
      expect(await live.allOfNsg(nsgId('Nobodys-Nsg'))).toEqual({ grants: [], baselines: [] });
    });

    it('keeps baselines out of the rows of grants', async () => {
      const live = await make();
      await live.insertBaseline(sampleBaseline('Web-Nsg', 'Web-1'));
      expect(await live.ofNsg(web)).toEqual([]);
      expect(await live.unended()).toEqual([]);
    });

    it('lists the baselines of all NSGs, and no row of anything else', async () => {
      const live = await make();
      const rows = [sampleBaseline('Web-Nsg', 'Web-1'), sampleBaseline('Other-Nsg', 'Web-3')];
      await live.insert(sampleLiveRow('Web-Nsg', 'a'));
      for (const row of rows) await live.insertBaseline(row);
      const found = await live.everyBaseline();
      expect(found).toHaveLength(2);
      expect(found.map(({ row }) => row)).toEqual(expect.arrayContaining(rows));
      const [first] = found;
      if (first === undefined) throw new Error('There is none.');
      expect(await live.replaceBaseline(ended(first.row), first.etag)).toBe('replaced');
    });

    it('finds a baseline by its machine, whatever the case of the ids', async () => {
      const live = await make();
      const row = ended(sampleBaseline('Web-Nsg', 'Web-1', { leftAt: '2026-11-23T08:00:00.000Z' }));
      await live.insertBaseline(row);
      const found = await live.getBaseline(web.toLowerCase(), row.virtualMachineId.toUpperCase());
      expect(found?.row).toEqual(row);
      expect(await live.getBaseline(web, vmId('Web-2'))).toBeUndefined();
    });

    it('inserts once: other content is refused, the same content again is ours', async () => {
      const live = await make();
      const row = sampleBaseline('Web-Nsg', 'Web-1');
      expect(await live.insertBaseline(row)).toBe('inserted');
      expect(await live.insertBaseline(row)).toBe('inserted');
      expect(await live.insertBaseline({ ...row, version: 2 })).toBe('exists');
      expect(await baselineOf(live)).toEqual(row);
    });

    it('replaces a baseline under its current ETag only', async () => {
      const live = await make();
      const row = sampleBaseline('Web-Nsg', 'Web-1');
      await live.insertBaseline(row);
      const etag = await etagOf(live);
      expect(await live.replaceBaseline(ended(row), etag)).toBe('replaced');
      expect(await live.replaceBaseline({ ...row, version: 3 }, etag)).toBe('changed');
      expect(await baselineOf(live)).toEqual(ended(row));
    });

    it('removes a baseline under its current ETag only: one that stands again stays', async () => {
      const live = await make();
      const row = sampleBaseline('Web-Nsg', 'Web-1');
      await live.insertBaseline(ended(row));
      const etag = await etagOf(live);
      await live.replaceBaseline({ ...row, version: 3 }, etag);
      expect(await live.removeBaseline(web, row.virtualMachineId, etag)).toBe('changed');
      expect(await baselineOf(live)).toEqual({ ...row, version: 3 });
      expect(await live.removeBaseline(web, row.virtualMachineId, await etagOf(live))).toBe('removed');
      expect(await live.removeBaseline(web, row.virtualMachineId, etag)).toBe('removed');
      expect(await live.allOfNsg(web)).toEqual({ grants: [], baselines: [] });
    });

    it('notes what was seen of grants and of baselines at once, each beside what its row says', async () => {
      const live = await make();
      const [grant, row] = [sampleLiveRow('Web-Nsg', 'a'), sampleBaseline('Web-Nsg', 'Web-1')];
      await live.insert(grant);
      await live.insertBaseline(row);
      expect(await live.markSeen(web, await marksOf(live))).toEqual([]);
      expect(await baselineOf(live)).toEqual({ ...row, seen: { '1': 'hash' } });
      expect((await live.get(web, requestId('a')))?.row).toEqual({ ...grant, seen });
    });

    it('notes nothing of a baseline that was changed meanwhile, says which, and notes the grant', async () => {
      const live = await make();
      const [grant, row] = [sampleLiveRow('Web-Nsg', 'a'), sampleBaseline('Web-Nsg', 'Web-1')];
      await live.insert(grant);
      await live.insertBaseline(row);
      const marks = await marksOf(live);
      await live.replaceBaseline(ended(row), await etagOf(live));
      expect(await live.markSeen(web, marks)).toEqual([row.virtualMachineId]);
      expect(await baselineOf(live)).toEqual(ended(row));
      expect((await live.get(web, requestId('a')))?.row).toEqual({ ...grant, seen });
    });

    async function baselineOf(live: LiveRows): Promise<BaselineRow | 'unreadable' | undefined> {
      return (await live.getBaseline(web, vmId('Web-1')))?.row;
    }

    async function etagOf(live: LiveRows): Promise<string> {
      return (await live.getBaseline(web, vmId('Web-1')))?.etag ?? '';
    }

    async function marksOf(live: LiveRows) {
      const { grants, baselines } = await live.allOfNsg(web);
      return [
        ...grants.map(({ row: { requestId: id }, etag }) => ({ requestId: id, etag, seen })),
        ...baselines.map(({ row: { virtualMachineId }, etag }) => ({
          virtualMachineId,
          etag,
          seen: { '1': 'hash' },
        })),
      ];
    }
  });
}

const seen = {
  readAt: '2026-11-23T12:00:03.000Z',
  version: 1,
  state: 'open' as const,
  rules: { '1': 'hash' },
  changes: [],
};

function ended(row: BaselineRow): BaselineRow {
  return endBaseline(row, new Date('2026-11-23T12:00:00.000Z'));
}
