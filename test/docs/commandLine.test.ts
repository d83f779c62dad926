import { describe, expect, it } from 'vitest';
import { commands } from '../../scripts/jit/runJit.ts';
import { exitCodes } from '../../scripts/jit/surroundings.ts';
import { read, tablesBelow } from './pages.ts';

const page = read('docs/command-line.md');
const rows = tablesBelow(page, 'The command line');
const firstWords = rows.map(([cell = '']) => cell.split(' ')[0] ?? '');

describe('docs/command-line.md', () => {
  it('lists every command with what follows its name', () => {
    const listed = rows.map(([cell = '']) => cell);

    for (const [name, { usage }] of Object.entries(commands)) {
      expect(listed).toContain(`${name} ${usage}`.trim());
    }
    const known = new Set([...Object.keys(commands), ...Object.values(exitCodes).map(String)]);
    expect(firstWords.filter((word) => !known.has(word) && !word.startsWith('SALLYPORT_'))).toEqual([]);
  });

  it('lists every exit code', () => {
    const listed = firstWords.filter((word) => /^\d$/.test(word)).map(Number);

    expect(listed).toEqual(Object.values(exitCodes));
  });

  it('names options that the commands have', () => {
    const options = new Set([
      ...Object.values(commands).flatMap((command) => Object.keys(command.options)),
      ...['url', 'scope', 'as', 'json', 'help'],
    ]);
    const named = [...page.matchAll(/--([a-z][a-z-]*)/g)].map(([, name = '']) => name);

    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !options.has(name))).toEqual([]);
  });
});
