import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash } from '../../src/core/canonicalJson.ts';
import { chainRecord, type AuditRecord } from '../../src/core/auditRecord.ts';
import { chainSeal, type Seal } from '../../src/core/seal.ts';
import {
  attestationsOf,
  sealedCount,
  verifySealed,
  verifySeals,
  type Anchor,
} from '../../src/core/verifySeals.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { sampleRecord } from '../contracts/samples.ts';
import { sampleSeals } from '../contracts/seals.ts';

/** What the storage's owner can write to: records by partition, in the order of their keys, and seals. */
interface Storage {
  partitions: Record<string, AuditRecord[]>;
  seals: Seal[];
}

const events = ['request.opening', 'request.active', 'request.closing', 'request.closed'];
const at = '2026-11-23T12:00:00.000Z';

function chainOf(partition: string, count: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  while (records.length < count) {
    const event =
      records.length === count - 1 ? 'request.closed' : (events[records.length] ?? 'request.active');
    records.push(chainRecord({ ...sampleRecord(partition, at), event }, records.at(-1)));
  }
  return records;
}

/** Partitions with so many records each, so many of them named by each seal. */
function storageOf(counts: readonly number[], perSeal: number): Storage {
  const partitions = Object.fromEntries(
    counts.map((count, index) => [`p${index}`, chainOf(`p${index}`, count)]),
  );
  const seals: Seal[] = [];
  const all = Object.entries(partitions);
  for (let first = 0; first < all.length; first += perSeal) {
    const sealed = all.slice(first, first + perSeal).map(([partition, records]) => ({
      partition,
      count: records.length,
      headHash: records.at(-1)?.hash ?? '',
    }));
    seals.push(chainSeal({ at, sealed, indexedUpTo: at }, seals.at(-1)));
  }
  return { partitions, seals };
}

function verifyAll({ partitions, seals }: Storage, anchors: readonly Anchor[]) {
  const attestations = attestationsOf(seals);
  const names = new Set([...Object.keys(partitions), ...attestations.keys()]);
  return [
    ...verifySeals(seals, anchors),
    ...[...names].flatMap((name) => {
      const records = partitions[name] ?? [];
      return [...verifyTrail(name, records), ...verifySealed(name, records, attestations.get(name) ?? [])];
    }),
  ];
}

function anchorOf(seal: Seal | undefined): Anchor {
  if (seal === undefined) throw new Error('There is no such seal.');
  return { number: seal.number, hash: seal.hash };
}

function faults(seals: Seal[], anchors: Anchor[] = []) {
  return verifySeals(seals, anchors).map(({ seal, fault }) => [seal, fault]);
}

function element<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`Nothing at ${index}.`);
  return found;
}

function resealed(seal: Seal, changes: Partial<Seal>): Seal {
  const changed = { ...seal, ...changes };
  return { ...changed, hash: contentHash(changed) };
}

describe('verifySeals', () => {
  it('finds nothing in a chain as it was written, with any of its anchors', () => {
    const seals = sampleSeals(4);
    expect(faults([])).toEqual([]);
    expect(faults(seals)).toEqual([]);
    expect(faults(seals, seals.map(anchorOf))).toEqual([]);
  });

  it('finds a changed, a replaced and a missing seal, and those that changed places', () => {
    const seals = sampleSeals(4);
    const second = element(seals, 1);
    expect(faults(seals.with(1, { ...second, sealed: [] }))).toEqual([[2, 'changed']]);
    expect(faults(seals.with(1, resealed(second, { sealed: [] })))).toEqual([[3, 'broken-chain']]);
    expect(faults(seals.toSpliced(1, 2))).toEqual([[2, 'missing']]);
    expect(faults(seals.toSpliced(1, 0, second))).toEqual([[2, 'duplicate']]);
    expect(faults([element(seals, 1), element(seals, 0), ...seals.slice(2)])).toEqual([
      [1, 'missing'],
      [1, 'misplaced'],
    ]);
  });

  it('cannot see without an anchor that the end was cut or the chain written anew, and sees it with one', () => {
    const seals = sampleSeals(4);
    const anchor = anchorOf(seals[2]);
    const anew = sampleSeals(4, 'other');
    expect(faults(seals.slice(0, 2))).toEqual([]);
    expect(faults(anew)).toEqual([]);
    expect(faults(seals.slice(0, 2), [anchor])).toEqual([[3, 'missing']]);
    expect(faults(anew, [anchor])).toEqual([[3, 'contradicts-anchor']]);
    expect(faults([], [anchor])).toEqual([[3, 'missing']]);
  });

  it('cannot see with an old anchor that later seals were written anew, and sees it with all', () => {
    const seals = sampleSeals(4);
    const anew = [...seals.slice(0, 3), resealed(element(seals, 3), { sealed: [] })];
    expect(faults(anew, [anchorOf(seals[1])])).toEqual([]);
    expect(faults(anew, seals.map(anchorOf))).toEqual([[4, 'contradicts-anchor']]);
  });
});

