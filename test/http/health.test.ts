import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHealthHandlers } from '../../src/http/health.ts';
import { presentedHealth } from '../../src/http/healthOperations.ts';
import type { HealthReport } from '../../src/workflow/contracts.ts';
import { call, freshCorrelationId, surroundings } from '../support/httpCalls.ts';
import type { Surroundings } from '../support/httpCalls.ts';
import { startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

const report: HealthReport = {
  status: 'failing',
  checkedAt: '2026-11-23T09:02:10.000Z',
  checks: [
    { name: 'tables', status: 'failing', since: '2026-11-23T09:00:00.000Z', reason: 'There is no table x.' },
  ],
  sweep: {},
  overdueCloses: {},
  installation: 'contoso',
  program: { node: 'v22.11.0' },
};

let issuer: TokenIssuer;
let around: Surroundings;
let looks: string[];
let handlers: ReturnType<typeof createHealthHandlers>;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  looks = [];
  around = surroundings(issuer);
  const health = (_context: unknown, correlationId: string) => {
    looks.push(correlationId);
    return Promise.resolve(report);
  };
  handlers = createHealthHandlers({ ...around, health });
});

const bearer = async (roles: string[]) => ({ authorization: `Bearer ${await issuer.sign({ roles })}` });

describe('GET /api/health', () => {
  it.each<[string, Record<string, string>]>([
    ['nobody', {}],
    ['somebody with a bad token', { authorization: 'Bearer x.y.z' }],
    ['a probe', { 'user-agent': 'HealthCheck/1.0' }],
  ])('tells %s that the app answers, and looks at nothing', async (_who, headers) => {
    const answer = await call(handlers.live, { headers });

    expect(answer).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect(answer.headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect([looks, around.refusals, issuer.keyFetches()]).toEqual([[], [], 0]);
  });
});

describe('GET /api/health/details', () => {
  it('is refused without a token, and costs nothing', async () => {
    const answer = await call(handlers.details, {});

    expect(answer).toMatchObject({ status: 401, json: { code: 'token-missing' } });
    expect([looks, around.refusals]).toEqual([[], ['token-missing']]);
  });

  it.each([[[]], [['Sallyport.Approver', 'Sallyport.BreakGlass']]])(
    'is refused to whoever has no role but %j, and costs nothing',
    async (roles) => {
      const answer = await call(handlers.details, { headers: await bearer(roles) });

      expect(answer).toMatchObject({ status: 403, json: { code: 'role-missing' } });
      expect(looks).toEqual([]);
    },
  );

  it.each(['Sallyport.Auditor', 'Sallyport.Administrator'])('tells %s how everything is', async (role) => {
    const answer = await call(handlers.details, { headers: await bearer([role]) });

    expect(answer).toMatchObject({ status: 200, json: report });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(looks).toEqual([freshCorrelationId]);
  });

  it('is described with an example as it would be answered', () => {
    const [example] = presentedHealth.meta()?.examples as unknown[];

    expect(presentedHealth.safeParse(example).error).toBeUndefined();
  });
});
