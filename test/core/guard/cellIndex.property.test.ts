import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexCells } from '../../../src/core/guard/cellIndex.ts';
import { regionOf, touches, type Cell } from '../../../src/core/guard/region.ts';
import { spansOf } from '../../../src/core/guard/spans.ts';
import { countSteps } from '../../../src/core/guard/steps.ts';

const spans = (last: number) =>
  fc
    .array(fc.tuple(fc.nat(last), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 4 })
    .map((pairs) => spansOf(pairs.map(([from, length]) => [from, from + length])));
const bigSpans = (last: number) =>
  spans(last).map((borders) => borders.map((border) => BigInt(border) << 70n));
const cell = (addresses: (last: number) => fc.Arbitrary<Cell['source']>): fc.Arbitrary<Cell> =>
  fc.record({
    protocols: fc.integer({ min: 1, max: 3 }),
    source: addresses(400),
    sourcePort: fc.constant([0, 65536]),
    destination: addresses(40),
    destinationPort: spans(30),
    inside: fc.constantFrom(0n, 1n, 2n),
  });
const cases = fc.oneof(
  ...[spans, bigSpans].map((addresses) =>
    fc.tuple(fc.array(cell(addresses), { maxLength: 120 }), cell(addresses)),
  ),
);
const steps = () => countSteps(Infinity);

describe('the index of cells', () => {
  it('finds every cell that a region touches, each once and in order', () => {
    fc.assert(
      fc.property(cases, ([cells, region]) => {
        const near = indexCells(() => cells).near(region, steps());
        const met = (list: readonly Cell[]) =>
          list.filter((each) => touches(regionOf(region), each, steps()));
        expect(met(near)).toEqual(met(cells));
        expect(near).toEqual(cells.filter((each) => near.includes(each)));
      }),
      { numRuns: 300 },
    );
  });

  it('finds the first from a position on that passes a test', () => {
    fc.assert(
      fc.property(cases, fc.nat(120), ([cells, region], first) => {
        const isMet = (position: number) => touches(regionOf(region), cells[position] as Cell, steps());
        const expected = cells.findIndex((_, position) => position >= first && isMet(position));
        expect(indexCells(() => cells).find(region, first, steps(), isMet)).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves out most of the cells that a region does not touch', () => {
    const cells = Array.from({ length: 1000 }, (_, index): Cell => ({
      ...{ protocols: 1, sourcePort: [0, 65536], destinationPort: [22, 23], inside: 0n },
      source: [index, index + 1],
      destination: [index % 10, (index % 10) + 1],
    }));
    const index = indexCells(() => cells);
    for (const each of cells) expect(index.near(each, steps())).toEqual([each]);
  });
});
