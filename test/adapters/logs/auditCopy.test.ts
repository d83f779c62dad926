import { beforeEach, describe, expect, it } from 'vitest';
import { appIdentity } from '../../../dev/sample/people.ts';
import { createAuditCopyStates } from '../../../src/adapters/tables/auditCopyStates.ts';
import { createAuditTrail } from '../../../src/adapters/tables/auditTrail.ts';
import { createSeals } from '../../../src/adapters/tables/seals.ts';
import type { Tables } from '../../../src/adapters/tables/tables.ts';
import { createAuditCopy } from '../../../src/adapters/logs/auditCopy.ts';
import { chainRecord, type AuditRecord } from '../../../src/core/auditRecord.ts';
import { copyAudit } from '../../../src/workflow/copyAudit.ts';
import { recordAlone, recordJournal } from '../../../src/workflow/recordJournal.ts';
import { endedRequest, requestId, sampleRecord } from '../../contracts/samples.ts';
import { stubCredential } from '../arm/simulatedArm.ts';
import { useAzurite } from '../tables/testTables.ts';
import { useIngestion } from './ingestionWorld.ts';

const { freshTables } = useAzurite();
const world = useIngestion();

function recordsOf(count: number, justification = ''): AuditRecord[] {
  const at = new Date().toISOString();
  const records: AuditRecord[] = [];
  for (let each = 0; each < count; each += 1) {
    records.push(chainRecord(sampleRecord(requestId('a'), at, { justification }), records.at(-1)));
  }
  return records;
}

/** What is asked of tables from now on, below the SDK's retries. */
function countingCalls(tables: Tables): string[] {
  const asked: string[] = [];
  for (const name of ['audit', 'index', 'seals', 'heartbeat', 'live', 'requests'] as const) {
    tables[name].pipeline.addPolicy({
      name: 'countingCalls',
      sendRequest: (request, next) => {
        asked.push(`${request.method} ${name}`);
        return next(request);
      },
    });
  }
  return asked;
}

beforeEach(() => {
  const { ingestion, publishers } = world();
  ingestion.rows.length = 0;
  ingestion.answered.length = 0;
  ingestion.faults.length = 0;
  publishers.add(appIdentity.objectId);
});

