import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { filesBelow, read } from '../docs/pages.ts';
import { problemsOf } from './kusto.ts';
import { snapshotOf, theOnly, type Snapshot } from './snapshots.ts';

const visible = z.object({
  parameterName: z.literal('page'),
  comparison: z.literal('isEqualTo'),
  value: z.string(),
});
const text = z.strictObject({
  type: z.literal(1),
  name: z.string(),
  content: z.strictObject({ json: z.string() }),
  conditionalVisibility: visible,
});
const part = z.object({
  type: z.literal(3),
  name: z.string(),
  content: z.object({
    version: z.literal('KqlItem/1.0'),
    query: z.string(),
    title: z.string(),
    queryType: z.number(),
    resourceType: z.string(),
    crossComponentResources: z.array(z.string()),
    visualization: z.enum(['table', 'barchart', 'linechart']),
    timeContextFromParameter: z.literal('TimeRange').optional(),
    timeContext: z.object({ durationMs: z.number() }).optional(),
  }),
  conditionalVisibility: visible,
});
const tabs = z.object({
  type: z.literal(11),
  content: z.object({
    style: z.literal('tabs'),
    links: z.array(z.object({ cellValue: z.literal('page'), subTarget: z.string() })),
  }),
});
const parameters = z.object({
  type: z.literal(9),
  content: z.object({ parameters: z.array(z.object({ name: z.string() })) }),
});
const workbook = z.object({
  version: z.literal('Notebook/1.0'),
  items: z.array(z.union([text, part, tabs, parameters])),
  fallbackResourceIds: z.array(z.string()),
});

function workbookOf(snapshot: Snapshot) {
  const { properties, ...resource } = theOnly(snapshot, 'Microsoft.Insights/workbooks');
  const { items, fallbackResourceIds } = workbook.parse(JSON.parse(properties['serializedData'] as string));
  return {
    resource: { ...resource, properties },
    fallbackResourceIds,
    texts: items.filter((item) => item.type === 1),
    parts: items.filter((item) => item.type === 3),
    pages: items.flatMap((item) =>
      item.type === 11 ? item.content.links.map(({ subTarget }) => subTarget) : [],
    ),
    parameters: items.flatMap((item) =>
      item.type === 9 ? item.content.parameters.map(({ name }) => name) : [],
    ),
  };
}

const withCopy = snapshotOf('everything');
const withoutCopy = snapshotOf('main');
const both = [
  ['with a copy of the audit', withCopy],
  ['without one', withoutCopy],
] as const;

describe.each(both)('the workbook %s', (_case, snapshot) => {
  const { resource, fallbackResourceIds, texts, parts, pages, parameters: known } = workbookOf(snapshot);
  const workspace = theOnly(snapshot, 'Microsoft.OperationalInsights/workspaces').id;

  it('belongs to the workspace, for everybody who may see that', () => {
    expect(resource).toMatchObject({
      kind: 'shared',
      properties: { category: 'workbook', sourceId: workspace, displayName: 'Sallyport' },
    });
    expect(fallbackResourceIds).toEqual([workspace]);
  });

  it.each(parts.map((each) => [each.name, each] as const))(
    'asks the query of its file: %s, of whom it is for',
    (name, { content }) => {
      expect(content.query).toBe(read(`infra/queries/${name}.kql`));
      expect(problemsOf(content.query)).toEqual([]);
      const ofGraph = /^resources$/m.test(content.query);
      expect([content.queryType, content.resourceType, content.crossComponentResources]).toEqual(
        ofGraph
          ? [1, 'microsoft.resourcegraph/resources', ['{Subscriptions}']]
          : [0, 'microsoft.operationalinsights/workspaces', [workspace]],
      );
      expect(known).toContain('Subscriptions');
    },
  );

  it('has nothing in a query that it would take for a parameter', () => {
    expect(parts.filter(({ content }) => /\{[^{}]*\}/.test(content.query)).map(({ name }) => name)).toEqual(
      [],
    );
  });

  it('looks back as far as was chosen, and for who has access now as far as there is anything', () => {
    expect(known).toContain('TimeRange');
    const fixed = parts.filter(({ content }) => content.timeContextFromParameter === undefined);

    expect(fixed.map(({ name, content }) => [name, content.timeContext])).toEqual(
      snapshot === withCopy ? [['access-now', { durationMs: 90 * 86_400_000 }]] : [],
    );
  });

  it('has on each page a text, and everything on a page that there is', () => {
    expect(texts.map(({ conditionalVisibility }) => conditionalVisibility.value)).toEqual(pages);
    expect(parts.filter(({ conditionalVisibility: { value } }) => !pages.includes(value))).toEqual([]);
  });
});

describe('the pages of the workbook', () => {
  const full = workbookOf(withCopy);
  const bare = workbookOf(withoutCopy);
  const isOfAudit = (name: string) => read(`infra/queries/${name}.kql`).includes('SallyportAudit_CL');

  it('show who has access, requests, refusals, times, closes that came late and skipped approvals', () => {
    expect(full.parts.map(({ name, conditionalVisibility: { value } }) => `${value}: ${name}`)).toEqual(
      expect.arrayContaining([
        'now: access-now',
        'requests: requests-over-time',
        'requests: refusals',
        'times: time-to-open',
        'times: closes-late',
        'skipped: approval-skipped',
      ]),
    );
  });

  it('ask everything that needs no value put in', () => {
    const asked = full.parts.map(({ name }) => `infra/queries/${name}.kql`);
    const left = filesBelow('infra/queries').filter((path) => !asked.includes(path));

    expect(left.filter((path) => !/^let \w+ = '0{8}/m.test(read(path)))).toEqual([]);
  });

  it('leave out what there is no table for, and say where it is instead', () => {
    const names = bare.parts.map(({ name }) => name);

    expect(names.filter(isOfAudit)).toEqual([]);
    expect(names).toEqual(full.parts.map(({ name }) => name).filter((name) => !isOfAudit(name)));
    const poorer = full.parts.filter(({ name }) => isOfAudit(name));
    for (const { conditionalVisibility } of poorer) {
      const page = bare.texts.find(({ name }) => name === conditionalVisibility.value);
      expect(page?.content.json).toContain('SALLYPORT_AUDIT_COPY_DAYS');
    }
    expect(JSON.stringify(full.texts)).not.toContain('SALLYPORT_AUDIT_COPY_DAYS');
  });
});
