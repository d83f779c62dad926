import { describe, expect, it } from 'vitest';
import { contentHash } from '../../src/core/canonicalJson.ts';
import { chainRecord, type AuditRecord, type UnsealedAuditRecord } from '../../src/core/auditRecord.ts';
import { InvalidContinuationError, type AuditQuery, type AuditTrail } from '../../src/core/stores.ts';
import { alice, bob, requestId, sampleRecord, vmId } from './samples.ts';

const now = new Date('2026-11-23T12:00:00.000Z');

/** What every implementation of AuditTrail does. `make` returns an empty one with the given clock. */
export function describeAuditTrailContract(
  name: string,
  make: (now: () => Date) => Promise<AuditTrail>,
): void {
  const makeAtNoon = () => make(() => now);

  describe(`AuditTrail: ${name}`, () => {
    it('returns the records of a partition in sequence, hashes intact', async () => {
      const audit = await makeAtNoon();
      const [first, second] = await put(audit, 'a', '2026-11-23T08:00:00.000Z', 2);
      await put(audit, 'b', '2026-11-23T08:00:00.000Z', 1);
      const read = await audit.read(requestId('a'));
      expect(read).toEqual([first, second]);
      expect(read.map(contentHash)).toEqual(read.map(({ hash }) => hash));
      expect(await audit.read(requestId('unknown'))).toEqual([]);
    });

    it('keeps sequence beyond ten records', async () => {
      const audit = await makeAtNoon();
      await put(audit, 'a', '2026-11-23T08:00:00.000Z', 12);
      const sequences = (await audit.read(requestId('a'))).map(({ sequence }) => sequence);
      expect(sequences).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    });

    it('never replaces a record: other content is refused, the same again is ours', async () => {
      const audit = await makeAtNoon();
      const record = chainRecord(sampleRecord(requestId('a'), '2026-11-23T08:00:00.000Z'), undefined);
      expect(await audit.insert(record)).toBe('inserted');
      expect(await audit.insert(record)).toBe('inserted');
      expect(await audit.insert({ ...record, actor: bob })).toBe('exists');
      expect(await audit.read(record.partition)).toEqual([record]);
    });

    it('finds records by requester, by virtual machine in any case, by both, or all', async () => {
      const audit = await makeAtNoon();
      const other = { requester: { objectId: bob, displayName: 'Bob' } };
      const machine = { virtualMachines: [{ id: vmId('Db-1'), ports: [] }] };
      await put(audit, 'alice web', '2026-11-23T08:00:00.000Z', 2);
      await put(audit, 'bob web', '2026-11-23T08:10:00.000Z', 1, other);
      await put(audit, 'alice db', '2026-11-23T08:20:00.000Z', 1, machine);
      const found = async (query: AuditQuery) => partitionsOf((await audit.query(query)).records);
      expect(await found({})).toEqual(ids('alice web', 'alice web', 'bob web', 'alice db'));
      expect(await found({ requesterId: alice.toUpperCase() })).toEqual(
        ids('alice web', 'alice web', 'alice db'),
      );
      expect(await found({ virtualMachineId: vmId('Web-1').toLowerCase() })).toEqual(
        ids('alice web', 'alice web', 'bob web'),
      );
      expect(await found({ virtualMachineId: vmId('Web-1'), requesterId: bob })).toEqual(ids('bob web'));
      expect(await found({ virtualMachineId: vmId('Nobody') })).toEqual([]);
    });

    it('orders by the time of the request, then by sequence, across months', async () => {
      const audit = await makeAtNoon();
      await put(audit, 'third', '2026-11-01T00:00:00.000Z', 1);
      await put(audit, 'first', '2026-09-30T23:59:59.999Z', 2);
      await put(audit, 'second', '2026-10-31T23:59:59.999Z', 2);
      const { records } = await audit.query({ from: '2026-09-01T00:00:00.000Z' });
      expect(partitionsOf(records)).toEqual(ids('first', 'first', 'second', 'second', 'third'));
      expect(records.map(({ sequence }) => sequence)).toEqual([1, 2, 1, 2, 1]);
    });

    it('includes the lower bound, excludes the upper one, and reads them in any zone', async () => {
      const audit = await makeAtNoon();
      await put(audit, 'eight', '2026-11-23T08:00:00.000Z', 1);
      await put(audit, 'nine', '2026-11-23T09:00:00.000Z', 1);
      const query = { from: '2026-11-23T09:00:00+01:00', to: '2026-11-23T09:00:00.000Z' };
      expect(partitionsOf((await audit.query(query)).records)).toEqual(ids('eight'));
    });

    it('looks 30 days back from now where no bounds are given', async () => {
      const audit = await makeAtNoon();
      await put(audit, 'old', '2026-10-24T11:59:59.999Z', 1);
      await put(audit, 'recent', '2026-10-24T12:00:00.000Z', 1);
      await put(audit, 'future', '2026-11-23T12:00:00.000Z', 1);
      expect(partitionsOf((await audit.query({})).records)).toEqual(ids('recent'));
    });

    it('makes a partition findable once, however often it is indexed', async () => {
      const audit = await makeAtNoon();
      const [record] = await put(audit, 'a', '2026-11-23T08:00:00.000Z', 1);
      if (record !== undefined) await audit.index(record);
      expect((await audit.query({})).records).toEqual([record]);
    });

    it('finds each record of an NSG at its own instant, once, and for whom it concerns', async () => {
      const audit = await makeAtNoon();
      const partition = `nsg-${requestId('Web-Nsg')}`;
      const early = sampleRecord(partition, '2026-11-20T08:00:00.000Z');
      const late = sampleRecord(partition, '2026-11-23T08:00:00.000Z');
      const ofDb = { ...late, virtualMachines: [{ id: vmId('Db-1'), ports: [] }] };
      const ofBob = { ...ofDb, requester: { objectId: bob, displayName: 'Bob' } };
      const records: AuditRecord[] = [];
      for (const record of [early, late, ofDb, ofBob]) {
        await audit.index(record);
        records.push(chainRecord(record, records.at(-1)));
      }
      for (const record of records) await audit.insert(record);
      const found = async (query: AuditQuery) =>
        (await audit.query(query)).records.map(({ sequence }) => sequence);
      expect(await found({})).toEqual([1, 2, 3, 4]);
      expect(await found({ from: '2026-11-22T00:00:00.000Z' })).toEqual([2, 3, 4]);
      expect(await found({ virtualMachineId: vmId('Db-1') })).toEqual([3, 4]);
      expect(await found({ requesterId: alice })).toEqual([1, 2, 3]);
      expect(await found({ requesterId: bob, virtualMachineId: vmId('Db-1') })).toEqual([4]);
    });

    it('finds nothing in a partition that was indexed and never written', async () => {
      const audit = await makeAtNoon();
      await audit.index(sampleRecord(requestId('a'), '2026-11-23T08:00:00.000Z'));
      expect(await audit.query({})).toEqual({ records: [] });
    });

    it('returns every record once over several pages of whole partitions', async () => {
      const audit = await makeAtNoon();
      for (let hour = 0; hour < 12; hour += 1) {
        const at = new Date(Date.UTC(2026, 9, 31, 18 + hour)).toISOString();
        await put(audit, `request ${hour}`, at, 20);
      }
      const pages = [await audit.query({ from: '2026-10-01T00:00:00.000Z' })];
      for (let continuation = pages[0]?.continuation; continuation !== undefined;) {
        const page = await audit.query({ continuation });
        pages.push(page);
        continuation = page.continuation;
      }
      expect(pages.map(({ records }) => records.length)).toEqual([100, 100, 40]);
      const seen = pages.flatMap(({ records }) =>
        records.map(({ partition, sequence }) => `${partition} ${sequence}`),
      );
      expect(new Set(seen).size).toBe(240);
    });

    it('applies the filters of the call, not of the page before', async () => {
      const audit = await makeAtNoon();
      for (let hour = 0; hour < 6; hour += 1) {
        await put(audit, `request ${hour}`, `2026-11-22T0${hour}:00:00.000Z`, 25);
      }
      const { continuation } = await audit.query({});
      expect(continuation).toBeDefined();
      expect(await audit.query({ requesterId: bob, continuation: continuation ?? '' })).toEqual({
        records: [],
      });
    });

    it.each([
      ['no base64url', '%%%'],
      ['no JSON', Buffer.from('hello').toString('base64url')],
      ['another shape', token({ after: 1 })],
      ['a key that is no instant', token({ after: "x' or true", to: '2026-11-23T12:00:00.000Z' })],
      ['a day that does not exist', token({ after: '2026-13-45T00:00:00.000Z', to: now.toISOString() })],
      ['an end that is no instant', token({ after: now.toISOString(), to: 'tomorrow' })],
    ])('refuses a continuation with %s', async (_, continuation) => {
      const audit = await makeAtNoon();
      await expect(audit.query({ continuation })).rejects.toBeInstanceOf(InvalidContinuationError);
    });

    it('lists what was indexed in a span of time, in order across months and years, each partition once', async () => {
      const audit = await makeAtNoon();
      await put(audit, 'first', '2025-12-31T23:59:59.999Z', 2);
      await put(audit, 'third', '2026-02-01T00:00:00.000Z', 1, {
        virtualMachines: [],
        requester: {
          objectId: bob,
          displayName: 'Bob',
        },
      });
      await put(audit, 'second', '2026-01-31T12:00:00.000Z', 1);
      await put(audit, 'before', '2025-12-31T23:59:59.998Z', 1);
      await put(audit, 'after', '2026-02-01T00:00:00.001Z', 1);
      const found = await audit.indexed('2025-12-31T23:59:59.999Z', '2026-02-01T00:00:00.001Z');
      expect(found.map(({ at, partition }) => [at, partition])).toEqual([
        ['2025-12-31T23:59:59.999Z', requestId('first')],
        ['2026-01-31T12:00:00.000Z', requestId('second')],
        ['2026-02-01T00:00:00.000Z', requestId('third')],
      ]);
    });

    it('names every partition once', async () => {
      const audit = await makeAtNoon();
      await put(audit, 'a', '2026-11-23T08:00:00.000Z', 3);
      await put(audit, 'b', '2026-11-23T08:00:00.000Z', 1);
      const partitions: string[] = [];
      for await (const partition of audit.partitions()) partitions.push(partition);
      expect(partitions.sort()).toEqual(ids('a', 'b').sort());
    });
  });
}

/** Indexes and inserts a chain of records of one request. */
async function put(
  audit: AuditTrail,
  request: string,
  at: string,
  count: number,
  changes: Partial<UnsealedAuditRecord> = {},
) {
  const record = sampleRecord(requestId(request), at, changes);
  await audit.index(record);
  const records = [chainRecord(record, undefined)];
  while (records.length < count) records.push(chainRecord(record, records.at(-1)));
  await Promise.all(records.map((each) => audit.insert(each)));
  return records;
}

function partitionsOf(records: { partition: string }[]): string[] {
  return records.map(({ partition }) => partition);
}

function ids(...names: string[]): string[] {
  return names.map(requestId);
}

function token(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}
