import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { contentHash } from '../../src/core/canonicalJson.ts';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { toProperties } from '../../src/adapters/tables/entity.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { chainRecord, type AuditRecord } from '../../src/core/auditRecord.ts';
import { recordJournal } from '../../src/workflow/recordJournal.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { endedRequest, requestId, sampleRecord } from '../contracts/samples.ts';
import {
  auditVerify,
  now,
  overwrite,
  recordOf,
  rowKey,
  runAuditVerify,
  verifierOf,
  type Victim,
} from './auditVictim.ts';

const { connectionString, freshTables } = useAzurite();
const verifyTables = verifierOf(connectionString);

/** Tables with ended requests, four records each, and a day of refused tokens. */
async function filledTables(names = ['a', 'b', 'c']) {
  const tables = await freshTables();
  const audit = createAuditTrail(tables, now);
  for (const name of names) {
    const request = endedRequest(name);
    const recorded = await recordJournal(request, audit, now());
    await createRequests(tables.requests).insert({ ...request, recorded });
  }
  await audit.insert(
    chainRecord(sampleRecord('unauthenticated-2026-11-23', '2026-11-23T08:00:00.000Z'), undefined),
  );
  return tables;
}

function forged(record: AuditRecord, changes: Partial<AuditRecord>): AuditRecord {
  const changed = { ...record, ...changes };
  return { ...changed, hash: contentHash(changed) };
}

const tampering: [string, (victim: Victim) => Promise<unknown>, [string, number?][]][] = [
  [
    'a record whose content was changed',
    async (victim) =>
      overwrite(victim, 2, { ...(await recordOf(victim, 2)), at: '2026-11-23T08:59:00.000Z' }),
    [
      ['changed', 2],
      ['contradicts-request', 2],
    ],
  ],
  [
    'a last record that was changed together with its hash',
    async (victim) => overwrite(victim, 4, forged(await recordOf(victim, 4), { actor: 'nobody' })),
    [['contradicts-request', 4]],
  ],
  [
    'a changed field that the journal does not hold, with its hash',
    async (victim) => overwrite(victim, 2, forged(await recordOf(victim, 2), { justification: 'Lunch' })),
    [['broken-chain', 3]],
  ],
  [
    'a record that was deleted from the middle',
    (victim) => victim.audit.deleteEntity(victim.id, rowKey(2)),
    [['missing', 2]],
  ],
  [
    'a record that was deleted from the end',
    (victim) => victim.audit.deleteEntity(victim.id, rowKey(4)),
    [['missing', 4]],
  ],
  [
    'a partition that was deleted',
    (victim) => Promise.all([1, 2, 3, 4].map((each) => victim.audit.deleteEntity(victim.id, rowKey(each)))),
    [['missing', 1]],
  ],
  [
    'a request whose own row was deleted',
    (victim) => victim.requests.deleteEntity(victim.id, 'request'),
    [['missing', 1]],
  ],
  [
    'a record that was added with a fitting chain',
    async (victim) =>
      overwrite(
        victim,
        5,
        chainRecord(sampleRecord(victim.id, '2026-11-23T09:30:00.000Z'), await recordOf(victim, 4)),
      ),
    [['contradicts-request', 5]],
  ],
  [
    'a record that was copied under another number',
    async (victim) => overwrite(victim, 5, await recordOf(victim, 4)),
    [['unreadable']],
  ],
  [
    'a record that is no longer a record',
    (victim) =>
      victim.audit.updateEntity(
        { partitionKey: victim.id, rowKey: rowKey(2), ...toProperties('', '{') },
        'Replace',
      ),
    [['unreadable']],
  ],
];

describe('npm run audit:verify', () => {
  it('finds an audit consistent as the app wrote it, and does not claim more', async () => {
    const result = await verifyTables(await filledTables());
    expect(result).toEqual({
      code: 0,
      out: '13 records in 4 partitions, 0 seals: consistent, not proven complete (no anchor)',
      err: '',
    });
  });

  describe('in one run over tables where each request was touched in another way', () => {
    let result: Awaited<ReturnType<typeof auditVerify>>;
    let found: { partition: string; fault: string; sequence?: number }[];
    beforeAll(async () => {
      const names = tampering.map(([name]) => name);
      const tables = await filledTables([...names, 'untouched']);
      for (const [name, tamper] of tampering) await tamper({ ...tables, id: requestId(name) });
      result = await verifyTables(tables, '--json');
      found = (JSON.parse(result.out) as { findings: typeof found }).findings;
    });

    it.each(tampering)('finds %s', (name, _, expected) => {
      const ofRequest = found.filter(({ partition }) => partition === requestId(name));
      expect(
        ofRequest.map(({ fault, sequence }) => (sequence === undefined ? [fault] : [fault, sequence])),
      ).toEqual(expected);
    });

    it('finds nothing else and ends with 1', () => {
      const touched = new Set(tampering.map(([name]) => requestId(name)));
      expect(found.filter(({ partition }) => !touched.has(partition))).toEqual([]);
      expect(result.code).toBe(1);
    });
  });

  it('prints each finding and a summary', async () => {
    const tables = await filledTables();
    await tables.audit.deleteEntity(requestId('b'), rowKey(4));
    const { code, out } = await verifyTables(tables);
    expect(code).toBe(1);
    expect(out.split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^missing  ${requestId('b')}  Record 4 is missing at the end`)),
      '12 records in 4 partitions, 0 seals: 1 finding',
    ]);
  });

  it('reads the settings of the app, the environment before local.settings.json', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
    try {
      const { prefix } = await filledTables();
      const args = ['--table-prefix', prefix];
      const settings = { IsEncrypted: false, Values: { SALLYPORT_TABLES: connectionString() } };
      await writeFile(join(folder, 'local.settings.json'), JSON.stringify(settings));
      expect((await auditVerify(args, { folder })).code).toBe(0);
      const env = { SALLYPORT_TABLES: 'nonsense' };
      expect((await auditVerify(args, { folder, env })).code).toBe(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('ends with 2 and says why when it cannot check', async () => {
    const unreachable =
      'DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=AAAA;TableEndpoint=http://127.0.0.1:9/contoso';
    const [missing, unknown, nowhere, refused] = await Promise.all([
      verifyTables({ prefix: 'nobody' }),
      auditVerify(['--fix']),
      auditVerify([], { folder: tmpdir() }),
      auditVerify(['--connection', unreachable]),
    ]);
    expect(await auditVerify(['--anchor', '3:abc'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('neither NUMBER:HASH') as string,
    });
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('404 TableNotFound') as string });
    expect(unknown).toMatchObject({
      code: 2,
      err: expect.stringContaining("Unknown option '--fix'") as string,
    });
    expect(nowhere).toMatchObject({
      code: 2,
      err: expect.stringContaining('set SALLYPORT_TABLES') as string,
    });
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('ECONNREFUSED') as string });
  });

  it('explains itself', async () => {
    const { code, out } = await auditVerify(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('--connection');
    expect(out).toContain('not proven complete');
  });

  it('is a process that prints to its outputs and ends with its code', async () => {
    const { prefix, audit } = await filledTables();
    await audit.deleteEntity(requestId('b'), rowKey(4));
    const args = ['--connection', connectionString(), '--table-prefix', prefix];
    const found = await runAuditVerify(args);
    expect(found).toMatchObject({ code: 1, out: expect.stringContaining('1 finding') as string, err: '' });
  });
});
