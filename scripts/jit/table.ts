import { stripVTControlCharacters } from 'node:util';
import { toPlainText } from '../../src/core/plainText.ts';

export interface Column {
  title: string;
  /** Is cut first where there is no room; others keep their width. */
  isFlexible?: true;
}

const gap = '  ';
const shortest = 8;
const longest = 10_000;

/** A table for people, as lines of at most `width` characters; without a width nothing is cut. */
export function table(columns: readonly Column[], rows: readonly string[][], width = Infinity): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(plain))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  let excess = widths.reduce((sum, each) => sum + each + gap.length, -gap.length) - width;
  while (excess > 0) {
    const widest = widestFlexible(columns, widths);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return cells
    .map((row) =>
      row
        .map((cell, index) => fit(cell, widths[index] ?? 0))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

/** `name  value` lines; long values go on below themselves. */
export function list(entries: readonly (readonly [name: string, value: string])[], width = Infinity): string {
  const indent = Math.max(...entries.map(([name]) => name.length)) + gap.length;
  return entries
    .map(([name, value]) =>
      wrap(plain(value), width - indent)
        .map((line, index) => `${(index === 0 ? name : '').padEnd(indent)}${line}`)
        .join('\n'),
    )
    .join('\n');
}

/** What others wrote must not speak to the terminal. */
export function plain(text: string): string {
  return toPlainText(stripVTControlCharacters(text), longest);
}

function widestFlexible(columns: readonly Column[], widths: readonly number[]): number | undefined {
  const flexible = widths
    .map((width, index) => ({ width, index }))
    .filter(({ width, index }) => columns[index]?.isFlexible === true && width > shortest);
  return flexible.sort((a, b) => b.width - a.width)[0]?.index;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text.padEnd(width);
}

function wrap(text: string, width: number): string[] {
  if (text.length <= width || width < 20) return [text];
  const space = text.lastIndexOf(' ', width);
  const at = space > 0 ? space : width;
  return [text.slice(0, at), ...wrap(text.slice(at).trimStart(), width)];
}
