import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { reasonCodes } from '../../src/core/reason.ts';
import { everyProblem, fieldCodes, problemOfDecision, respondProblem } from '../../src/http/problem.ts';

const documentation = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');

/** First and second cells of the table under a heading. */
function tableUnder(heading: string): [string, string][] {
  const section = documentation.split(`### ${heading}\n`)[1]?.split(/\n##/)[0] ?? '';
  return [...section.matchAll(/^\| `([^`]+)` +\| ([^|]*?) *\|/gm)].map(([, first = '', second = '']) => [
    first,
    second,
  ]);
}

describe('the documentation', () => {
  it('lists every problem code with its status', () => {
    const written = tableUnder('Problem codes').map(([code, status]) => `${code} ${status}`);
    const reasons = new Set<string>(reasonCodes);
    const coded = everyProblem()
      .filter(({ code }) => !reasons.has(code))
      .map(({ code, status }) => `${code} ${status}`);

    expect(written.sort()).toEqual(coded.sort());
  });

  it('lists every reason code', () => {
    const written = tableUnder('Reason codes').map(([code]) => code);

    expect(written.sort()).toEqual([...reasonCodes].sort());
  });

  it('lists every field code', () => {
    const written = tableUnder('Field codes').map(([code]) => code);

    expect(written.sort()).toEqual([...fieldCodes].sort());
  });
});

describe('a problem', () => {
  it('has the members of RFC 9457, its code and the correlation id', () => {
    const response = respondProblem(
      { code: 'body-invalid', detail: 'duration: This field is needed.' },
      'id-1',
    );

    expect(response.status).toBe(400);
    expect(JSON.parse(response.body as string)).toEqual({
      type: 'urn:sallyport:problem:body-invalid',
      title: 'The body is not valid',
      status: 400,
      detail: 'duration: This field is needed.',
      code: 'body-invalid',
      errors: [],
      correlationId: 'id-1',
    });
  });

  it('of a decision is 404 only where nothing but absent virtual machines is wrong', () => {
    const absent = {
      code: 'vm-not-found',
      message: 'It does not exist.',
      field: 'virtualMachines[0].id',
    } as const;
    const noPolicy = { code: 'no-policy', message: 'There is no policy.' } as const;
    const decision = { outcome: 'denied', policies: [] } as const;
    const statusOf = (reasons: (typeof absent | typeof noPolicy)[]) =>
      respondProblem(problemOfDecision({ ...decision, policies: [], reasons }), 'x').status;

    expect(statusOf([absent])).toBe(404);
    expect(statusOf([absent, absent])).toBe(404);
    expect(statusOf([absent, noPolicy])).toBe(403);
    expect(statusOf([noPolicy])).toBe(403);
  });
});
