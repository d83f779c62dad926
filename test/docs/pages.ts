import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every page of the documentation, by its path from the root, with its text. */
export function pages(): { path: string; text: string }[] {
  const found = filesBelow('docs').filter((path) => path.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...found].map((path) => ({
    path,
    text: read(path),
  }));
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Paths from the root, with slashes. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

/**
 * The rows of the first table below a heading, as cells without code marks. Throws if there is no such heading or table: a
 * test that compares with nothing would pass for ever.
 */
export function tableBelow(text: string, heading: string): string[][] {
  const [first] = tablesIn(sectionOf(text, heading));
  if (first === undefined) throw new Error(`There is no table below the heading ${heading}.`);
  return first;
}

/** The rows of all tables below a heading and its subheadings, in the same way. */
export function tablesBelow(text: string, heading: string): string[][] {
  const [, level = ''] = new RegExp(`^(#+) ${heading}$`, 'm').exec(text) ?? [];
  const [section = ''] = sectionOf(text, heading).split(new RegExp(`^#{1,${level.length}} `, 'm'));
  const rows = tablesIn(section).flat();
  if (rows.length === 0) throw new Error(`There is no table below the heading ${heading}.`);
  return rows;
}

function sectionOf(text: string, heading: string): string {
  return text.split(new RegExp(`^#+ ${heading}$`, 'm'))[1] ?? '';
}

function tablesIn(text: string): string[][][] {
  return [...text.matchAll(/^(?:\|.*\n){3,}/gm)].map(([table]) =>
    table
      .trimEnd()
      .split('\n')
      .slice(2)
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', '')),
      ),
  );
}

/** The text without blocks of code. */
export function prose(text: string): string {
  return text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '');
}
