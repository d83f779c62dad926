import { expect, it } from 'vitest';
import { createTellRefused } from '../../src/http/refusedOpens.ts';
import { read } from '../docs/pages.ts';
import { pathsIn, recordPathsOf } from './recordPaths.ts';

it.each(['infra/alerts/opens-refused.kql', 'infra/queries/refusals.kql'])(
  '%s reads what the line of a refusal says, and of a failed call the function',
  (path) => {
    const lines: unknown[] = [];
    let now = new Date('2026-11-23T12:00:00Z');
    const tell = createTellRefused({
      log: { info: (_message, facts) => lines.push(facts), warn: () => undefined, error: () => undefined },
      clock: { now: () => now },
    });
    const refused = { door: 'microsoft', asked: 'access', correlationId: 'c' } as const;
    for (let time = 0; time < 25; time += 1) tell({ code: 'no-capacity' }, refused);
    now = new Date('2026-11-23T12:01:00Z');
    tell({ code: 'no-capacity' }, refused);

    const asked = recordPathsOf(read(path), 'Facts');
    const said = [...pathsIn(lines.at(-1)), 'function'];

    expect(asked).toEqual(expect.arrayContaining(['codes', 'codes[]', 'untold']));
    expect(asked.filter((one) => !said.includes(one))).toEqual([]);
  },
);
