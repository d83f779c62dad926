import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuditTrail } from '../../../src/adapters/tables/auditTrail.ts';
import { createLiveRows } from '../../../src/adapters/tables/liveRows.ts';
import { createPolicies } from '../../../src/adapters/tables/policies.ts';
import { createRequests } from '../../../src/adapters/tables/requests.ts';
import { createSeals, readSeals } from '../../../src/adapters/tables/seals.ts';
import { keyOf, RowTooLargeError, toProperties } from '../../../src/adapters/tables/entity.ts';
import { ensureTables, openTables } from '../../../src/adapters/tables/tables.ts';
import { chainRecord, type AuditRecord } from '../../../src/core/auditRecord.ts';
import { sampleSeals } from '../../contracts/seals.ts';
import {
  nsgId,
  requestId,
  sampleBaseline,
  sampleLiveRow,
  samplePolicy,
  vmId,
  sampleRecord,
  sampleRequest,
} from '../../contracts/samples.ts';
import { startFaultyProxy, type Fate, type FaultyProxy } from './faultyProxy.ts';
import { useAzurite } from './testTables.ts';
import type { Policy } from '../../../src/core/policy.ts';

const { connectionString, freshTables } = useAzurite();
const now = () => new Date('2026-11-23T12:00:00.000Z');

let proxy: FaultyProxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

/** Fresh tables, reached through a proxy. */
async function faultyTables(fateOf: (call: IncomingMessage, number: number) => Fate) {
  const { prefix } = await freshTables();
  proxy = await startFaultyProxy(connectionString(), fateOf);
  const tables = openTables({ connectionString: proxy.connectionString, tableNamePrefix: prefix });
  return { tables, calls: proxy.calls };
}

const loseFirst = (_: IncomingMessage, number: number): Fate => (number === 1 ? 'lose-answer' : 'pass');

const silent = { error: () => undefined };

describe('ensureTables', () => {
  it('makes the tables once, however often and from wherever it is called', async () => {
    const tables = openTables({ connectionString: connectionString(), tableNamePrefix: fresh() });
    await Promise.all([ensureTables(tables), ensureTables(tables)]);
    await ensureTables(tables);
    expect(await createRequests(tables.requests).get(requestId('a'))).toBeUndefined();
  });

  it('accepts tables that exist when it may not make them', async () => {
    const { tables } = await faultyTables(refuseMaking);
    await expect(ensureTables(tables)).resolves.toBeUndefined();
  });

  it('says which table is missing and what to do when it may not make it', async () => {
    proxy = await startFaultyProxy(connectionString(), refuseMaking);
    const tables = openTables({ connectionString: proxy.connectionString, tableNamePrefix: fresh() });
    await expect(ensureTables(tables)).rejects.toThrow(
      /The table \w+ does not exist, and this identity may not make it/,
    );
  });

  it('keeps installations apart by the prefix', async () => {
    const [one, other] = [await freshTables(), await freshTables()];
    await createRequests(one.requests).insert(sampleRequest('a'));
    expect(await createRequests(other.requests).get(requestId('a'))).toBeUndefined();
  });
});

