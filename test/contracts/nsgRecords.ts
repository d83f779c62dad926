import { describe, expect, it } from 'vitest';
import type { NsgRecord } from '../../src/core/nsgRecord.ts';
import type { NsgRecords } from '../../src/core/stores.ts';
import { nsgId, requestId } from './samples.ts';

/** What every implementation of NsgRecords does. `make` returns an empty one. */
export function describeNsgRecordsContract(name: string, make: () => Promise<NsgRecords>): void {
  describe(`NsgRecords: ${name}`, () => {
    it('remembers nothing of an NSG that nobody told it of', async () => {
      const records = await make();
      expect(await records.get(nsgId('Web-Nsg'))).toBeUndefined();
      expect(await records.nsgIds()).toEqual([]);
    });

    it('returns what was inserted, whatever the case of the id', async () => {
      const records = await make();
      const record = sampleNsgRecord('Web-Nsg');
      expect(await records.insert(record)).toBe('inserted');
      expect((await records.get(nsgId('Web-Nsg').toUpperCase()))?.row).toEqual(record);
    });

    it('inserts once: other content is refused, the same content again is ours', async () => {
      const records = await make();
      const record = sampleNsgRecord('Web-Nsg');
      await records.insert(record);
      expect(await records.insert(record)).toBe('inserted');
      expect(await records.insert({ ...record, recorded: 7 })).toBe('exists');
      expect((await records.get(record.nsgId))?.row).toEqual(record);
    });

    it('replaces a record under its current ETag only', async () => {
      const records = await make();
      const record = sampleNsgRecord('Web-Nsg');
      await records.insert(record);
      const etag = (await records.get(record.nsgId))?.etag ?? '';
      expect(await records.replace({ ...record, recorded: 1, journal: [] }, etag)).toBe('replaced');
      expect(await records.replace(record, etag)).toBe('changed');
      expect((await records.get(record.nsgId))?.row.recorded).toBe(1);
    });

    it('lists those of which something is told or not audited yet', async () => {
      const records = await make();
      const record = sampleNsgRecord('Web-Nsg');
      await records.insert(record);
      await records.insert({ ...sampleNsgRecord('Data-Nsg'), told: {}, journal: [], recorded: 1 });
      const told = { ...sampleNsgRecord('Told-Nsg'), journal: [], recorded: 1 };
      await records.insert(told);
      const byName = (a: NsgRecord, b: NsgRecord) => (a.nsgId < b.nsgId ? -1 : 1);
      expect((await records.unsettled()).sort(byName)).toEqual([told, record]);
      const etag = (await records.get(record.nsgId))?.etag ?? '';
      await records.replace({ ...record, told: {}, journal: [], recorded: 1 }, etag);
      expect(await records.unsettled()).toEqual([told]);
    });

    it.each([{}, { value: false }, { value: null }])(
      'lists one whose flushConnection is to be put back, with what it was: %o',
      async (former) => {
        const records = await make();
        const flush = { former, requestIds: [requestId('a')], claim: 2, at: '2026-11-23T08:00:00.000Z' };
        const record: NsgRecord = { nsgId: nsgId('Web-Nsg'), told: {}, journal: [], recorded: 0, flush };
        await records.insert(record);
        expect(await records.unsettled()).toEqual([record]);
        const stored = await records.get(record.nsgId);
        expect(stored?.row).toEqual(record);
        await records.replace({ ...sampleNsgRecord('Web-Nsg'), told: {}, journal: [] }, stored?.etag ?? '');
        expect(await records.unsettled()).toEqual([]);
      },
    );

    it('lists the NSGs that are remembered, and no more those that are gone', async () => {
      const records = await make();
      for (const nsg of ['Web-Nsg', 'Data-Nsg']) await records.insert(sampleNsgRecord(nsg));
      expect((await records.nsgIds()).sort()).toEqual([nsgId('Data-Nsg'), nsgId('Web-Nsg')]);
      const web = await records.get(nsgId('Web-Nsg').toLowerCase());
      await records.replace({ ...sampleNsgRecord('Web-Nsg'), isGone: true }, web?.etag ?? '');
      expect((await records.get(nsgId('Web-Nsg')))?.row.isGone).toBe(true);
      expect(await records.nsgIds()).toEqual([nsgId('Data-Nsg')]);
    });
  });
}

function sampleNsgRecord(nsg: string): NsgRecord {
  return {
    nsgId: nsgId(nsg),
    told: { 'rule-widened sallyport-contoso-1': '2026-11-23T08:00:00.000Z' },
    journal: [
      {
        number: 1,
        event: 'rule-widened',
        at: '2026-11-23T08:00:00.000Z',
        rule: 'sallyport-contoso-1',
        requestId: requestId('a'),
        accepted: { number: 1, form: { access: 'Allow', sourcePortRange: '80' } },
        correlationId: 'c0ffee00-0000-4000-8000-000000000000',
        reasons: [{ code: 'not-settled', message: 'Sample.' }],
      },
    ],
    recorded: 0,
  };
}
