import { describe, expect, it } from 'vitest';
import { contentHash } from '../../src/core/canonicalJson.ts';
import { chainRecord, type AuditRecord } from '../../src/core/auditRecord.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { alice, bob, endedRequest, sampleRecord } from '../contracts/samples.ts';

const partition = 'a';

/** A chain of one record per journal entry of an ended request. */
function trail(): {
  records: AuditRecord[];
  witness: { recorded: number; journal: ReturnType<typeof journal> };
} {
  const records: AuditRecord[] = [];
  for (const entry of journal()) {
    const record = {
      ...sampleRecord(partition, entry.at),
      event: `request.${entry.event}`,
      actor: entry.actor,
      reasons: entry.reasons,
    };
    records.push(chainRecord(record, records.at(-1)));
  }
  return { records, witness: { recorded: records.length, journal: journal() } };
}

function journal() {
  return endedRequest('a').journal;
}

/** As somebody does who knows how the hash is made. */
function forge(record: AuditRecord, changes: Partial<AuditRecord>): AuditRecord {
  const changed = { ...record, ...changes };
  return { ...changed, hash: contentHash(changed) };
}

function faults(records: AuditRecord[], witness?: Parameters<typeof verifyTrail>[2]) {
  return verifyTrail(partition, records, witness).map(({ sequence, fault }) => [sequence, fault]);
}

function at<T>(list: T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`Nothing at ${index}.`);
  return found;
}

describe('verifyTrail', () => {
  it('finds nothing in a trail as it was written, nor in an empty one', () => {
    const { records, witness } = trail();
    expect(faults(records)).toEqual([]);
    expect(faults(records, witness)).toEqual([]);
    expect(faults([])).toEqual([]);
  });

  it.each([0, 1, 2, 3])('finds a change to record %i of four by its hash', (index) => {
    const { records } = trail();
    const changed = records.with(index, { ...at(records, index), actor: bob });
    expect(faults(changed)).toEqual([[index + 1, 'changed']]);
  });

  it('finds a change to each field of a record', () => {
    const { records } = trail();
    const changes: Partial<AuditRecord>[] = [
      { event: 'x' },
      { at: 'x' },
      { actor: 'x' },
      { requester: { objectId: bob, displayName: 'Alice' } },
      { virtualMachines: [] },
      { networkSecurityGroups: ['x'] },
      { from: 'x' },
      { until: 'x' },
      { justification: 'x' },
      { reasons: [] },
      { correlationId: 'x' },
      { details: { count: 1 } },
      { previousHash: 'x' },
    ];
    for (const change of changes) {
      const found = faults(records.with(2, { ...at(records, 2), ...change }));
      expect(found[0], JSON.stringify(change)).toEqual([3, 'changed']);
    }
  });

  it('finds a record whose hash was made to fit by the record after it', () => {
    const { records } = trail();
    expect(faults(records.with(1, forge(at(records, 1), { actor: bob })))).toEqual([[3, 'broken-chain']]);
  });

  it('finds a last record that tells other changes, or another caller, than the journal', () => {
    const { records, witness } = trail();
    const told = { changes: ['nsg-web: 203.0.113.7 can now reach 10.1.0.4 on Tcp 22.'] };
    const correlationId = 'b0b00000-0000-4000-8000-000000000000';
    const last = { ...at(witness.journal, 3), ...told, correlationId };
    const journal = witness.journal.with(3, last);
    const found = (changes: Partial<AuditRecord>) =>
      faults(records.with(3, forge(at(records, 3), changes)), { ...witness, journal });
    expect(found({ details: told, correlationId })).toEqual([]);
    expect(found({ details: { ...told, observedAt: '2026-11-23T12:00:00.000Z' }, correlationId })).toEqual(
      [],
    );
    expect(found({ correlationId })).toEqual([[4, 'contradicts-request']]);
    expect(found({ details: { changes: ['nothing'] }, correlationId })).toEqual([[4, 'contradicts-request']]);
    expect(found({ details: told })).toEqual([[4, 'contradicts-request']]);
  });

  it('finds a missing first record and a missing one in the middle', () => {
    const { records } = trail();
    expect(faults(records.toSpliced(0, 1))).toEqual([[1, 'missing']]);
    expect(faults(records.toSpliced(1, 2))).toEqual([[2, 'missing']]);
  });

  it('finds records that were renumbered to close a gap', () => {
    const { records } = trail();
    const closed = records.toSpliced(1, 1).map((record, index) => forge(record, { sequence: index + 1 }));
    expect(faults(closed)).toEqual([
      [2, 'broken-chain'],
      [3, 'broken-chain'],
    ]);
  });

  it('finds a record that is there twice', () => {
    const { records } = trail();
    expect(faults(records.toSpliced(2, 0, at(records, 1)))).toEqual([[2, 'duplicate']]);
  });

  it('finds records that changed places', () => {
    const { records } = trail();
    const swapped = [at(records, 0), at(records, 2), at(records, 1), at(records, 3)];
    expect(faults(swapped)).toEqual([
      [2, 'missing'],
      [2, 'misplaced'],
    ]);
  });

  it('finds a record of another partition', () => {
    const stranger = chainRecord(sampleRecord('b', '2026-11-23T08:00:00.000Z'), undefined);
    expect(faults([stranger])).toEqual([[1, 'misplaced']]);
  });

  it('cannot see without a witness that the end was cut off, and sees it with one', () => {
    const { records, witness } = trail();
    const cut = records.slice(0, 2);
    expect(faults(cut)).toEqual([]);
    expect(faults(cut, witness)).toEqual([[3, 'missing']]);
    expect(verifyTrail(partition, cut, witness)[0]?.message).toContain('Records 3 to 4 are missing');
  });

  it('finds a wholly lost partition by its witness', () => {
    expect(faults([], trail().witness)).toEqual([[1, 'missing']]);
  });

  it('does not miss records that the row did not know to be written yet', () => {
    const { records, witness } = trail();
    expect(faults(records.slice(0, 2), { ...witness, recorded: 2 })).toEqual([]);
  });

  it('finds a last record that was rewritten together with its hash by the journal', () => {
    const { records, witness } = trail();
    const forged = records.with(3, forge(at(records, 3), { actor: alice }));
    expect(faults(forged)).toEqual([]);
    expect(faults(forged, witness)).toEqual([[4, 'contradicts-request']]);
  });

  it('finds a record that was appended with a fitting chain by the journal', () => {
    const { records, witness } = trail();
    const invented = chainRecord(sampleRecord(partition, '2026-11-23T10:00:00.000Z'), records.at(-1));
    expect(faults([...records, invented], witness)).toEqual([[5, 'contradicts-request']]);
  });
});