describe('what cannot be read is not absent', () => {
  const missing = () => openTables({ connectionString: connectionString(), tableNamePrefix: fresh() });

  it.each([
    ['a request', () => createRequests(missing().requests).get(requestId('a'))],
    ['live rows', () => createLiveRows(missing().live, silent).ofNsg(nsgId('Web'))],
    ['a live row', () => createLiveRows(missing().live, silent).get(nsgId('Web'), requestId('a'))],
    ['unended requests', () => createLiveRows(missing().live, silent).unended()],
    ['a mark', () => createLiveRows(missing().live, silent).markEnded(requestId('a'), now().toISOString())],
    ['a removal', () => createLiveRows(missing().live, silent).remove(nsgId('Web'), requestId('a'))],
    ['a policy', () => createPolicies(missing().policies).list()],
    ['audit records', () => createAuditTrail(missing(), now).read(requestId('a'))],
    ['an audit query', () => createAuditTrail(missing(), now).query({})],
    ['the newest seal', () => createSeals(missing().seals).newest()],
    ['a replace', () => createRequests(missing().requests).replace(sampleRequest('a'), 'W/"x"')],
  ])('throws for %s of a table that is missing', async (_, call) => {
    await expect(call()).rejects.toThrow(/404 TableNotFound/);
  });

  it('throws for a policy that cannot be read, naming it', async () => {
    const { policies } = await freshTables();
    const stored = [
      ['no JSON', '{'],
      ['an unknown condition', JSON.stringify(withConditions({ trustEverybody: true }))],
      ['another policy', JSON.stringify(samplePolicy('other'))],
      ['no canonical source', JSON.stringify(withPort({ allowedSourceAddressPrefixes: ['203.0.113.9/24'] }))],
      ['a length that varies', JSON.stringify(withPort({ maxRequestAccessDuration: 'P1M' }))],
    ];
    for (const [what, text] of stored) {
      const properties = toProperties('', text ?? '');
      await policies.upsertEntity(
        { partitionKey: 'policy', rowKey: keyOf('web'), policyId: 'web', ...properties },
        'Replace',
      );
      for (const read of [createPolicies(policies).list(), createPolicies(policies).get('web')]) {
        await expect(read, what).rejects.toThrow(/policy web cannot be read/);
      }
    }
  });

  it.each([
    ['says that it belongs to another NSG', { nsgId: nsgId('Other') }],
    ['has no state', { state: undefined }],
    ['has a version that is no number', { version: 'x' }],
    ['wants no box', { boxes: [] }],
    [
      'wants what nobody can plan',
      { boxes: [{ ...sampleLiveRow('Web-Nsg', 'a').boxes[0], destinationPorts: [0] }] },
    ],
    ['accepts the change of a rule that it has not', { accepted: { 2: 'absent' } }],
  ])(
    'takes a live row that %s for not desired, says so, and lets it be written anew',
    async (_what, damage) => {
      const { live } = await freshTables();
      const errors: unknown[] = [];
      const rows = createLiveRows(live, { error: (...text) => errors.push(text) });
      const row = sampleLiveRow('Web-Nsg', 'a');
      const neighbour = sampleLiveRow('Web-Nsg', 'b');
      await rows.insert(row);
      await rows.insert(neighbour);
      await live.updateEntity(
        {
          partitionKey: `nsg-${keyOf(row.nsgId)}`,
          rowKey: row.requestId,
          ...toProperties('', JSON.stringify({ ...row, ...damage })),
        },
        'Replace',
      );

      const read = (await rows.ofNsg(row.nsgId)).map((stored) => stored.row);
      const found = await rows.get(row.nsgId, row.requestId);

      expect(read).toHaveLength(2);
      expect(read).toContainEqual(neighbour);
      expect(read).toContainEqual(
        expect.objectContaining({ requestId: row.requestId, state: 'closing', version: 0 }),
      );
      expect(errors[0]).toMatchObject(['live-row-unreadable', { requestId: row.requestId }]);
      expect(await rows.replace(row, found?.etag ?? '')).toBe('replaced');
      expect(await rows.get(row.nsgId, row.requestId)).toMatchObject({ row });
    },
  );

  it.each([
    ['says that it belongs to another NSG', { nsgId: nsgId('Other') }],
    ["says that it is another machine's", { virtualMachineId: vmId('Web-2') }],
    ['has no state', { state: undefined }],
    ['is ending and does not say since when', { state: 'ending' }],
    ['keeps nothing shut', { boxes: [] }],
    [
      'keeps a whole subnet shut',
      {
        boxes: [
          { ...sampleBaseline('Web-Nsg', 'Web-1').boxes[0], destinationAddressPrefixes: ['10.0.0.0/24'] },
        ],
      },
    ],
  ])('leaves a baseline out that %s, says so, and lets it be written anew', async (_what, damage) => {
    const { live } = await freshTables();
    const errors: unknown[] = [];
    const rows = createLiveRows(live, { error: (...text) => errors.push(text) });
    const row = sampleBaseline('Web-Nsg', 'Web-1');
    const grant = sampleLiveRow('Web-Nsg', 'b');
    await rows.insertBaseline(row);
    await rows.insert(grant);
    const rowKey = `baseline-${keyOf(row.virtualMachineId)}`;
    await live.updateEntity(
      {
        partitionKey: `nsg-${keyOf(row.nsgId)}`,
        rowKey,
        ...toProperties('', JSON.stringify({ ...row, ...damage })),
      },
      'Replace',
    );

    const read = await rows.allOfNsg(row.nsgId);
    const found = await rows.getBaseline(row.nsgId, row.virtualMachineId);

    expect(read.baselines).toEqual([]);
    expect(read.grants.map((stored) => stored.row)).toEqual([grant]);
    expect(errors[0]).toMatchObject(['baseline-row-unreadable', { rowKey }]);
    expect(found?.row).toBe('unreadable');
    expect(await rows.replaceBaseline(row, found?.etag ?? '')).toBe('replaced');
    expect(await rows.getBaseline(row.nsgId, row.virtualMachineId)).toMatchObject({ row });
  });

  it('knows which request an unended row is of that cannot be read', async () => {
    const { live } = await freshTables();
    const errors: unknown[] = [];
    await live.createEntity({ partitionKey: 'unended', rowKey: requestId('a'), createdAt: 'yesterday' });

    const read = await createLiveRows(live, { error: (...text) => errors.push(text) }).unended();

    expect(read.map((row) => row.requestId)).toEqual([requestId('a')]);
    expect(errors[0]).toMatchObject(['unended-row-unreadable', { requestId: requestId('a') }]);
  });
});

