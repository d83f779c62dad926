import { UnreadableRowError } from '../../../src/core/stores.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  keyOf,
  parseRow,
  RowTooLargeError,
  textOf,
  toProperties,
} from '../../../src/adapters/tables/entity.ts';
import { vmId } from '../../contracts/samples.ts';

describe('keyOf', () => {
  it('is the same for ids that differ in case, and differs otherwise', () => {
    expect(keyOf(vmId('Web-1').toUpperCase())).toBe(keyOf(vmId('web-1').toLowerCase()));
    expect(keyOf(vmId('Web-1'))).not.toBe(keyOf(vmId('Web-2')));
    expect(keyOf(vmId('Web/#?\\1'))).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('toProperties and textOf', () => {
  it('return any text, of parts that a property can hold and that are whole UTF-16', () => {
    const piece = fc.constantFrom('x'.repeat(31_999), 'x'.repeat(16_000), '😀', 'é', '"', '\\', '1');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join('');
        const properties = toProperties('row', text);
        for (const part of Object.values(properties)) {
          expect(String(part).length).toBeLessThanOrEqual(32_768);
          expect(Buffer.from(String(part)).toString()).toBe(
            part === properties['parts'] ? String(part) : part,
          );
        }
        expect(textOf('row', properties)).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it('hold 900 KB and refuse one more, naming the row and its size', () => {
    const largest = 'x'.repeat(450 * 1024);
    expect(textOf('row', toProperties('row', largest))).toBe(largest);
    expect(() => toProperties('request abc', `${largest}x`)).toThrow(RowTooLargeError);
    expect(() => toProperties('request abc', `${largest}x`)).toThrow(/request abc takes 901 KB/);
  });

  it('refuse a row that lacks a part', () => {
    const { json1, ...rest } = toProperties('row', 'x'.repeat(70_000));
    expect(json1).toBeDefined();
    expect(() => textOf('request abc', rest)).toThrow(
      new UnreadableRowError('request abc lacks part 1 of 3.'),
    );
    expect(() => textOf('request abc', {})).toThrow(UnreadableRowError);
  });
});

describe('parseRow', () => {
  it('names the row that is no JSON, or not of its shape', () => {
    const schema = z.object({ a: z.string() });
    expect(parseRow('row 1', toProperties('', '{"a":"b"}'), schema)).toEqual({ a: 'b' });
    expect(() => parseRow('row 1', toProperties('', '{'), schema)).toThrow(
      /row 1 cannot be read: it is no JSON/,
    );
    expect(() => parseRow('row 1', toProperties('', '{"a":1}'), schema)).toThrow(
      /row 1 cannot be read.*string/s,
    );
  });
});
