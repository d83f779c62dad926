import { describe, expect, it } from 'vitest';
import { filesBelow, read, tableBelow } from '../docs/pages.ts';
import { problemsOf } from './kusto.ts';

const queriesIn = (folder: string) => filesBelow(folder).map((path) => ({ path, query: read(path) }));
const queries = queriesIn('infra/alerts');
const forLooking = queriesIn('infra/queries');

/** The messages that a query compares the traces with. */
function messagesIn(query: string): string[] {
  const texts = [...query.matchAll(/startswith '([^']+) \{'/g)].map(([, text = '']) => text);
  const [, list = ''] = /What in \(([^)]+)\)/.exec(query) ?? [];
  return [...texts, ...[...list.matchAll(/'([^']+)'/g)].map(([, text = '']) => text)];
}

const messagesOf = (heading: string) =>
  tableBelow(read('docs/operations.md'), heading).map(([message = '']) => message.replaceAll('`', ''));

describe('the queries of the alerts, and those for looking', () => {
  it.each([...queries, ...forLooking])(
    '$path says first what it finds, and is understood by the parser of Kusto',
    ({ query }) => {
      expect(query).toMatch(/^\/\/ [A-Z].+\.\n/);
      expect(problemsOf(query)).toEqual([]);
    },
  );

  it('would be refused with a column, a table or a function that there is not', () => {
    expect(problemsOf("AppTraces | where Mesage == ''").join()).toContain('KS142');
    expect(problemsOf('AppTrace | count').join()).toContain('KS204');
    expect(problemsOf('AppTraces | extend x = parse_jason(Message)').join()).toContain('KS211');
  });

  it('ask for messages that the operators are told of, and for no other', () => {
    const known = [
      ...['Wake somebody', 'Look at the tables', 'Look at Azure, and at the rights of the identity'],
      ...['Find out who did it', 'Watch whether it stays'],
    ].flatMap(messagesOf);
    const asked = queries.flatMap(({ query }) => messagesIn(query)).filter((message) => message !== 'sweep');

    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((message) => !known.includes(message))).toEqual([]);
  });

  it('ask for messages that the app logs, where they are for looking', () => {
    const logged = filesBelow('src').flatMap((path) =>
      [...read(path).matchAll(/\blog\.\w+\(\s*'([^']+)'/g)].map(([, message = '']) => message),
    );
    const asked = forLooking.flatMap(({ query }) => messagesIn(query));

    expect(asked).toContain('nsg-write');
    expect(asked.filter((message) => !logged.includes(message))).toEqual([]);
  });

  it('are all told of on the page for operators', () => {
    const page = read('docs/operations.md');

    const paths = forLooking.map(({ path }) => path);
    expect(paths).not.toEqual([]);
    expect(paths.filter((path) => !page.includes(`(../${path})`))).toEqual([]);
  });

  it('ring for everything that is to wake somebody', () => {
    const asked = queries.flatMap(({ query }) => messagesIn(query));

    expect(messagesOf('Wake somebody').filter((message) => !asked.includes(message))).toEqual([]);
    expect(messagesOf('Wake somebody')).not.toEqual([]);
  });
});