describe('seals', () => {
  it('are not taken for the newest where another number stands, and are told apart for verification', async () => {
    const { seals } = await freshTables();
    const store = createSeals(seals);
    const [first, second, third] = sampleSeals(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('No samples.');
    for (const seal of [first, second, third]) await store.insert(seal);
    const newest = await seals.listEntities({ queryOptions: { select: ['PartitionKey', 'RowKey'] } }).next();
    const row = newest.value as { partitionKey: string; rowKey: string };
    await seals.updateEntity({ ...row, ...toProperties('', JSON.stringify(second)) }, 'Replace');
    await expect(store.newest()).rejects.toThrow(/seal 3 cannot be read: .*number of another seal/s);
    expect(await readSeals(seals)).toEqual({
      seals: [first, second],
      unreadable: [
        expect.objectContaining({ message: expect.stringMatching(/^seal 3 cannot be read/) as string }),
      ],
    });
  });
});

describe('policies', () => {
  it('are not stored if they could not be read back', async () => {
    const { policies } = await freshTables();
    const wrong = withPort({ allowedSourceAddressPrefixes: ['203.0.113.9/24'] });
    await expect(createPolicies(policies).insert(wrong)).rejects.toThrow(/cannot be stored.*canonical/s);
    expect(await createPolicies(policies).get('web')).toBeUndefined();
  });
});

describe('an answer that is lost on the way', () => {
  it('leaves an insert inserted, not refused as existing', async () => {
    const { tables, calls } = await faultyTables(loseFirst);
    const request = sampleRequest('a');
    const inserted = await createRequests(tables.requests).insert(request);
    expect(inserted).not.toBe('exists');
    expect(await createRequests(tables.requests).get(request.id)).toEqual(inserted);
    expect(calls.filter((call) => call.startsWith('POST'))).toHaveLength(2);
  });

  it('leaves a seal inserted once', async () => {
    const { tables } = await faultyTables(loseFirst);
    const seals = createSeals(tables.seals);
    const [seal] = sampleSeals(1);
    if (seal === undefined) throw new Error('No sample.');
    expect(await seals.insert(seal)).toBe('inserted');
    expect(await seals.after(0)).toEqual([seal]);
  });

  it('leaves an audit record inserted once', async () => {
    const { tables } = await faultyTables(loseFirst);
    const audit = createAuditTrail(tables, now);
    const record = chainRecord(sampleRecord(requestId('a'), now().toISOString()), undefined);
    expect(await audit.insert(record)).toBe('inserted');
    expect(await audit.read(record.partition)).toEqual([record]);
  });

  it('reports a replace as changed, with the new content there to be read', async () => {
    const { tables } = await faultyTables((_, number) => (number === 2 ? 'lose-answer' : 'pass'));
    const requests = createRequests(tables.requests);
    const first = await requests.insert(sampleRequest('a'));
    if (first === 'exists') throw new Error('Not inserted.');
    const next = { ...first.row, version: 2 };
    expect(await requests.replace(next, first.etag)).toBe('changed');
    expect((await requests.get(next.id))?.row).toEqual(next);
  });
});

describe('an audit query', () => {
  it('reads the records of one NSG once for a page, however many of them it is about', async () => {
    const { tables, calls } = await faultyTables(() => 'pass');
    const audit = createAuditTrail(tables, now);
    const partition = `nsg-${requestId('Web-Nsg')}`;
    let last: AuditRecord | undefined;
    for (let second = 1; second <= 6; second += 1) {
      const record = sampleRecord(partition, `2026-11-23T08:00:0${second}.000Z`);
      await audit.index(record);
      last = chainRecord(record, last);
      await audit.insert(last);
    }
    calls.length = 0;
    const { records } = await audit.query({});
    expect(records.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(calls.filter((call) => call.startsWith('GET') && call.includes(`nsg-`))).toHaveLength(1);
  });
});

describe('calls', () => {
  it('end with an error that names them when nobody answers', async () => {
    const { tables } = await faultyTables(() => 'silence');
    const request = sampleRequest('a');
    const late = /did not answer within 10 s/;
    await Promise.all([
      expect(createRequests(tables.requests).get(request.id)).rejects.toThrow(late),
      expect(createRequests(tables.requests).insert(request)).rejects.toThrow(late),
      expect(createLiveRows(tables.live, silent).ofNsg(nsgId('Web'))).rejects.toThrow(late),
      expect(createAuditTrail(tables, now).query({})).rejects.toThrow(late),
    ]);
  });

  it('throw what they do not expect, with the code of the refusal', async () => {
    const { tables } = await faultyTables(() => ({ status: 403, code: 'AuthorizationPermissionMismatch' }));
    const get = createRequests(tables.requests).get(requestId('a'));
    await expect(get).rejects.toThrow(/request \w+: 403 AuthorizationPermissionMismatch/);
  });

  it('send nothing of a row that is too large', async () => {
    const { tables, calls } = await faultyTables(() => 'pass');
    const request = sampleRequest('a', { justification: 'x'.repeat(500_000) });
    await expect(createRequests(tables.requests).insert(request)).rejects.toThrow(RowTooLargeError);
    expect(calls).toEqual([]);
  });
});

describe('audit query', () => {
  it('reads a bounded number of months for a page and goes on with the next', async () => {
    const audit = createAuditTrail(await freshTables(), now);
    const record = chainRecord(sampleRecord(requestId('a'), '2026-11-23T08:00:00.000Z'), undefined);
    await audit.index(record);
    await audit.insert(record);
    let page = await audit.query({ from: '2021-01-01T00:00:00.000Z' });
    const pages = [page];
    while (page.continuation !== undefined) {
      page = await audit.query({ continuation: page.continuation });
      pages.push(page);
    }
    expect(pages.map(({ records }) => records.length)).toEqual([0, 0, 1]);
  });
});

function fresh(): string {
  return `t${randomBytes(8).toString('hex')}`;
}

function refuseMaking(call: IncomingMessage): Fate {
  const making = call.method === 'POST' && call.url?.endsWith('/Tables') === true;
  return making ? { status: 403, code: 'AuthorizationPermissionMismatch' } : 'pass';
}

function withPort(changes: object): Policy {
  const policy = samplePolicy('web');
  return {
    ...policy,
    entries: policy.entries.map(({ selector, ports }) => ({
      selector,
      ports: ports.map((port) => ({ ...port, ...changes })),
    })),
  };
}

function withConditions(conditions: object) {
  return { ...samplePolicy('web'), conditions };
}
