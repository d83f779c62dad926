/**
 * A set of whole numbers on one line, as its borders: from (included), to (not included), from, to … rising, no two
 * alike. One set holds numbers or bigints, never both.
 */
export type Spans = readonly (number | bigint)[];

/** The set of these pairs of borders, in any order and overlapping as they like. */
export function spansOf(pairs: (readonly [from: number | bigint, to: number | bigint])[]): Spans {
  const borders: (number | bigint)[] = [];
  for (const [from, to] of [...pairs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    const last = borders.at(-1);
    if (last === undefined || last < from) borders.push(from, to);
    else if (last < to) borders[borders.length - 1] = to;
  }
  return borders;
}

/** What is in both. */
export function common(a: Spans, b: Spans): Spans {
  return combine(a, b, (inA, inB) => inA && inB);
}

/** What is in the first and not in the second. */
export function difference(a: Spans, b: Spans): Spans {
  return combine(a, b, (inA, inB) => inA && !inB);
}

/** Whether anything is in both. */
export function overlap(a: Spans, b: Spans): boolean {
  const fromA = a[0];
  const toA = a[1];
  const fromB = b[0];
  const toB = b[1];
  if (fromA === undefined || toA === undefined || fromB === undefined || toB === undefined) return false;
  // Most sets are one span: most comparisons end here.
  if (a.length === 2 && b.length === 2) return fromA < toB && fromB < toA;
  const [few, many] = a.length <= b.length ? [a, b] : [b, a];
  for (let index = 0; index < few.length; index += 2) {
    const from = few[index];
    const to = few[index + 1];
    if (from === undefined || to === undefined) break;
    const next = firstBorderAfter(many, from);
    const border = many[next];
    // An odd number of borders before it: inside of a span.
    if (next % 2 === 1 || (border !== undefined && border < to)) return true;
  }
  return false;
}

/** Index of the first border greater than the value. */
export function firstBorderAfter(borders: Spans, value: number | bigint): number {
  let low = 0;
  let high = borders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const border = borders[middle];
    if (border !== undefined && border <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Walks the borders of both; an odd count of borders passed means inside. */
function combine(a: Spans, b: Spans, keep: (inA: boolean, inB: boolean) => boolean): Spans {
  const borders: (number | bigint)[] = [];
  let inside = false;
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const x = a[i];
    const y = b[j];
    const border = y === undefined || (x !== undefined && x < y) ? x : y;
    if (border === undefined) break;
    if (x === border) i++;
    if (y === border) j++;
    if (keep(i % 2 === 1, j % 2 === 1) === inside) continue;
    inside = !inside;
    borders.push(border);
  }
  return borders;
}
