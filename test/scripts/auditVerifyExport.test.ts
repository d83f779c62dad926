import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf } from '../../src/adapters/blobs/exportedLines.ts';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { chainRecord, type AuditRecord } from '../../src/core/auditRecord.ts';
import { contentHash } from '../../src/core/canonicalJson.ts';
import { recordJournal } from '../../src/workflow/recordJournal.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { endedRequest, requestId, sampleRecord } from '../contracts/samples.ts';
import { auditVerify, now, overwrite, rowKey, verifierOf, type Victim } from './auditVictim.ts';

const { connectionString, freshTables } = useAzurite();
const verifyTables = verifierOf(connectionString);

let folder: string;
let exports = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-exports-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Tables with two ended requests of four records, and what was exported of them. */
async function exportedTables() {
  const tables = await freshTables();
  const audit = createAuditTrail(tables, now);
  const records: AuditRecord[] = [];
  for (const name of ['a', 'b']) {
    const request = endedRequest(name);
    const recorded = await recordJournal(request, audit, now());
    await createRequests(tables.requests).insert({ ...request, recorded });
    records.push(...(await audit.read(requestId(name))));
  }
  return { tables, records };
}

/** A folder as `az storage blob download-batch` fills it: lines of records, and text of anybody. */
async function downloaded(files: Record<string, readonly (AuditRecord | string)[]>): Promise<string> {
  exports += 1;
  const path = join(folder, String(exports));
  await mkdir(path);
  for (const [name, lines] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    const text = lines.map((line) => (typeof line === 'string' ? line : lineOf(line).toString()));
    await writeFile(join(path, name), text.join(''));
  }
  return path;
}

interface Finding {
  fault: string;
  sequence?: number;
  exported?: string;
}

/** What is found in an export alone. */
async function foundIn(lines: readonly (AuditRecord | string)[]): Promise<Finding[]> {
  const path = await downloaded({ '2026/11/23.jsonl': lines });
  const { out } = await auditVerify(['--export', path, '--without-tables', '--json']);
  return (JSON.parse(out) as { findings: Finding[] }).findings.map(({ fault, sequence, exported }) => ({
    fault,
    ...(sequence === undefined ? {} : { sequence }),
    ...(exported === undefined ? {} : { exported }),
  }));
}

function chain(count: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let number = 0; number < count; number += 1) {
    records.push(chainRecord(sampleRecord(requestId('x'), '2026-11-23T08:00:00.000Z'), records.at(-1)));
  }
  return records;
}

function forged(record: AuditRecord | undefined, changes: Partial<AuditRecord>): AuditRecord {
  if (record === undefined) throw new Error('There is no such record.');
  const changed = { ...record, ...changes };
  return { ...changed, hash: contentHash(changed) };
}

describe('npm run audit:verify with an export and the tables', () => {
  it('finds both as they were written, and says how far the export has come', async () => {
    const { tables, records } = await exportedTables();
    const path = await downloaded({
      '2026/11/23.jsonl': records.slice(0, 3),
      '2026/11/24.jsonl': records.slice(2, 7),
    });

    expect(await verifyTables(tables, '--export', path)).toEqual({
      code: 0,
      out:
        'export: 7 records in 2 partitions, 2 files; 1 repeated line; 7 as in the tables, which have 1 record besides\n' +
        '8 records in 2 partitions, 0 seals: consistent, not proven complete (no anchor)',
      err: '',
    });
  });

  it('names each record that was removed from the tables, where these give no sign of it any more', async () => {
    const { tables, records } = await exportedTables();
    const path = await downloaded({ '2026/11/23.jsonl': records });
    const id = requestId('b');
    await tables.requests.deleteEntity(id, 'request');
    for (const number of [1, 2, 3, 4]) await tables.audit.deleteEntity(id, rowKey(number));
    expect((await verifyTables(tables)).code).toBe(0);

    const { code, out } = await verifyTables(tables, '--export', path);
    expect(code).toBe(1);
    expect(out.split('\n')).toEqual([
      ...[1, 2, 3, 4].map(
        (number) =>
          `missing  ${id}  Record ${number} is gone from the tables: the export has it (2026/11/23.jsonl, line ${number + 4}).`,
      ),
      expect.stringMatching(/^export: 8 records .* 4 as in the tables, which have 0 records besides$/),
      '4 records in 1 partition, 0 seals: 4 findings',
    ]);
  });

  it('names each record that was rewritten in the tables so that all of them fit', async () => {
    const { tables, records } = await exportedTables();
    const path = await downloaded({ '2026/11/23.jsonl': records });
    const victim: Victim = { ...tables, id: requestId('b') };
    const rewritten: AuditRecord[] = [];
    for (const record of records.slice(4)) {
      const previousHash = rewritten.at(-1)?.hash ?? '';
      rewritten.push(forged(record, { previousHash, justification: 'Lunch' }));
    }
    for (const record of rewritten) await overwrite(victim, record.sequence, record);
    expect((await verifyTables(tables)).code).toBe(0);

    const { code, out } = await verifyTables(tables, '--export', path);
    expect(code).toBe(1);
    expect(out.split('\n').slice(0, 4)).toEqual(
      [1, 2, 3, 4].map(
        (number) =>
          `contradicts-export  ${victim.id}  Record ${number} is not what was exported (2026/11/23.jsonl, line ${number + 4}).`,
      ),
    );
  });

  it('says nothing twice of a partition that the tables cannot give', async () => {
    const { tables, records } = await exportedTables();
    const path = await downloaded({ '2026/11/23.jsonl': records });
    await tables.audit.updateEntity({ partitionKey: requestId('b'), rowKey: rowKey(2), parts: 0 }, 'Replace');

    const { out } = await verifyTables(tables, '--export', path, '--json');
    const { findings, exported } = JSON.parse(out) as { findings: Finding[]; exported: object };
    expect(findings.map(({ fault }) => fault)).toEqual(['unreadable']);
    expect(exported).toEqual({
      files: 1,
      records: 8,
      partitions: 2,
      repeated: 0,
      beginLater: 0,
      inTables: 4,
    });
  });
});

