import { describe, expect, it } from 'vitest';
import { reasonCodes, type ReasonCode } from '../../src/core/reason.ts';
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

/** What the app logs at these levels, as an expression. */
const loggedBy = (levels: string) =>
  filesBelow('src').flatMap((path) =>
    [...read(path).matchAll(new RegExp(`\\blog\\.${levels}\\(\\s*'([^']+)'`, 'g'))].map(
      ([, message = '']) => message,
    ),
  );

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
      ...['Lines at the level Information'],
    ].flatMap(messagesOf);
    const asked = queries.flatMap(({ query }) => messagesIn(query));

    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((message) => !known.includes(message))).toEqual([]);
  });

  it('ask for messages that the app logs, where they are for looking', () => {
    const logged = loggedBy('\\w+');
    const asked = forLooking.flatMap(({ query }) => messagesIn(query));

    expect(asked).toContain('nsg-write');
    expect(asked.filter((message) => !logged.includes(message))).toEqual([]);
  });

  it('ring for every reason to refuse that is not for the asker, the policy or the network to cure', () => {
    const [, list = ''] = /Code in \(([^)]+)\)/.exec(read('infra/alerts/opens-refused.kql')) ?? [];
    const ringing = [...list.matchAll(/'([^']+)'/g)].map(([, code = '']) => code);
    const others: ReasonCode[] = [
      // By the policy, by Azure RBAC, by people, or what was asked for cannot be.
      ...(['not-authorized', 'no-policy', 'port-not-in-policy', 'protocol-not-in-policy'] as const),
      ...(['source-not-in-policy', 'source-too-large', 'duration-exceeds-policy'] as const),
      ...(['justification-not-accepted', 'outside-time-window', 'denied-by-approver'] as const),
      ...(['approval-expired', 'approval-changed', 'start-not-allowed', 'not-running'] as const),
      ...(['extension-waiting', 'extension-expired', 'extended-too-often'] as const),
      // By the machine or by what others have before it.
      ...(['vm-not-found', 'vm-not-supported', 'no-network-security-group', 'no-address-of-family'] as const),
      ...(['address-not-unique', 'blocked-by-security-admin-rule', 'blocked-by-foreign-rule'] as const),
      ...(['target-gone', 'address-changed'] as const),
      // No refusals.
      ...(['within-policy', 'approval-needed', 'perhaps-blocked-by-security-admin-rule'] as const),
      ...(['not-protected', 'not-checked', 'break-glass', 'ended', 'revoked', 'closed-unseen'] as const),
      ...(['flows-cut', 'flows-not-cut', 'extended', 'ending-soon', 'change-accepted'] as const),
      ...(['change-reverted', 'bypassed-by-foreign-rule', 'flush-connection'] as const),
      ...(['orchestration-missing', 'orchestration-silent'] as const),
    ];

    expect([...ringing, ...others].sort()).toEqual([...reasonCodes, 'internal', 'unavailable'].sort());
  });

  it('can ask for lines at the level Information that the app writes', () => {
    const documented = messagesOf('Lines at the level Information');

    expect(documented).toContain('request-refused');
    expect(documented.filter((message) => !loggedBy('info').includes(message))).toEqual([]);
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