describe('verifySealed', () => {
  const records = chainOf('a', 4);
  const attestations = [{ seal: 7, count: 4, headHash: element(records, 3).hash }];
  const found = (present: AuditRecord[]) =>
    verifySealed('a', present, attestations).map(({ sequence, fault }) => [sequence, fault]);

  it('finds nothing in what was sealed', () => {
    expect(found(records)).toEqual([]);
    expect(verifySealed('a', [], [{ seal: 1, count: 0, headHash: '' }])).toEqual([]);
  });

  it('finds a cut end and a partition that is gone, and names the seal', () => {
    expect(found(records.slice(0, 2))).toEqual([[3, 'contradicts-seal']]);
    expect(found([])).toEqual([[1, 'contradicts-seal']]);
    expect(verifySealed('a', [], attestations)[0]?.message).toBe(
      'Records 1 to 4 are missing: seal 7 names 4.',
    );
  });

  it('finds records that were all written anew', () => {
    const anew = chainOf('a', 4).slice(0, 0);
    for (const record of records) anew.push(chainRecord({ ...record, actor: 'nobody' }, anew.at(-1)));
    expect(verifyTrail('a', anew)).toEqual([]);
    expect(found(anew)).toEqual([[4, 'contradicts-seal']]);
  });

  it('finds a record that was added after the end of a request', () => {
    const added = chainRecord({ ...sampleRecord('a', at), event: 'request.active' }, records.at(-1));
    expect(found([...records, added])).toEqual([[5, 'contradicts-seal']]);
  });

  it('lets a partition grow that has not ended', () => {
    const day = [1, 2, 3].reduce<AuditRecord[]>(
      (chain) => [
        ...chain,
        chainRecord({ ...sampleRecord('d', at), event: 'unauthenticated' }, chain.at(-1)),
      ],
      [],
    );
    expect(verifySealed('d', day, [{ seal: 1, count: 2, headHash: element(day, 1).hash }])).toEqual([]);
  });

  it('counts what seals up to a number cover, and what they repeat once', () => {
    const [first, second] = sampleSeals(2);
    if (first === undefined || second === undefined) throw new Error('No samples.');
    const again = chainSeal({ ...second, sealed: first.sealed }, second);
    const ofFirst = attestationsOf([first, second, again]).get(element(first.sealed, 0).partition) ?? [];
    expect(ofFirst).toEqual([{ seal: 1, count: 1, headHash: 'a'.repeat(64) }]);
    expect([0, 1, 3].map((upTo) => sealedCount(ofFirst, upTo))).toEqual([0, 1, 1]);
  });
});