describe('npm run audit:verify with an export alone', () => {
  const [first, second, third] = chain(3) as [AuditRecord, AuditRecord, AuditRecord];
  const line = (number: number) => `2026/11/23.jsonl, line ${number}`;

  it('finds chains that are whole, lines that came twice and empty ones in order', async () => {
    const path = await downloaded({ '2026/11/23.jsonl': [first, second, '\n', first, second, third] });

    expect(await auditVerify(['--export', path, '--without-tables'])).toEqual({
      code: 0,
      out:
        'export: 3 records in 1 partition, 1 file; 2 repeated lines\n' +
        'tables not read: the export is consistent in itself',
      err: '',
    });
  });

  it('takes half a line for a finding that hides no other record', async () => {
    expect(await foundIn([first, '{"actor":"al\n', second, '{"actor":"al'])).toEqual([
      { fault: 'unreadable', exported: line(2) },
      { fault: 'unreadable', exported: line(4) },
    ]);
  });

  it('finds a record that was changed, and another in the place of one', async () => {
    expect(await foundIn([first, { ...second, actor: 'nobody' }, third])).toEqual([
      { fault: 'changed', sequence: 2, exported: line(2) },
    ]);
    expect(await foundIn([first, second, third, forged(second, { actor: 'nobody' })])).toEqual([
      { fault: 'duplicate', sequence: 2, exported: line(4) },
    ]);
    expect(await foundIn([first, forged(second, { actor: 'nobody' }), third])).toEqual([
      { fault: 'broken-chain', sequence: 3, exported: line(3) },
    ]);
  });

  it('finds a gap, and not that an export was begun later', async () => {
    expect(await foundIn([first, third])).toEqual([{ fault: 'missing', sequence: 2, exported: line(1) }]);
    expect(await foundIn([second, third])).toEqual([]);

    const path = await downloaded({ '2026/11/23.jsonl': [second, third] });
    const { out } = await auditVerify(['--export', path, '--without-tables']);
    expect(out).toContain('0 repeated lines; 1 partition begun before it\n');
  });

  it('reads a text with every kind of line break in it as one line', async () => {
    const justification = 'one\ntwo\u2028three\u2029four\u0085five\r\n😀';
    const record = chainRecord(sampleRecord('a', '2026-11-23T08:00:00.000Z', { justification }), undefined);

    expect(await foundIn([record])).toEqual([]);
  });

  it.each<[string, () => Promise<string[]>, RegExp]>([
    [
      'no such folder',
      () => Promise.resolve(['--export', join(folder, 'none')]),
      /no folder that can be read/,
    ],
    [
      'a folder without an export',
      async () => ['--export', await downloaded({ 'notes.txt': ['x'] })],
      /no file of an export/,
    ],
    ['no tables and no export', () => Promise.resolve(['--without-tables']), /goes with --export/],
    [
      'anchors without tables',
      async () => {
        const path = await downloaded({ 'a.jsonl': [first] });
        return ['--export', path, '--without-tables', '--anchor', `1:${'a'.repeat(64)}`];
      },
      /an anchor is for the seals/,
    ],
    [
      'tables that are not known',
      async () => ['--export', await downloaded({ 'a.jsonl': [first] })],
      /or --without-tables/,
    ],
  ])('ends with 2 and says why with %s', async (_, args, said) => {
    const result = await auditVerify(await args(), { folder });

    expect(result.code).toBe(2);
    expect(result.err).toMatch(said);
  });
});
