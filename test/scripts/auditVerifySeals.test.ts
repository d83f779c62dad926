import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { toProperties } from '../../src/adapters/tables/entity.ts';
import { createLiveRows } from '../../src/adapters/tables/liveRows.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { createSeals } from '../../src/adapters/tables/seals.ts';
import type { Tables } from '../../src/adapters/tables/tables.ts';
import { chainRecord, type AuditRecord } from '../../src/core/auditRecord.ts';
import { chainSeal, type Seal } from '../../src/core/seal.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { requestId, sampleRecord } from '../contracts/samples.ts';
import { sealWorld, type SealWorld } from '../support/sealWorld.ts';
import { now, overwrite, recordOf, rowKey, verifierOf, type Victim } from './auditVictim.ts';

const { connectionString, freshTables } = useAzurite();
const verifyTables = verifierOf(connectionString);

/** Seal 1 names the requests a and c, or those given, seal 2 the request b and a denied submission. */
async function sealedTables(names = ['a', 'c']) {
  const tables = await freshTables();
  const world = sealWorld(now(), {
    requests: createRequests(tables.requests),
    live: createLiveRows(tables.live, { error: () => undefined }),
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

describe('npm run audit:verify with seals', () => {
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
    const { findings } = JSON.parse(out) as {
      findings: { partition: string; sequence: number; fault: string }[];
    };
    const found = (wanted: string) =>
      findings
        .filter(({ fault }) => fault === wanted)
        .map(({ partition, sequence }) => [partition, sequence])
        .sort();
    expect(code).toBe(1);
    expect(found('missing')).toEqual(
      [
        [requestId('records that were all written anew, the row gone'), 1],
        [requestId('a record added, the row gone'), 1],
      ].sort(),
    );
    expect(found('contradicts-seal')).toEqual(
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
    expect(newest.out).toMatch(/^missing {2}seal 2 {2}Seal 2 is missing: an anchor says that it was written/);
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
