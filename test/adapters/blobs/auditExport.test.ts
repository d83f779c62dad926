import { describe, expect, it } from 'vitest';
import { createAuditExport } from '../../../src/adapters/blobs/auditExport.ts';
import { canonicalJson } from '../../../src/core/canonicalJson.ts';
import { chainRecord, type AuditRecord } from '../../../src/core/auditRecord.ts';
import { sampleRecord } from '../../contracts/samples.ts';
import { leapingClock } from '../arm/simulatedArm.ts';
import { faulty, useBlobService, type Container, type Fate } from './blobService.ts';

const service = useBlobService();
const freshContainer = () => service.freshContainer();
const noon = Date.parse('2026-11-23T12:00:00Z');

/** A chain of so many records. */
function chain(count: number, justification = 'Patch the database', partition = 'a'): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let number = 0; number < count; number += 1) {
    const record = sampleRecord(partition, '2026-11-23T08:00:00.000Z', { justification });
    records.push(chainRecord(record, records.at(-1)));
  }
  return records;
}

function textOf(records: readonly AuditRecord[]): string {
  return records.map((record) => `${canonicalJson(record)}\n`).join('');
}

/** A sink on a container, its clock, and the calls that it makes. */
function exportTo(
  container: Container,
  options: { fateOf?: () => Fate; bytes?: number; blocks?: number } = {},
) {
  const clock = leapingClock(noon);
  const httpClient = faulty(container.httpClient, options.fateOf ?? (() => 'pass'));
  const sink = createAuditExport({
    ...container,
    clock,
    httpClient,
    retryDelayMilliseconds: 1,
    limits: {
      bytesPerBlock: options.bytes ?? 4 * 1024 * 1024,
      blocksPerBlob: options.blocks ?? 50_000,
    },
  });
  return { sink, clock, calls: httpClient.calls };
}

/** Answers the calls of one kind as given, one after the other, and lets everything else through. */
function fates(kind: RegExp, ...given: Fate[]) {
  return (calls: () => string[]) => () =>
    kind.test(calls().at(-1) ?? '') ? (given.shift() ?? 'pass') : 'pass';
}

function faultyExportTo(container: Container, kind: RegExp, ...given: Fate[]) {
  let calls: string[] = [];
  const made = exportTo(container, { fateOf: fates(kind, ...given)(() => calls) });
  ({ calls } = made);
  return made;
}

const append = /comp=appendblock/;
const create = /^PUT$/;

