import { describe, expect, it } from 'vitest';
import { createAuditCopies } from '../src/auditCopies.ts';
import { createAuditCopyStates } from '../src/adapters/tables/auditCopyStates.ts';
import { stubCredential } from './adapters/arm/simulatedArm.ts';
import { useAzurite } from './adapters/tables/testTables.ts';
import { sampleCopyState } from './contracts/auditCopyStates.ts';
import { requestId, sampleRecord } from './contracts/samples.ts';
import { createMemoryAuditTrail, createMemorySeals } from './support/memoryStores.ts';
import { recordAlone } from '../src/workflow/recordJournal.ts';

const { freshTables } = useAzurite();

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('what copies the audit', () => {
  it.each([
    { newest: 'ran ten minutes ago', ranAt: '2026-11-23T08:51:00.000Z', is: { status: 'ok' } },
    {
      newest: 'ran longer ago, and all since came to no end or there was none',
      ranAt: '2026-11-23T08:50:59.000Z',
      is: {
        status: 'failing',
        reason: 'No run of the copy audit-export has come to an end since that of 2026-11-23T08:50:59.000Z.',
        since: '2026-11-23T09:00:59.000Z',
      },
    },
  ])('is as well as the newest run that was noted, which $newest', async ({ ranAt, is }) => {
    const { heartbeat } = await freshTables();
    const now = new Date('2026-11-23T09:01:00.000Z');
    await createAuditCopyStates(heartbeat).insert('audit-export', sampleCopyState({ ranAt }));
    const { check } = createAuditCopies(
      { auditExport: { url: 'https://contoso.example/audit-export' } },
      {
        credential: stubCredential(() => Promise.reject(new Error('No token today.'))),
        heartbeat,
        audit: createMemoryAuditTrail(() => now),
        seals: createMemorySeals(),
        clock: { now: () => now, sleep: () => Promise.resolve() },
        log: silent,
      },
    );

    expect(await check()).toEqual(is);
  });

  it('sends to the place of each setting, with a token for it, from a state of its own', async () => {
    const { heartbeat } = await freshTables();
    const now = new Date('2026-11-23T09:01:00.000Z');
    const clock = { now: () => now, sleep: () => Promise.resolve() };
    const audit = createMemoryAuditTrail(() => now);
    await recordAlone(sampleRecord(requestId('new'), '2026-11-23T09:00:30.000Z'), audit);
    const states = createAuditCopyStates(heartbeat);
    for (const sink of ['log-analytics', 'audit-export']) {
      await states.insert(sink, sampleCopyState({ partitions: [], seal: 0 }));
    }
    const failed: unknown[] = [];
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (message: string, facts?: object) => failed.push({ message, ...facts }),
    };
    // Without a token nothing is sent, and nothing of this leaves the machine.
    const credential = stubCredential(() => Promise.reject(new Error('No token today.')));
    const { copy, check } = createAuditCopies(
      {
        auditCopy: { endpoint: 'https://contoso.example', ruleId: 'dcr-contoso' },
        auditExport: { url: 'https://contoso.example/audit-export' },
      },
      { credential, heartbeat, audit, seals: createMemorySeals(), clock, log },
    );
    expect(await check()).toEqual({ status: 'ok' });
    await copy();

    const line = { message: 'audit-copy-failed', partition: requestId('new') };
    expect(failed).toHaveLength(2);
    expect(failed).toEqual(
      expect.arrayContaining([
        { ...line, sink: 'log-analytics', cause: expect.stringContaining('No token') as string },
        { ...line, sink: 'audit-export', cause: expect.stringContaining('No token') as string },
      ]),
    );
    expect(new Set(credential.asked)).toEqual(
      new Set(['https://monitor.azure.com/.default', 'https://storage.azure.com/.default']),
    );
    for (const sink of ['log-analytics', 'audit-export']) {
      expect((await states.get(sink))?.row.failures).toBe(1);
    }
    expect(await check()).toEqual({
      status: 'failing',
      reason:
        'Runs in a row in which the copy log-analytics has failed: 1. Runs in a row in which the copy audit-export has failed: 1.',
    });
  });
});
