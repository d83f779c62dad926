import { lines } from './region.ts';
import type { Cell } from './region.ts';
import { firstBorderAfter } from './spans.ts';
import type { Spans } from './spans.ts';
import type { Steps } from './steps.ts';

/** Finds the cells of a list that a region may touch, without comparing it with each of them. */
export interface CellIndex {
  /**
   * The first position from `first` on that passes the test, or -1. Asks it, in rising order, of every cell that the
   * region touches, and perhaps of more.
   */
  find(region: Cell, first: number, steps: Steps, test: (position: number) => boolean): number;
  /** Every cell that the region touches, and perhaps more, in their order. */
  near(region: Cell, steps: Steps): Cell[];
}

/** A region that spans more pieces of a line than this is not looked up there: any cell may be near. */
const widest = 64;

/**
 * Cuts each line at every border of every cell, and notes for each piece as one row of bits which cells cover it. A
 * cell that a region touches covers a piece of each line that the region covers too; the rows are put together by `or`
 * along a line and by `and` across the lines. (The bit vectors of Lakshman and Stiliadis, 1998.) Made when it is first
 * asked for: many lists never are.
 */
export function indexCells(cellsOf: () => readonly Cell[]): CellIndex {
  let made: { cells: readonly Cell[]; words: number; pieces: Pieces[] } | undefined;
  const find: CellIndex['find'] = (region, first, steps, test) => {
    made ??= make(cellsOf());
    const { cells, words, pieces } = made;
    // A look-up weighs as much as a cut, and for each 64 cells as much as a comparison.
    steps.take(8 + words / 2);
    const looked = pieces.flatMap((each) => lookUp(each, region[each.line]) ?? []);
    return firstIn(looked, words, first, (position) => position < cells.length && test(position));
  };
  return {
    find,
    near: (region, steps) => {
      const found: Cell[] = [];
      made ??= make(cellsOf());
      const { cells } = made;
      find(region, 0, steps, (position) => {
        const cell = cells[position];
        if (cell !== undefined) found.push(cell);
        return false;
      });
      return found;
    },
  };
}

/** One line in pieces: each reaches from its border to the next. */
interface Pieces {
  line: (typeof lines)[number];
  borders: Spans;
  /** One after the other the rows of bits, one for each border. */
  rows: Uint32Array;
}

function make(cells: readonly Cell[]) {
  const words = Math.ceil(cells.length / 32);
  return { cells, words, pieces: lines.map((line) => piecesOf(line, cells, words)) };
}

function piecesOf(line: Pieces['line'], cells: readonly Cell[], words: number): Pieces {
  const sets = cells.map((cell) => cell[line]);
  const borders = rising(new Set(sets.flat()));
  const places = new Map(borders.map((border, place) => [border, place]));
  // Each span changes the row at its two borders; what covers a piece is what was changed up to it.
  const rows = new Uint32Array(borders.length * words);
  sets.forEach((spans, cell) => {
    for (const border of spans) {
      const at = (places.get(border) ?? 0) * words + (cell >>> 5);
      rows[at] = (rows[at] ?? 0) ^ (1 << (cell & 31));
    }
  });
  for (let at = words; at < rows.length; at++) rows[at] = (rows[at] ?? 0) ^ (rows[at - words] ?? 0);
  return { line, borders, rows };
}

/** Numbers are sorted without a function, which takes a tenth of the time; lines of IPv6 hold bigints. */
function rising(borders: ReadonlySet<number | bigint>): Spans {
  const numbers: number[] = [];
  for (const border of borders) if (typeof border === 'number') numbers.push(border);
  return numbers.length === borders.size
    ? [...Float64Array.from(numbers).sort()]
    : [...borders].sort((a, b) => (a < b ? -1 : 1));
}

interface Found {
  rows: Uint32Array;
  /** The pieces that some spans cover. */
  covered: number[];
}

/** Undefined where too much is covered to be worth looking at: any cell may be near. */
function lookUp({ borders, rows }: Pieces, spans: Spans): Found | undefined {
  const covered: number[] = [];
  for (let index = 0; index < spans.length; index += 2) {
    const to = spans[index + 1] ?? 0;
    const first = Math.max(0, firstBorderAfter(borders, spans[index] ?? 0) - 1);
    for (let piece = first; piece < borders.length - 1; piece++) {
      const start = borders[piece];
      if (start === undefined || start >= to) break;
      covered.push(piece);
      if (covered.length > widest) return undefined;
    }
  }
  return { rows, covered };
}

/** The first position from `first` on whose bit is set on every line that was looked up, and that passes the test. */
function firstIn(looked: Found[], words: number, first: number, test: (position: number) => boolean): number {
  for (let word = first >>> 5; word < words; word++) {
    let bits = word === first >>> 5 ? -1 << (first & 31) : -1;
    for (const { rows, covered } of looked) {
      let line = 0;
      for (const piece of covered) line |= rows[piece * words + word] ?? 0;
      bits &= line;
    }
    for (; bits !== 0; bits &= bits - 1) {
      const position = word * 32 + (31 - Math.clz32(bits & -bits));
      if (test(position)) return position;
    }
  }
  return -1;
}
