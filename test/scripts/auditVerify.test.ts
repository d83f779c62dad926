import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { toProperties } from '../../src/adapters/tables/entity.ts';
import { createLiveRows } from '../../src/adapters/tables/liveRows.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { createSeals } from '../../src/adapters/tables/seals.ts';
import type { Tables } from '../../src/adapters/tables/tables.ts';
import { canonicalJson, chainRecord, hashOfRecord, type AuditRecord } from '../../src/core/auditRecord.ts';
import { chainSeal, type Seal } from '../../src/core/seal.ts';
import { recordJournal } from '../../src/workflow/recordJournal.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { endedRequest, requestId, sampleRecord } from '../contracts/samples.ts';
import { sealWorld, type SealWorld } from '../support/sealWorld.ts';

const { connectionString, freshTables } = useAzurite();
const now = () => new Date('2026-11-23T12:00:00.000Z');

/** Runs the script as a person does. */
async function auditVerify(
  args: string[],
  { env = {}, cwd = process.cwd() }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const script = fileURLToPath(new URL('../../scripts/auditVerify.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out: out.trim(), err: err.trim() };
}

async function verifyTables({ prefix }: { prefix: string }, ...more: string[]) {
  return auditVerify(['--connection', connectionString(), '--table-prefix', prefix, ...more]);
}

/** Tables with ended requests, four records each, and a day of refused tokens. */
async function filledTables(names = ['a', 'b', 'c']) {
  const tables = await freshTables();
  const audit = createAuditTrail(tables, now);
  for (const name of names) {
    const request = endedRequest(name);
    const recorded = await recordJournal(request, audit);
    await createRequests(tables.requests).insert({ ...request, recorded });
  }
  await audit.insert(
    chainRecord(sampleRecord('unauthenticated-2026-11-23', '2026-11-23T08:00:00.000Z'), undefined),
  );
  return tables;
}

/** The tables and the request whose records somebody touches. */
type Victim = Tables & { id: string };

/** Writes a record as the owner of the storage account can. */
async function overwrite({ audit, id }: Victim, sequence: number, record: AuditRecord): Promise<void> {
  await audit.upsertEntity(
    {
      partitionKey: id,
      rowKey: rowKey(sequence),
      ...toProperties('', canonicalJson(record)),
    },
    'Replace',
  );
}

async function recordOf(victim: Victim, sequence: number): Promise<AuditRecord> {
  const record = (await createAuditTrail(victim, now).read(victim.id))[sequence - 1];
  if (record === undefined) throw new Error(`There is no record ${sequence}.`);
  return record;
}

function rowKey(sequence: number): string {
  return String(sequence).padStart(10, '0');
}

function forged(record: AuditRecord, changes: Partial<AuditRecord>): AuditRecord {
  const changed = { ...record, ...changes };
  return { ...changed, hash: hashOfRecord(changed) };
}

/** Seal 1 names the requests a and c, or those given, seal 2 the request b and a denied submission. */
async function sealedTables(names = ['a', 'c']) {
  const tables = await freshTables();
  const world = sealWorld(now(), {
    requests: createRequests(tables.requests),
    live: createLiveRows(tables.live),
    audit: createAuditTrail(tables, now),
    seals: createSeals(tables.seals),
  });
  for (const name of names) await world.end(name);
  await world.seal();
  await world.end('b');
  await world.deny('denied');
  world.now = new Date('2026-11-23T13:00:00.000Z');
  await world.seal();
  return { tables, world };
}

/** As the log has them. */
function anchorsOf({ logged }: SealWorld): [string, string] {
  const [first, second] = logged.map(({ facts }) => `${String(facts['number'])}:${String(facts['hash'])}`);
  if (first === undefined || second === undefined) throw new Error('Two seals were expected.');
  return [first, second];
}

function sealKey(number: number): string {
  return String(9_999_999_999 - number).padStart(10, '0');
}

async function overwriteSeal({ seals }: Tables, seal: Seal): Promise<void> {
  const content = toProperties('', canonicalJson(seal));
  await seals.upsertEntity({ partitionKey: 'seals', rowKey: sealKey(seal.number), ...content }, 'Replace');
}

async function removeRow({ requests, id }: Victim): Promise<void> {
  await requests.deleteEntity(id, 'request');
}

async function removeRequest(victim: Victim): Promise<void> {
  for (const each of [1, 2, 3, 4]) await victim.audit.deleteEntity(victim.id, rowKey(each));
  await removeRow(victim);
}

/** The last record goes, and the row's journal with it. */
async function cutWithRow({ audit, requests, id }: Victim): Promise<void> {
  await audit.deleteEntity(id, rowKey(4));
  const stored = await createRequests(requests).get(id);
  if (stored === undefined) throw new Error('There is no row.');
  const { row, etag } = stored;
  await createRequests(requests).replace({ ...row, journal: row.journal.slice(0, 3), recorded: 3 }, etag);
}

/** What the owner of the storage does after a seal, everything but the seal made to fit. */
const afterSealing: Record<string, (victim: Victim) => Promise<void>> = {
  'a record cut off, and the row to match': cutWithRow,
  'a request that is gone with its row': removeRequest,
  async 'records that were all written anew, the row gone'(victim) {
    await removeRow(victim);
    let previous: AuditRecord | undefined;
    for (const record of await createAuditTrail(victim, now).read(victim.id)) {
      previous = chainRecord({ ...record, justification: 'Lunch' }, previous);
      await overwrite(victim, previous.sequence, previous);
    }
  },
  async 'a record added, the row gone'(victim) {
    await removeRow(victim);
    const record = sampleRecord(victim.id, '2026-11-23T09:30:00.000Z');
    await overwrite(victim, 5, chainRecord(record, await recordOf(victim, 4)));
  },
};

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

  describe('with seals', () => {
    it('says what an anchor proves, until when, and what is newer', async () => {
      const { tables, world } = await sealedTables();
      const [first, second] = anchorsOf(world);
      await world.end('newer');
      const count = '17 records in 5 partitions, 2 seals';
      const [none, newest, older] = await Promise.all([
        verifyTables(tables),
        verifyTables(tables, '--anchor', second, '--anchor', first, '--json'),
        verifyTables(tables, '--anchor', first),
      ]);
      expect(none).toMatchObject({
        code: 0,
        out: `${count}: consistent, not proven complete (no anchor)`,
      });
      expect(JSON.parse(newest.out)).toEqual({
        records: 17,
        partitions: 5,
        seals: 2,
        findings: [],
        proven: { seal: 2, at: '2026-11-23T13:00:00.000Z', records: 13, partitions: 4 },
        consistent: true,
        anchored: true,
      });
      expect(older).toMatchObject({
        code: 0,
        out:
          `${count}: 8 records in 2 partitions proven to be what was sealed by 2026-11-23T12:00:00.000Z; ` +
          '9 records after seal 1 consistent, not proven complete',
      });
    });

    it('takes the lines of the log for anchors', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
      try {
        const { tables, world } = await sealedTables();
        const file = join(folder, 'log');
        const lines = world.logged.map(({ message, facts }) => `[now] ${message} ${JSON.stringify(facts)}`);
        await writeFile(file, lines.join('\n'));
        const result = await verifyTables(tables, '--anchor', file);
        expect(result).toMatchObject({
          code: 0,
          out: expect.stringContaining('0 records after seal 2') as string,
        });
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('finds without an anchor whatever the seals still contradict, and which', async () => {
      const { tables, world } = await sealedTables(Object.keys(afterSealing));
      for (const [name, tamper] of Object.entries(afterSealing)) {
        await tamper({ ...tables, id: requestId(name) });
      }
      await tables.audit.deleteEntity(requestId('denied'), rowKey(1));
      const { code, out } = await verifyTables(tables, '--json');
      const { findings } = JSON.parse(out) as { findings: { partition: string; sequence: number }[] };
      const found = findings.map(({ partition, sequence }) => [partition, sequence]);
      expect(code).toBe(1);
      expect(findings.every((finding) => 'fault' in finding && finding.fault === 'contradicts-seal')).toBe(
        true,
      );
      expect(found.sort()).toEqual(
        [
          [requestId('a record cut off, and the row to match'), 4],
          [requestId('a request that is gone with its row'), 1],
          [requestId('records that were all written anew, the row gone'), 4],
          [requestId('a record added, the row gone'), 5],
          [requestId('denied'), 1],
        ].sort(),
      );
      expect(await world.seals()).toHaveLength(2);
    });

    it('finds a seal that was changed, removed, or is none any more', async () => {
      const changed = await sealedTables();
      const removed = await sealedTables();
      const broken = await sealedTables();
      const [first] = await changed.world.seals();
      if (first === undefined) throw new Error('There is no seal.');
      await overwriteSeal(changed.tables, { ...first, sealed: [] });
      await removed.tables.seals.deleteEntity('seals', sealKey(1));
      const row = { partitionKey: 'seals', rowKey: sealKey(2), ...toProperties('', '{') };
      await broken.tables.seals.updateEntity(row, 'Replace');
      const [one, two, three] = await Promise.all([
        verifyTables(changed.tables),
        verifyTables(removed.tables),
        verifyTables(broken.tables),
      ]);
      expect(one.out).toMatch(/^changed {2}seal 1 {2}Seal 1 was changed after it was written/);
      expect(two.out).toMatch(/^missing {2}seal 1 {2}Seal 1 is missing before seal 2/);
      expect(three.out).toMatch(/^unreadable {2}seals {2}seal 2 cannot be read/);
      expect([one.code, two.code, three.code]).toEqual([1, 1, 1]);
    });

    it('finds with an anchor only that the newest seals were cut off with what they named', async () => {
      const { tables, world } = await sealedTables();
      const [first, second] = anchorsOf(world);
      await tables.seals.deleteEntity('seals', sealKey(2));
      await removeRequest({ ...tables, id: requestId('b') });
      const [none, old, newest] = await Promise.all([
        verifyTables(tables),
        verifyTables(tables, '--anchor', first),
        verifyTables(tables, '--anchor', second),
      ]);
      expect([none.code, old.code, newest.code]).toEqual([0, 0, 1]);
      expect(none.out).toContain('consistent, not proven complete (no anchor)');
      expect(newest.out).toMatch(
        /^missing {2}seal 2 {2}Seal 2 is missing: an anchor says that it was written/,
      );
    });

    it('finds with an anchor only that records were cut off and every seal made to fit', async () => {
      const { tables, world } = await sealedTables();
      await cutWithRow({ ...tables, id: requestId('a') });
      const head = await recordOf({ ...tables, id: requestId('a') }, 3);
      let previous: Seal | undefined;
      for (const seal of await world.seals()) {
        const sealed = seal.sealed.map((each) =>
          each.partition === head.partition ? { ...each, count: 3, headHash: head.hash } : each,
        );
        previous = chainSeal({ ...seal, sealed }, previous);
        await overwriteSeal(tables, previous);
      }
      const anchors = anchorsOf(world).flatMap((anchor) => ['--anchor', anchor]);
      const [none, all] = await Promise.all([verifyTables(tables), verifyTables(tables, ...anchors)]);
      expect(none).toMatchObject({
        code: 0,
        out: expect.stringContaining('consistent, not proven complete (no anchor)') as string,
      });
      expect(all.code).toBe(1);
      expect(all.out.split('\n').map((line) => line.split('  ').slice(0, 2))).toEqual([
        ['contradicts-anchor', 'seal 1'],
        ['contradicts-anchor', 'seal 2'],
        [expect.stringMatching(/2 findings$/)],
      ]);
    });
  });

  it('reads the settings of the app, the environment before local.settings.json', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
    try {
      const { prefix } = await filledTables();
      const args = ['--table-prefix', prefix];
      const settings = { IsEncrypted: false, Values: { SALLYPORT_TABLES: connectionString() } };
      await writeFile(join(folder, 'local.settings.json'), JSON.stringify(settings));
      expect((await auditVerify(args, { cwd: folder })).code).toBe(0);
      const env = { SALLYPORT_TABLES: 'nonsense' };
      expect((await auditVerify(args, { cwd: folder, env })).code).toBe(2);
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
      auditVerify([], { cwd: tmpdir() }),
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
});
