import { describe, expect, it } from 'vitest';
import { read, tableBelow } from './pages.ts';

const page = read('docs/threat-model.md');
const headings = [
  'Callers',
  'What is granted',
  'The close',
  'What is kept and told',
  'What surrounds the app',
];
const rows = headings.flatMap((heading) => tableBelow(page, heading));
const promises = tableBelow(read('docs/architecture.md'), 'Promises').map(([name = '']) => name);

describe('the threat model', () => {
  it('says of each attack what it aims at, what stops it, and which test shows that', () => {
    const incomplete = rows.filter((cells) => {
      const [threat, , answer, shownBy = ''] = cells;
      const isShown = answer === 'none' || /\btest\/\S+\.ts\b/.test(shownBy);
      return cells.length !== 5 || !threat || !answer || !isShown;
    });

    expect(rows.length).toBeGreaterThan(60);
    expect(incomplete).toEqual([]);
  });

  it('says what remains where nothing stops it', () => {
    const open = rows.filter(([, , answer]) => answer === 'none');

    expect(open.map(([threat]) => threat)).toEqual(['code in the worker']);
    expect(open.filter(([, , , , remains = '']) => remains === '')).toEqual([]);
  });

  it('has an attack on each promise, and names none that there is not', () => {
    const aimedAt = new Set(rows.flatMap(([, promise = '']) => promise.split(', ')));

    expect(promises).toContain('I10');
    expect([...aimedAt].filter((name) => !['who', '–', ...promises].includes(name))).toEqual([]);
    expect(promises.filter((name) => !aimedAt.has(name))).toEqual([]);
  });
});
