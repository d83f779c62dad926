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
 * The rows of the table below a heading, as cells without code marks. Throws if there is no such heading or table: a test
 * that compares with nothing would pass for ever.
 */
export function tableBelow(text: string, heading: string): string[][] {
  const [, after] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const lines = (after ?? '').split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const length = lines.slice(first).findIndex((line) => !line.startsWith('|'));
  if (first < 0 || length < 3) throw new Error(`There is no table below the heading ${heading}.`);
  return lines.slice(first + 2, first + length).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** The text without blocks of code. */
export function prose(text: string): string {
  return text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '');
}