describe('any single change', () => {
  const storages = fc
    .tuple(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 3 }),
    )
    .map(([counts, perSeal]) => storageOf(counts, perSeal));

  it('of any record is found with the newest anchor, whoever makes its hash fit', () => {
    fc.assert(
      fc.property(
        storages,
        fc.nat(),
        fc.nat(),
        fc.constantFrom(...recordChanges),
        (storage, a, b, change) => {
          const names = Object.keys(storage.partitions);
          const name = element(names, a % names.length);
          const records = storage.partitions[name] ?? [];
          const changed = change(records, b % records.length);
          fc.pre(JSON.stringify(changed) !== JSON.stringify(records));
          const after = { ...storage, partitions: { ...storage.partitions, [name]: changed } };
          const anchors = [anchorOf(storage.seals.at(-1))];
          expect(verifyAll(storage, anchors)).toEqual([]);
          expect(verifyAll(after, anchors)).not.toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of any seal is found with the newest anchor, whoever makes its hash fit', () => {
    fc.assert(
      fc.property(storages, fc.nat(), fc.constantFrom(...sealChanges), (storage, a, change) => {
        const changed = change(storage.seals, a % storage.seals.length);
        fc.pre(JSON.stringify(changed) !== JSON.stringify(storage.seals));
        const anchors = [anchorOf(storage.seals.at(-1))];
        expect(verifyAll({ ...storage, seals: changed }, anchors)).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('with everything after it made to fit is found with the newest anchor, and not without', () => {
    fc.assert(
      fc.property(storages, fc.nat(), (storage, a) => {
        const names = Object.keys(storage.partitions);
        const victim = element(names, a % names.length);
        const partitions = {
          ...storage.partitions,
          [victim]: (storage.partitions[victim] ?? []).slice(0, -1),
        };
        const seals: Seal[] = [];
        for (const seal of storage.seals) {
          const sealed = seal.sealed.map(({ partition }) => ({
            partition,
            count: partitions[partition]?.length ?? 0,
            headHash: partitions[partition]?.at(-1)?.hash ?? '',
          }));
          seals.push(chainSeal({ ...seal, sealed }, seals.at(-1)));
        }
        expect(verifyAll({ partitions, seals }, [])).toEqual([]);
        expect(verifyAll({ partitions, seals }, [anchorOf(storage.seals.at(-1))])).not.toEqual([]);
      }),
    );
  });
});

type Change<T> = (list: T[], index: number) => T[];

/** Changes to a list: one element changed, with its hash or without, removed, doubled, or moved. */
function changesOf<T extends { hash: string }>(
  fields: ((item: T) => Partial<T>)[],
  rehash: (item: T) => T,
): Change<T>[] {
  return [
    ...fields.flatMap((field): Change<T>[] => [
      (list, index) => list.with(index, { ...element(list, index), ...field(element(list, index)) }),
      (list, index) => list.with(index, rehash({ ...element(list, index), ...field(element(list, index)) })),
    ]),
    (list, index) => list.toSpliced(index, 1),
    (list, index) => list.slice(0, index),
    (list, index) => list.slice(index + 1),
    (list, index) => list.toSpliced(index, 0, element(list, index)),
    (list, index) => [...list.toSpliced(index, 1), element(list, index)],
    (list, index) => [element(list, index), ...list.toSpliced(index, 1)],
    () => [],
  ];
}

const recordChanges: Change<AuditRecord>[] = [
  ...changesOf<AuditRecord>(
    [
      () => ({ event: 'x' }),
      () => ({ at: 'x' }),
      () => ({ actor: 'x' }),
      () => ({ partition: 'p0x' }),
      ({ sequence }) => ({ sequence: sequence + 1 }),
      () => ({ requester: { objectId: 'x', displayName: 'x' } }),
      () => ({ virtualMachines: [] }),
      () => ({ networkSecurityGroups: [] }),
      () => ({ from: 'x' }),
      () => ({ until: 'x' }),
      () => ({ justification: 'x' }),
      () => ({ reasons: [{ code: 'ended', message: 'x' }] }),
      () => ({ correlationId: 'x' }),
      () => ({ details: { count: 1 } }),
      () => ({ previousHash: 'x' }),
    ],
    (record) => ({ ...record, hash: contentHash(record) }),
  ),
  (list, index) => list.with(index, { ...element(list, index), hash: 'x' }),
  (list) => [...list, chainRecord(sampleRecord(element(list, 0).partition, at), list.at(-1))],
];

const sealChanges: Change<Seal>[] = [
  ...changesOf<Seal>(
    [
      () => ({ at: 'x' }),
      ({ number }) => ({ number: number + 1 }),
      () => ({ sealed: [] }),
      ({ sealed }) => ({ sealed: sealed.map((each) => ({ ...each, count: each.count - 1 })) }),
      ({ sealed }) => ({ sealed: sealed.map((each) => ({ ...each, headHash: 'x' })) }),
      ({ sealed }) => ({ sealed: sealed.map((each) => ({ ...each, partition: 'x' })) }),
      () => ({ indexedUpTo: 'x' }),
      () => ({ previousHash: 'x' }),
    ],
    (seal) => ({ ...seal, hash: contentHash(seal) }),
  ),
  (list, index) => list.with(index, { ...element(list, index), hash: 'x' }),
];
