import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readExport } from '../../../scripts/readExport.ts';
import { createAuditExport } from '../../../src/adapters/blobs/auditExport.ts';
import { canonicalJson } from '../../../src/core/canonicalJson.ts';
import { chainRecord, type AuditRecord } from '../../../src/core/auditRecord.ts';
import { sampleRecord } from '../../contracts/samples.ts';
import { leapingClock } from '../arm/simulatedArm.ts';
import { faulty, useBlobService, type Container, type Fate } from './blobService.ts';

const service = useBlobService();

/** Also what ends a line for some readers, and what a broken reader makes of half a character. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('\n', '\r\n', '\u2028', '\u2029', '\u0085', '\ud83d', '😀', '"', '\\'),
  fc.integer({ min: 0, max: 3000 }).map((length) => 'ä'.repeat(length)),
);

const fates = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>('pass') },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Fate>(
      'lose-answer',
      'lose-request',
      { status: 503, code: 'ServerBusy', retryAfter: 0 },
      { status: 500, code: 'InternalError' },
      { status: 403, code: 'AuthorizationFailure' },
      { status: 413, code: 'RequestBodyTooLarge' },
      { status: 412, code: 'AppendPositionConditionNotMet' },
      { status: 409, code: 'BlockCountExceedsLimit' },
    ),
  },
);

/** Before which call somebody else with the same right leaves something, by the number of the call. */
const strangers = fc.dictionary(
  fc.integer({ min: 1, max: 30 }).map(String),
  fc.constantFrom('{"half":', '{"sequence":1}', 'no JSON', '{"whole":1}\n'),
  { maxKeys: 3 },
);

/** Strangers may hide each other. */
const strangeLine = /^(?:\{"half":|\{"sequence":1\}|no JSON|\{"whole":1\})+$/;

const sends = fc.array(
  fc.record({
    texts: fc.array(texts, { maxLength: 6 }),
    /** Which of three partitions. */
    partition: fc.constantFrom('a', 'b', 'c'),
    restarts: fc.boolean(),
    hours: fc.constantFrom(0, 0, 7),
  }),
  { minLength: 1, maxLength: 6 },
);

it('gives each record back at least once, in lines that can be read, whatever happens to the calls', async () => {
  await fc.assert(
    fc.asyncProperty(
      sends,
      fc.array(fates, { maxLength: 25 }),
      strangers,
      fc.integer({ min: 400, max: 5000 }),
      fc.integer({ min: 1, max: 4 }),
      async (given, mishaps, left, bytesPerBlock, blocksPerBlob) => {
        const container = await service.freshContainer();
        const clock = leapingClock(Date.parse('2026-11-23T12:00:00Z'));
        const ahead = [...mishaps];
        let call = 0;
        const httpClient = faulty(container.httpClient, async (request) => {
          call += 1;
          const text = left[call];
          if (text !== undefined) await leave(container, new URL(request.url).pathname, text);
          return ahead.shift() ?? 'pass';
        });
        const start = () =>
          createAuditExport({
            ...container,
            ...{ clock, httpClient },
            retryDelayMilliseconds: 1,
            limits: { bytesPerBlock, blocksPerBlob },
          });

        let sink = start();
        const sent: AuditRecord[] = [];
        for (const { texts: justifications, partition, restarts, hours } of given) {
          clock.leap(hours * 3_600_000);
          if (restarts) sink = start();
          const batch = continued(sent, partition, justifications);
          sent.push(...batch);
          await sendUntilStored(() => sink, batch, ahead);
        }

        const blobs = await container.blobs();
        const lines = [...blobs.values()].flatMap((text) => text.split('\n')).filter((line) => line !== '');
        const ours = lines.filter((line) => !strangeLine.test(line));
        const expected = new Set(sent.map((record) => canonicalJson(record)));
        expect(new Set(ours)).toEqual(expected);
        await expectReadBack(blobs, sent, lines.length - ours.length, ours.length);
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

/** The next records of a partition's chain. */
function continued(sent: readonly AuditRecord[], partition: string, justifications: string[]): AuditRecord[] {
  let last = sent.findLast((record) => record.partition === partition);
  return justifications.map((justification) => {
    last = chainRecord(sampleRecord(partition, '2026-11-23T08:00:00.000Z', { justification }), last);
    return last;
  });
}

/** As the run of every minute does: again, until it is stored. Nothing goes wrong any more when the fates are used up. */
async function sendUntilStored(
  sink: () => ReturnType<typeof createAuditExport>,
  batch: AuditRecord[],
  ahead: Fate[],
): Promise<void> {
  for (;;) {
    const failing = ahead.length > 0;
    try {
      await sink().send(batch);
      return;
    } catch (error) {
      if (!failing) throw error;
    }
  }
}

/** Somebody appends to the blob that is being called, if there is one. */
async function leave(container: Container, path: string, text: string): Promise<void> {
  const name = path.slice(new URL(container.url).pathname.length);
  await container.call('PUT', `${name}?comp=appendblock`, {}, text).catch(() => undefined);
}

/** What `audit:verify --export` reads of the downloaded blobs. */
async function expectReadBack(
  blobs: ReadonlyMap<string, string>,
  sent: readonly AuditRecord[],
  strange: number,
  ours: number,
): Promise<void> {
  if (blobs.size === 0) return;
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-export-'));
  try {
    for (const [name, text] of blobs) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const { partitions, unreadable, repeated } = await readExport(folder);
    const read = [...partitions].flatMap(([partition, records]) =>
      records.map(({ number, hash }) => `${partition} ${number} ${hash}`),
    );
    expect(read.sort()).toEqual(
      sent.map(({ partition, sequence, hash }) => `${partition} ${sequence} ${hash}`).sort(),
    );
    expect([unreadable.length, repeated]).toEqual([strange, ours - sent.length]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