describe('the audit copy in Log Analytics', () => {
  it('has a row for each record, in order, with every column that the template declares', async () => {
    const { ingestion, sink } = world();
    const [record] = recordsOf(1);
    await sink().send(recordsOf(3));

    expect(ingestion.rows.map(({ Sequence }) => Sequence)).toEqual([1, 2, 3]);
    expect(ingestion.rows[0]).toEqual({
      TimeGenerated: expect.any(String) as string,
      Event: 'request.opening',
      Partition: record?.partition,
      Sequence: 1,
      Actor: record?.actor,
      CorrelationId: record?.correlationId,
      Hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      Record: { ...record, at: expect.any(String) as string, hash: expect.any(String) as string },
    });
  });

  it('is sent in calls that are never too large', async () => {
    const { ingestion, sink } = world();
    await sink().send(recordsOf(100, 'x'.repeat(40_000)));

    expect(ingestion.rows.map(({ Sequence }) => Sequence)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    expect(ingestion.answered.length).toBeGreaterThan(4);
    expect(new Set(ingestion.answered)).toEqual(new Set([204]));
  });

  it.each([
    ['429 with a wait', { status: 429, retryAfter: 0 }],
    ['503', { status: 503 }],
    ['an answer that is lost', 'lost' as const],
  ])('is sent again after %s', async (_name, fault) => {
    const { ingestion, sink } = world();
    ingestion.faults.push(fault);
    await sink().send(recordsOf(1));

    expect(ingestion.answered).toHaveLength(2);
    expect(new Set(ingestion.rows.map(({ Hash }) => Hash)).size).toBe(1);
  });

  it('is left to the next run where Azure asks for a long wait, or is down', async () => {
    const { ingestion, sink } = world();
    ingestion.faults.push({ status: 429, retryAfter: 60 });
    await expect(sink().send(recordsOf(1))).rejects.toThrow('429 TooManyRequests');
    expect(ingestion.answered).toEqual([429]);

    ingestion.faults.push(...Array.from({ length: 4 }, () => ({ status: 500 })));
    await expect(sink().send(recordsOf(1))).rejects.toThrow('500 Fault');
    expect(ingestion.answered).toEqual([429, 500, 500, 500, 500]);
  });

  it('says what is wrong where the role, the rule or the audience is', async () => {
    const { publishers, sink } = world();
    await expect(sink({ ruleId: 'dcr-gone' }).send(recordsOf(1))).rejects.toThrow(
      '404 NotFound: Data collection rule',
    );
    await expect(sink({ credential: stubCredential() }).send(recordsOf(1))).rejects.toThrow(
      '401 InvalidToken',
    );
    publishers.clear();
    await expect(sink().send(recordsOf(1))).rejects.toThrow('does not have access to ingest data');
  });

  it('gives up a call in time', async () => {
    const { sink } = world();
    const never = stubCredential(() => new Promise(() => undefined));
    await expect(sink({ credential: never, timeoutMilliseconds: 20 }).send(recordsOf(1))).rejects.toThrow(
      'No answer',
    );
  });

  it.each([
    'http://contoso.example',
    'https://contoso.example/path',
    'https://user@contoso.example',
    'nonsense',
  ])('takes no token to %s', (endpoint) => {
    expect(() => createAuditCopy({ endpoint, ruleId: 'dcr', credential: stubCredential() })).toThrow(
      'https origin',
    );
  });

  it.each([
    ['https://dcr-x.westeurope-1.ingest.monitor.azure.com', 'https://monitor.azure.com/.default'],
    ['https://dcr-x.usgovvirginia-1.ingest.monitor.azure.us', 'https://monitor.azure.us/.default'],
    ['https://monitor.azure.us.contoso.example', 'https://monitor.azure.com/.default'],
  ])('asks for a token for the cloud of %s', async (endpoint, scope) => {
    const credential = stubCredential(() => Promise.reject(new Error('No token today.')));
    const sink = createAuditCopy({ endpoint, ruleId: 'dcr', credential, retryDelayMilliseconds: 0 });
    await expect(sink.send(recordsOf(1))).rejects.toThrow('No token today.');

    expect(new Set(credential.asked)).toEqual(new Set([scope]));
  });

  it('comes from real tables by the walker, whole, once each, and goes on after the role is back', async () => {
    const { ingestion, publishers, sink } = world();
    const tables = await freshTables();
    const asked = countingCalls(tables);
    let now = new Date();
    const audit = createAuditTrail(tables, () => now);
    const errors: unknown[] = [];
    const dependencies = {
      audit,
      seals: createSeals(tables.seals),
      states: createAuditCopyStates(tables.heartbeat),
      clock: { now: () => now },
      log: {
        info: () => undefined,
        warn: () => undefined,
        error: (message: string, facts?: object) => errors.push({ message, ...facts }),
      },
    };
    const walk = async (minutes: number) => {
      now = new Date(now.getTime() + minutes * 60_000);
      await copyAudit(dependencies, [sink()]);
    };
    // From the beginning of the month before, a day with each run.
    for (let day = 0; day < 63; day += 1) await walk(0);
    expect(ingestion.rows).toEqual([]);
    asked.length = 0;
    await walk(1);
    expect(asked.sort()).toEqual(['GET audit', 'GET heartbeat', 'GET index', 'GET seals', 'PUT heartbeat']);

    const ended = endedRequest('ended', { requestedAt: now.toISOString() });
    const entries = ended.journal.map((entry) => ({ ...entry, at: now.toISOString() }));
    await recordJournal({ ...ended, journal: entries }, audit, now);
    publishers.clear();
    await walk(1);
    expect(errors).toMatchObject([{ message: 'audit-copy-failed', sink: 'log-analytics' }]);
    publishers.add(appIdentity.objectId);
    await recordAlone(
      sampleRecord(requestId('denied'), now.toISOString(), { event: 'request.denied' }),
      audit,
    );
    for (let run = 0; run < 12; run += 1) await walk(1);

    const wanted = [...(await audit.read(ended.id)), ...(await audit.read(requestId('denied')))];
    expect(wanted).toHaveLength(5);
    const got = ingestion.rows.map(({ Partition, Sequence, Hash }) => ({ Partition, Sequence, Hash }));
    expect(got).toEqual(
      wanted.map(({ partition, sequence, hash }) => ({
        Partition: partition,
        Sequence: sequence,
        Hash: hash,
      })),
    );
    expect(errors).toHaveLength(1);
  });
});
