import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/core/auditRecord.ts';
import { filesBelow, read } from '../docs/pages.ts';
import { recordsOfEveryLife } from '../support/everyLife.ts';
import { pathsIn, recordPathsOf } from './recordPaths.ts';

const queries = filesBelow('infra')
  .filter((path) => path.endsWith('.kql') && read(path).includes('SallyportAudit_CL'))
  .map((path) => ({ path, query: read(path) }));

/** The events that a query takes: by their names, or by what they begin with. */
function eventsOf(query: string) {
  const names = [...query.matchAll(/'((?:request|policy|nsg)\.[a-z-]+)'/g)].map(([, name = '']) => name);
  const prefixes = [...query.matchAll(/Event startswith '([^']+)'/g)].map(([, prefix = '']) => prefix);
  const [, excluded = ''] = /Event !startswith '([^']+)'/.exec(query) ?? [];
  const takes = (event: string) =>
    (names.includes(event) || prefixes.some((prefix) => event.startsWith(prefix))) &&
    !query.includes(`Event != '${event}'`);
  return { names: names.filter((name) => name !== excluded), takes };
}

let records: AuditRecord[];
beforeAll(async () => {
  records = await recordsOfEveryLife();
});

describe('what queries read of an audit record', () => {
  it('is found by the parser, whatever name a query gives to a part of it', () => {
    const query = `SallyportAudit_CL
| extend Details = Record.details, Begin = todatetime(Record['from'])
| mv-expand Machine = Record.virtualMachines
| mv-apply Port = Machine.ports on (summarize Ports = make_set(tostring(Port.number)))
| project Details.comment, Begin, Ports, tostring(Record.reasons[0].code)`;

    expect(recordPathsOf(query)).toEqual([
      'details',
      'details.comment',
      'from',
      'reasons[].code',
      'virtualMachines',
      'virtualMachines[].ports',
      'virtualMachines[].ports[].number',
    ]);
  });

  it.each(queries)('is there in records that the app wrote: $path', ({ query }) => {
    const { takes } = eventsOf(query);
    const taken = records.filter(({ event }) => takes(event));
    const written = new Set(taken.flatMap((record) => pathsIn(record)));
    const asked = recordPathsOf(query);

    expect(taken).not.toEqual([]);
    expect(asked).toContain('at');
    expect(asked.filter((path) => !written.has(path))).toEqual([]);
  });

  it.each(queries)('are events that the app records: $path', ({ query }) => {
    const written = new Set(records.map(({ event }) => event));

    expect(eventsOf(query).names.filter((name) => !written.has(name))).toEqual([]);
  });

  it.each(queries)('counts a record once that was sent twice: $path', ({ query }) => {
    const [, table = '', ...steps] = /(SallyportAudit_CL)([\s\S]*)/.exec(query)?.[0].split('\n| ') ?? [];
    const once = 'summarize arg_max(TimeGenerated, *) by Partition, Sequence';
    const before = [table, ...steps].slice(0, [table, ...steps].indexOf(once));

    expect(before.filter((step) => !/^(where|\/\/)/.test(step))).toEqual([]);
    expect(steps).toContain(once);
  });
});