describe('the audit export', () => {
  it('appends each record as one line of canonical JSON to a blob of the day', async () => {
    const container = await freshContainer();
    const { sink, clock } = exportTo(container);
    const records = chain(5);

    await sink.send(records.slice(0, 2));
    await sink.send(records.slice(2, 4));
    clock.leap(12 * 3_600_000);
    await sink.send(records.slice(4));

    expect(await container.blobs()).toEqual(
      new Map([
        ['2026/11/23.jsonl', textOf(records.slice(0, 4))],
        ['2026/11/24.jsonl', textOf(records.slice(4))],
      ]),
    );
  });

  it('asks three times for the first records of a day and once for those that follow', async () => {
    const container = await freshContainer();
    const { sink, calls } = exportTo(container);

    await sink.send(chain(1));
    expect(calls).toEqual(['HEAD', 'PUT', 'PUT ?comp=appendblock']);
    await sink.send(chain(1));
    expect(calls.slice(3)).toEqual(['PUT ?comp=appendblock']);
    await sink.send([]);
    expect(calls).toHaveLength(4);
  });

  it('is let in by a token for storage and by no other', async () => {
    const container = await freshContainer();
    const credential = service.credentialFor('https://management.azure.com');
    const { sink } = exportTo({ ...container, credential });

    await expect(sink.send(chain(1))).rejects.toThrow(/may not read and add blobs/);
    expect(await container.blobs()).toEqual(new Map());
  });

  it.each([
    'http://contoso.blob.core.windows.net/audit-export',
    'https://contoso.blob.core.windows.net/',
    'https://contoso.blob.core.windows.net/audit-export?sv=2024&sig=abc',
    'https://alice@contoso.blob.core.windows.net/audit-export',
    'audit-export',
  ])('sends no token to %s', async (url) => {
    const container = await freshContainer();

    expect(() => exportTo({ ...container, url })).toThrow(/https address without query/);
  });

  it('continues a blob that is there, with a newline before its first line', async () => {
    const container = await freshContainer();
    const records = chain(2);
    await exportTo(container).sink.send(records.slice(0, 1));
    await exportTo(container).sink.send(records.slice(1));

    expect((await container.blobs()).get('2026/11/23.jsonl')).toBe(
      `${textOf(records.slice(0, 1))}\n${textOf(records.slice(1))}`,
    );
  });

  it('lets half a line that others left hide no record', async () => {
    const container = await freshContainer();
    const { sink } = exportTo(container);
    const records = chain(3);
    await sink.send(records.slice(0, 1));
    await container.call('PUT', '/2026/11/23.jsonl?comp=appendblock', {}, '{"half":');
    await sink.send(records.slice(1));

    expect((await container.blobs()).get('2026/11/23.jsonl')).toBe(
      `${textOf(records.slice(0, 1))}{"half":\n${textOf(records.slice(1))}`,
    );
  });

  it('divides what is larger than a block, and never a line', async () => {
    const container = await freshContainer();
    const records = chain(9);
    const line = textOf(records.slice(0, 1));
    const { sink, calls } = exportTo(container, { bytes: 2.5 * line.length });
    await sink.send(records);

    expect(calls.filter((call) => append.test(call))).toHaveLength(5);
    expect((await container.blobs()).get('2026/11/23.jsonl')).toBe(textOf(records));
  });

  it('begins another blob when one has all the blocks that it can have, also after a restart', async () => {
    const container = await freshContainer();
    const records = chain(5);
    for (const record of records.slice(0, 3)) await exportTo(container, { blocks: 2 }).sink.send([record]);
    const { sink } = exportTo(container, { blocks: 2 });
    for (const record of records.slice(3)) await sink.send([record]);

    const blobs = await container.blobs();
    expect([...blobs.keys()].sort()).toEqual([
      '2026/11/23-2.jsonl',
      '2026/11/23-3.jsonl',
      '2026/11/23.jsonl',
    ]);
    expect(blobs.get('2026/11/23-3.jsonl')).toBe(textOf(records.slice(4)));
  });

  it('passes over a blob of another type that somebody put in its place', async () => {
    const container = await freshContainer();
    await container.call('PUT', '/2026/11/23.jsonl', { 'x-ms-blob-type': 'BlockBlob' }, 'not yours');
    await exportTo(container).sink.send(chain(1));

    expect(await container.blobs()).toEqual(
      new Map([
        ['2026/11/23.jsonl', 'not yours'],
        ['2026/11/23-2.jsonl', textOf(chain(1))],
      ]),
    );
  });

  it('leaves a blob that somebody leased or sealed, and goes on in another', async () => {
    const container = await freshContainer();
    const records = chain(3);
    const { sink } = exportTo(container);
    await sink.send(records.slice(0, 1));
    const lease = { 'x-ms-lease-action': 'acquire', 'x-ms-lease-duration': '-1' };
    await container.call('PUT', '/2026/11/23.jsonl?comp=lease', lease);
    await sink.send(records.slice(1, 2));
    await container.call('PUT', '/2026/11/23-2.jsonl?comp=seal');
    await sink.send(records.slice(2));

    const blobs = await container.blobs();
    expect(blobs.get('2026/11/23-2.jsonl')).toBe(textOf(records.slice(1, 2)));
    expect(blobs.get('2026/11/23-3.jsonl')).toBe(textOf(records.slice(2)));
  });

  it('stores both, each once, when two workers write at once', async () => {
    const container = await freshContainer();
    const [one, other] = [chain(20, 'One', 'one'), chain(20, 'Other', 'other')];
    const sinks = [exportTo(container).sink, exportTo(container).sink];
    await Promise.all(
      [one, other].map(async (records, index) => {
        for (const record of records) await sinks[index]?.send([record]);
      }),
    );

    const lines = ((await container.blobs()).get('2026/11/23.jsonl') ?? '').split('\n').filter(Boolean);
    expect(lines.sort()).toEqual([...one, ...other].map((record) => canonicalJson(record)).sort());
  });

  it('makes a blob anew that an owner deleted', async () => {
    const container = await freshContainer();
    const { sink } = exportTo(container);
    const records = chain(2);
    await sink.send(records.slice(0, 1));
    await container.call('DELETE', '/2026/11/23.jsonl');
    await sink.send(records.slice(1));

    expect(await container.blobs()).toEqual(new Map([['2026/11/23.jsonl', textOf(records.slice(1))]]));
  });
});

describe('when an answer is lost, the audit export', () => {
  it('does not write a block twice that was written', async () => {
    const container = await freshContainer();
    const { sink, calls } = faultyExportTo(container, append, 'lose-answer');
    const records = chain(3);
    await sink.send(records);

    // The second try finds the blob longer (412), and the third call that these are our bytes.
    expect(calls.slice(2)).toEqual(['PUT ?comp=appendblock', 'PUT ?comp=appendblock', 'GET']);
    expect(await container.blobs()).toEqual(new Map([['2026/11/23.jsonl', textOf(records)]]));
  });

  it('writes a block behind what others wrote in its place', async () => {
    const container = await freshContainer();
    const records = chain(2);
    const { sink } = exportTo(container);
    await sink.send(records.slice(0, 1));
    const strange = canonicalJson(chain(1, 'As long as ours ..')[0]).slice(0, -1);
    await container.call('PUT', '/2026/11/23.jsonl?comp=appendblock', {}, strange);
    await sink.send(records.slice(1));

    expect((await container.blobs()).get('2026/11/23.jsonl')).toBe(
      `${textOf(records.slice(0, 1))}${strange}\n${textOf(records.slice(1))}`,
    );
  });

  it('writes a block that did not arrive', async () => {
    const container = await freshContainer();
    const { sink } = faultyExportTo(container, append, 'lose-request', 'lose-request');
    await sink.send(chain(3));

    expect(await container.blobs()).toEqual(new Map([['2026/11/23.jsonl', textOf(chain(3))]]));
  });

  it('makes a blob once', async () => {
    const container = await freshContainer();
    const { sink, calls } = faultyExportTo(container, create, 'lose-answer');
    await sink.send(chain(1));

    expect(calls).toEqual(['HEAD', 'PUT', 'PUT', 'HEAD', 'PUT ?comp=appendblock']);
    expect(await container.blobs()).toEqual(new Map([['2026/11/23.jsonl', textOf(chain(1))]]));
  });
});

