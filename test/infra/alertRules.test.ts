import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { filesBelow, read, tableBelow } from '../docs/pages.ts';
import { ofType, snapshotOf, theOnly, type Snapshot } from './snapshots.ts';

const rule = z.object({
  severity: z.number(),
  evaluationFrequency: z.string(),
  windowSize: z.string(),
  enabled: z.literal(true),
  scopes: z.tuple([z.string()]),
  criteria: z.object({
    allOf: z.tuple([
      z.object({
        query: z.string(),
        timeAggregation: z.literal('Count'),
        operator: z.string(),
        threshold: z.number(),
      }),
    ]),
  }),
  actions: z.object({ actionGroups: z.array(z.string()) }),
});

/** By the name of the query. */
function rulesOf(snapshot: Snapshot) {
  return new Map(
    ofType(snapshot, 'Microsoft.Insights/scheduledQueryRules').map(({ name, properties }) => [
      `${name.replace(/^alert-sallyport-\w{13}-/, '')}.kql`,
      rule.parse(properties),
    ]),
  );
}

const main = snapshotOf('main');
const rules = rulesOf(main);
const documented = tableBelow(read('docs/operations.md'), 'Queries for alerts');
const frequencies = documented.map(([query, every, severity]) => [query, every, severity]);

describe('the alert rules', () => {
  it('are those of the operations page, as often and as severe', () => {
    expect(
      [...rules].map(([name, { evaluationFrequency, severity }]) => [
        name,
        `${evaluationFrequency.replace(/^PT(\d+)M$/, '$1')} min`,
        String(severity),
      ]),
    ).toEqual(frequencies);
  });

  it('each have there what they ring for and what to do', () => {
    expect(documented.filter((cells) => cells.length !== 5 || cells.includes(''))).toEqual([]);
  });

  it('ask every query but the one that is for looking', () => {
    const queries = filesBelow('infra/alerts').map((path) => path.replace('infra/alerts/', ''));

    expect(queries.filter((name) => !rules.has(name))).toEqual(['others-wrote.kql']);
  });

  it.each([...rules])('%s asks the query of its file over the time that it looks back', (name, alert) => {
    const { query } = alert.criteria.allOf[0];
    const [first = ''] = /ago\(\d+m\)/.exec(query) ?? [];

    expect(query).toBe(read(`infra/alerts/${name}`));
    expect(alert.windowSize).toBe(first.replace(/ago\((\d+)m\)/, 'PT$1M'));
    expect(alert.scopes).toEqual([theOnly(main, 'Microsoft.OperationalInsights/workspaces').id]);
  });

  it('ring when there is a row, and that of the sweep when there is none', () => {
    const rings = [...rules].map(([name, { criteria }]) => {
      const { operator, threshold } = criteria.allOf[0];
      return `${name} ${operator} ${threshold}`;
    });

    expect(rings).toEqual(
      [...rules.keys()].map((name) =>
        name === 'sweep-complete.kql' ? `${name} LessThan 1` : `${name} GreaterThan 0`,
      ),
    );
  });

  it('tell the address that was given', () => {
    const everything = snapshotOf('everything');
    const people = theOnly(everything, 'Microsoft.Insights/actionGroups');

    expect(people.properties['emailReceivers']).toMatchObject([{ emailAddress: 'security@contoso.example' }]);
    for (const { actions } of rulesOf(everything).values()) expect(actions.actionGroups).toEqual([people.id]);
  });
});
