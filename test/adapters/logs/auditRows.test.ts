import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerCall, bytesPerField, rowsOf, type AuditRow } from '../../../src/adapters/logs/auditRows.ts';
import { chainRecord, type AuditRecord } from '../../../src/core/auditRecord.ts';
import { requestId, sampleRecord } from '../../contracts/samples.ts';

const at = '2026-11-23T12:00:00.000Z';
const parsed = (bodies: readonly string[]) => bodies.flatMap((body) => JSON.parse(body) as AuditRow[]);

function recordWith(changes: Partial<AuditRecord>): AuditRecord {
  return chainRecord(sampleRecord(requestId('a'), at, changes), undefined);
}

describe('the rows of the audit copy', () => {
  it('are all there, in order, in bodies and fields that Azure takes whole', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 });
    const size = fc.constantFrom(1, 1, 1, 50, 400);
    const record = fc.record({ text, size, other: size }).map(({ text: word, size: times, other }) =>
      recordWith({
        justification: word.repeat(times),
        details: { changes: Array<string>(other).fill(word) },
      }),
    );
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), (records) => {
        const bodies = rowsOf(records);
        expect(bodies.filter((body) => Buffer.byteLength(body) > bytesPerCall)).toEqual([]);
        const rows = parsed(bodies);
        expect(rows.map(({ Hash }) => Hash)).toEqual(records.map(({ hash }) => hash));
        for (const { Record } of rows) {
          expect(Buffer.byteLength(JSON.stringify(Record))).toBeLessThanOrEqual(bytesPerField);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('hold the record as it is where it fits', () => {
    const record = recordWith({ details: { changes: ['x'.repeat(50_000)] } });

    expect(parsed(rowsOf([record]))[0]?.Record).toEqual(record);
  });

  it('leave out the longest members of a record that is too long, and say which', () => {
    const record = recordWith({
      justification: 'x'.repeat(50_000),
      details: { changes: ['y'.repeat(70_000)] },
    });

    const [row] = parsed(rowsOf([record]));
    delete record.details;

    expect(row?.Record).toEqual({ ...record, cut: ['details'] });
  });

  it('hold no half of a surrogate pair, which is no text', () => {
    const [row] = parsed(rowsOf([recordWith({ justification: 'a lone \ud800 half, a whole 😀' })]));

    expect(row?.Record).toMatchObject({ justification: 'a lone \ufffd half, a whole 😀' });
  });

  it('are none where there is no record', () => {
    expect(rowsOf([])).toEqual([]);
  });
});
