import type { TableClient } from '@azure/data-tables';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import { filesBelow, read, tableBelow, tablesBelow } from './pages.ts';

const page = read('docs/operations.md');

describe('the settings', () => {
  const rows = tableBelow(page, 'Settings');
  const ofNeed = (...needs: string[]) =>
    Object.fromEntries(
      rows
        .filter(([, needed = '', value]) => needs.includes(needed) && value !== 'none')
        .map(([name = '', , value = '']) => [name, value]),
    );

  it('are those that the app reads', () => {
    const known = new Set(read('src/config.ts').match(/SALLYPORT_\w+/g));

    expect(rows.map(([name]) => name).sort()).toEqual([...known].sort());
  });

  it('suffice where they are said to be needed, and have the defaults that are named', () => {
    const needed = ofNeed('yes', 'either');

    expect(readConfig({ ...needed, ...ofNeed('no') })).toEqual(readConfig(needed));
  });

  it.each(Object.keys(ofNeed('yes', 'either')))('cannot do without %s', (name) => {
    expect(() => readConfig({ ...ofNeed('yes', 'either'), [name]: '' })).toThrow('SALLYPORT_');
  });
});

describe('the values of host.json', () => {
  it('are those of the file', () => {
    const documented = tableBelow(page, String.raw`host\.json`).map(([path, value]) => [path, value]);

    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(leavesOf(JSON.parse(read('host.json')))),
    );
  });
});

function leavesOf(value: unknown, path: string[] = []): [string, string][] {
  if (typeof value !== 'object' || value === null) {
    return [[path.join('.'), value === '' ? 'empty' : String(value)]];
  }
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

describe('the tables', () => {
  it('are those that the app uses', () => {
    const tables = Object.values(openTables({ connectionString: 'UseDevelopmentStorage=true' }));

    expect(tableBelow(page, 'On the tables').map(([name]) => name)).toEqual(
      tables.map(({ tableName }: TableClient) => tableName),
    );
  });
});

describe('the messages to alert on', () => {
  const calls = filesBelow('src').flatMap((path) => [
    ...read(path).matchAll(/\blog\.(?:error|warn)\(\s*(.)/g),
  ]);
  const messages = filesBelow('src').flatMap((path) =>
    [...read(path).matchAll(/\blog\.(error|warn)\(\s*'([^']+)'/g)].map(
      ([, level, message]) => `${message ?? ''} (${level === 'warn' ? 'warning' : 'error'})`,
    ),
  );

  it('can be read from the source, each being a plain text there', () => {
    expect(messages.length).toBeGreaterThan(0);
    expect(messages).toHaveLength(calls.length);
  });

  it('are those that the app logs as errors and warnings, each once and with what to do', () => {
    const rows = tablesBelow(page, 'What to alert on');
    const documented = rows.map(([message = '', level = '']) => `${message} (${level})`);

    expect(documented.sort()).toEqual([...new Set(messages)].sort());
    expect(rows.filter((cells) => cells.length !== 4 || cells.includes(''))).toEqual([]);
  });
});