describe('when it is refused, the audit export', () => {
  it('says which setting names a container that is not there', async () => {
    const container = await freshContainer();
    const { sink } = exportTo({ ...container, url: `${container.url}-mistyped` });

    await expect(sink.send(chain(1))).rejects.toThrow(
      /404 ContainerNotFound: there is no such container. SALLYPORT_AUDIT_EXPORT_CONTAINER names it/,
    );
  });

  it.each<[string, Fate, RegExp]>([
    ['a missing role', { status: 403, code: 'AuthorizationPermissionMismatch' }, /role of the template/],
    ['a network rule', { status: 403, code: 'AuthorizationFailure' }, /network rules keep it out/],
    [
      'a policy without appends',
      { status: 409, code: 'BlobImmutableDueToPolicy' },
      /allowProtectedAppendWrites/,
    ],
    ['a legal hold', { status: 409, code: 'BlobImmutableDueToLegalHold' }, /allowProtectedAppendWrites/],
    ['a strange token', { status: 401, code: 'InvalidAuthenticationInfo' }, /does not take the token/],
    ['an unknown refusal', { status: 409, code: 'AccountIsDisabled' }, /409 AccountIsDisabled/],
  ])('throws with what to do about %s, and stores the records later', async (_, fate, said) => {
    const container = await freshContainer();
    const { sink } = faultyExportTo(container, append, fate);

    await expect(sink.send(chain(2))).rejects.toThrow(said);
    await sink.send(chain(2));
    expect((await container.blobs()).get('2026/11/23.jsonl')).toBe(textOf(chain(2)));
  });

  it('takes what the policy or the role says of a blob that is there as that it is there', async () => {
    for (const fate of [
      { status: 409, code: 'BlobImmutableDueToPolicy' },
      { status: 403, code: 'UnauthorizedBlobOverwrite' },
    ]) {
      const container = await freshContainer();
      const racing = { ...container };
      const { sink } = exportTo(racing, {
        fateOf: (() => {
          const answers: Fate[] = [{ status: 404, code: 'BlobNotFound' }, fate];
          return () => answers.shift() ?? 'pass';
        })(),
      });
      await exportTo(container).sink.send(chain(1));
      await sink.send(chain(1));

      expect((await container.blobs()).get('2026/11/23.jsonl')).toBe(
        `${textOf(chain(1))}\n${textOf(chain(1))}`,
      );
    }
  });

  it('halves a block that is too large for the service, down to one record', async () => {
    const container = await freshContainer();
    const tooLarge = { status: 413, code: 'RequestBodyTooLarge' };
    const { sink } = faultyExportTo(container, append, tooLarge, tooLarge);
    await sink.send(chain(5));
    expect((await container.blobs()).get('2026/11/23.jsonl')?.split('\n').filter(Boolean)).toEqual(
      chain(5).map((record) => canonicalJson(record)),
    );

    const never = faultyExportTo(container, append, tooLarge, tooLarge, tooLarge, tooLarge);
    await expect(never.sink.send(chain(5))).rejects.toThrow(/no block as large as one record/);
  });

  it.each([429, 503])('tries again after %s when the service asked to wait a moment', async (status) => {
    const container = await freshContainer();
    const busy = { status, code: 'ServerBusy', retryAfter: 0 };
    const { sink } = faultyExportTo(container, append, busy, busy);
    await sink.send(chain(1));

    expect(await container.blobs()).toEqual(new Map([['2026/11/23.jsonl', textOf(chain(1))]]));
  });

  it('leaves the service alone as long as it asks for, and stores the records then', async () => {
    const container = await freshContainer();
    const busy = { status: 503, code: 'ServerBusy', retryAfter: 90 };
    const { sink, clock, calls } = faultyExportTo(container, append, busy);

    await expect(sink.send(chain(1))).rejects.toThrow(/503 ServerBusy: the service is busy/);
    const before = calls.length;
    clock.leap(60_000);
    await expect(sink.send(chain(1))).rejects.toThrow(/left alone for 30 s/);
    expect(calls).toHaveLength(before);
    clock.leap(30_000);
    await sink.send(chain(1));
    expect((await container.blobs()).get('2026/11/23.jsonl')).toBe(textOf(chain(1)));
  });

  it('gives up where others always write first', async () => {
    const container = await freshContainer();
    const moved: Fate = { status: 412, code: 'AppendPositionConditionNotMet' };
    const { sink } = faultyExportTo(container, append, ...Array.from({ length: 50 }, () => moved));

    await expect(sink.send(chain(1))).rejects.toThrow(/Others kept writing/);
  });
});
