import { describe, expect, it } from 'vitest';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import type { AuditTrail } from '../../src/core/stores.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import type { Submission } from '../../src/workflow/contracts.ts';
import { recordDenied, recordJournal, type KnownRecords } from '../../src/workflow/recordJournal.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { alice, bob, endedRequest, largeRequest, nsgId, sampleRequest, vmId } from '../contracts/samples.ts';
import { createMemoryAuditTrail } from '../support/memoryStores.ts';

const { freshTables } = useAzurite();
/** Before any of the records could be late. */
const early = new Date('2026-11-23T08:00:00.000Z');
const now = () => new Date('2026-11-23T12:00:00.000Z');

describe.each<[string, () => Promise<AuditTrail>]>([
  ['memory', () => Promise.resolve(createMemoryAuditTrail(now))],
  ['Table Storage', async () => createAuditTrail(await freshTables(), now)],
])('recordJournal on %s', (_, make) => {
  it('makes one record of each journal entry, with who, what, where, from, until and why', async () => {
    const audit = await make();
    const request = endedRequest('a');
    expect(await recordJournal(request, audit, early)).toBe(4);
    const records = await audit.read(request.id);
    expect(records.map(({ event }) => event)).toEqual([
      'request.opening',
      'request.active',
      'request.closing',
      'request.closed',
    ]);
    expect(records[3]).toMatchObject({
      partition: request.id,
      sequence: 4,
      at: '2026-11-23T09:01:00.000Z',
      actor: 'sallyport',
      requester: { objectId: alice, displayName: request.requester.displayName },
      virtualMachines: request.virtualMachines,
      networkSecurityGroups: [nsgId('Web-Nsg')],
      from: request.start,
      until: request.end,
      justification: request.justification,
      reasons: [{ code: 'ended', message: 'The time is over.' }],
      correlationId: request.correlationId,
    });
    expect(verifyTrail(request.id, records, { ...request, recorded: 4 })).toEqual([]);
  });

  it('records the largest request', async () => {
    const audit = await make();
    const request = largeRequest('large');
    await recordJournal(request, audit, early);
    const [record] = await audit.read(request.id);
    expect(record?.virtualMachines).toEqual(request.virtualMachines);
  });

  it('goes on where it stopped and leaves the earlier records as they are', async () => {
    const audit = await make();
    const earlier = sampleRequest('a');
    await recordJournal(earlier, audit, early);
    const before = await audit.read(earlier.id);
    const request = { ...endedRequest('a'), recorded: 1, end: '2026-11-23T08:30:00.000Z' };
    expect(await recordJournal(request, audit, early)).toBe(4);
    const after = await audit.read(earlier.id);
    expect(after.slice(0, 1)).toEqual(before);
    expect(after).toHaveLength(4);
    expect(verifyTrail(earlier.id, after)).toEqual([]);
  });

  it('adds nothing when it is repeated, even by a row that does not know of the records', async () => {
    const audit = await make();
    const request = endedRequest('a');
    await recordJournal(request, audit, early);
    const before = await audit.read(request.id);
    expect(await recordJournal(request, audit, early)).toBe(4);
    expect(await recordJournal(sampleRequest('a'), audit, early)).toBe(1);
    expect(await audit.read(request.id)).toEqual(before);
  });

  it('reads nothing that its caller has read, and reads again where others have added to it', async () => {
    const audit = await make();
    const request = endedRequest('a');
    let reads = 0;
    const counting = { ...audit, read: (partition: string) => ((reads += 1), audit.read(partition)) };
    const known: KnownRecords = { records: [] };
    await recordJournal(sampleRequest('a'), counting, early, known);
    expect(reads).toBe(0);
    const extended = { ...request, journal: request.journal.slice(0, 3), end: '2026-11-23T09:30:00.000Z' };
    await recordJournal(extended, audit, early);
    // What it knows is one record, and there are three by now, not as it would write them.
    expect(await recordJournal(request, counting, early, known)).toBe(4);
    expect(reads).toBe(1);
    const records = await audit.read(request.id);
    expect(verifyTrail(request.id, records, { ...request, recorded: 4 })).toEqual([]);
    expect(known.records).toEqual(records);
  });

  it('does not take records for gone that its caller had not read yet', async () => {
    const audit = await make();
    const request = endedRequest('a');
    await recordJournal({ ...request, journal: request.journal.slice(0, 3) }, audit, early);
    const first = (await audit.read(request.id)).slice(0, 1);
    expect(await recordJournal({ ...request, recorded: 3 }, audit, early, { records: first })).toBe(4);
  });

  it('makes the request findable before its first record, and a lost record findable again', async () => {
    const audit = await make();
    const request = sampleRequest('a');
    const failing = { ...audit, insert: () => Promise.reject(new Error('connection reset')) };
    await expect(recordJournal(request, failing, early)).rejects.toThrow('connection reset');
    expect(await audit.query({})).toEqual({ records: [] });
    await recordJournal(request, audit, early);
    const { records } = await audit.query({ virtualMachineId: vmId('Web-1') });
    expect(records.map(({ event }) => event)).toEqual(['request.opening']);
  });

  it('leaves each record exactly once when twenty writers race (I6)', async () => {
    const audit = await make();
    const whole = endedRequest('a');
    // Writers that have read the row at different times know different lengths of the journal.
    const rows = Array.from({ length: 20 }, (_, writer) => ({
      ...whole,
      journal: whole.journal.slice(0, 1 + (writer % 4)),
      end: writer % 2 === 0 ? whole.end : '2026-11-23T08:30:00.000Z',
    }));
    const results = await Promise.all(rows.map((row) => recordJournal(row, audit, early)));
    expect(results).toEqual(rows.map(({ journal }) => journal.length));
    const records = await audit.read(whole.id);
    expect(records.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(verifyTrail(whole.id, records, { ...whole, recorded: 4 })).toEqual([]);
    expect((await audit.query({})).records).toEqual(records);
  });

  it('says who could newly reach what, and whose call it was, where the journal does', async () => {
    const audit = await make();
    const request = endedRequest('a');
    const changes = ['nsg-web: 203.0.113.7 can now reach 10.1.0.4 on Tcp 22 (rule sallyport-contoso-1).'];
    const journal = request.journal.map((entry) => ({
      ...entry,
      ...(entry.event === 'active' ? { changes } : {}),
      ...(entry.event === 'closing' ? { correlationId: 'b0b00000-0000-4000-8000-000000000000' } : {}),
    }));
    await recordJournal({ ...request, journal }, audit, early);
    const records = await audit.read(request.id);
    expect(records.map(({ details }) => details)).toEqual([undefined, { changes }, undefined, undefined]);
    expect(records[2]?.correlationId).toBe('b0b00000-0000-4000-8000-000000000000');
    expect(records[3]?.correlationId).toBe(request.correlationId);
    expect(verifyTrail(request.id, records, { recorded: 4, journal })).toEqual([]);
  });

  it('marks what follows more than a minute late with the instant at which it was recorded', async () => {
    const audit = await make();
    const request = endedRequest('a');
    await recordJournal(request, audit, new Date('2026-11-23T09:01:30.000Z'));
    const observedAt = '2026-11-23T09:01:30.000Z';
    const records = await audit.read(request.id);
    expect(records.map(({ event, details }) => [event, details])).toEqual([
      ['request.opening', { observedAt }],
      ['request.active', { observedAt }],
      ['request.closing', { observedAt }],
      ['request.closed', undefined],
    ]);
    expect(records[2]?.at).toBe('2026-11-23T09:00:00.000Z');
    expect(verifyTrail(request.id, records, { ...request, recorded: 4 })).toEqual([]);
  });

  it('keeps the instant of the journal where that was seen late itself', async () => {
    const audit = await make();
    const request = endedRequest('a');
    const observedAt = '2026-11-23T09:01:00.000Z';
    const journal = request.journal.map((entry) => (entry.number === 4 ? { ...entry, observedAt } : entry));
    await recordJournal({ ...request, journal }, audit, now());
    expect((await audit.read(request.id))[3]?.details).toEqual({ observedAt });
  });

  it('leaves each record once when writers race of which some are late', async () => {
    const audit = await make();
    const request = endedRequest('a');
    await Promise.all([early, now(), early, now()].map((at) => recordJournal(request, audit, at)));
    const records = await audit.read(request.id);
    expect(records.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(verifyTrail(request.id, records, { ...request, recorded: 4 })).toEqual([]);
  });

  it('refuses to go on from a record that the journal does not know', async () => {
    const audit = await make();
    await recordJournal(endedRequest('a'), audit, early);
    const other = endedRequest('a');
    const journal = other.journal.map((entry) => (entry.number === 2 ? { ...entry, actor: bob } : entry));
    await expect(recordJournal({ ...other, journal }, audit, early)).rejects.toThrow(
      /contradicts its journal at 2: request.active/,
    );
  });

  it('refuses to write records anew that were known to be there', async () => {
    const audit = await make();
    const request = { ...endedRequest('a'), recorded: 2 };
    await expect(recordJournal(request, audit, early)).rejects.toThrow(/0 records where 2 were written/);
    expect(await audit.read(request.id)).toEqual([]);
  });

  it('asks for nothing when every entry is recorded', async () => {
    const audit = await make();
    const unreachable = { ...audit, read: () => Promise.reject(new Error('not reachable')) };
    expect(await recordJournal({ ...endedRequest('a'), recorded: 4 }, unreachable, early)).toBe(4);
  });
});

describe('recordDenied', () => {
  const submission: Submission = {
    requester: sampleRequest('a').requester,
    virtualMachines: [
      {
        id: vmId('Web-1'),
        ports: [
          { number: 22, allowedSourceAddressPrefix: '2001:db8::/64' },
          { number: 53, protocol: 'Udp', allowedSourceAddressPrefix: '203.0.113.7/32' },
        ],
      },
    ],
    duration: 'PT9H',
    durationSeconds: 32_400,
    justification: 'Please',
    correlationId: 'c0ffee00-0000-4000-8000-000000000000',
    bodyHash: 'b0d1',
  };
  const reasons = [{ code: 'duration-exceeds-policy' as const, message: 'At most PT3H.', allowed: 'PT3H' }];
  const denied = {
    id: sampleRequest('denied').id,
    at: '2026-11-23T08:00:00.000Z',
    submission,
    decision: { outcome: 'denied' as const, reasons, policies: ['default'] },
  };

  it('leaves one record with what was asked for and why not, found by person and machine', async () => {
    const audit = createMemoryAuditTrail(now);
    await recordDenied(denied, audit);
    await recordDenied(denied, audit);
    const { records } = await audit.query({ requesterId: alice, virtualMachineId: vmId('web-1') });
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      partition: denied.id,
      sequence: 1,
      event: 'request.denied',
      actor: 'sallyport',
      virtualMachines: [
        {
          id: vmId('Web-1'),
          ports: [
            { number: 22, protocol: '*', allowedSourceAddressPrefixes: ['2001:db8::/64'] },
            { number: 53, protocol: 'Udp', allowedSourceAddressPrefixes: ['203.0.113.7/32'] },
          ],
        },
      ],
      justification: 'Please',
      reasons,
      details: { duration: 'PT9H' },
    });
    expect(verifyTrail(denied.id, records)).toEqual([]);
  });

  it('refuses an id that has a record of something else', async () => {
    const audit = createMemoryAuditTrail(now);
    await recordJournal(sampleRequest('denied'), audit, early);
    await expect(recordDenied(denied, audit)).rejects.toThrow(/used twice/);
  });
});
