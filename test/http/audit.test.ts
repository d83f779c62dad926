import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chainRecord } from '../../src/core/auditRecord.ts';
import type { AuditRecord } from '../../src/core/auditRecord.ts';
import { InvalidContinuationError } from '../../src/core/stores.ts';
import type { AuditPage, AuditQuery } from '../../src/core/stores.ts';
import { createAuditHandler } from '../../src/http/audit.ts';
import { call, surroundings } from '../support/httpCalls.ts';
import type { Answered } from '../support/httpCalls.ts';
import { alice, bob, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

const vm =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1';

let issuer: TokenIssuer;
let queries: AuditQuery[];
let page: AuditPage;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  queries = [];
  page = { records: [] };
});

function aRecord(requester?: { objectId: string; displayName: string }): AuditRecord {
  return chainRecord(
    {
      partition: requester === undefined ? 'unauthenticated-2026-11-23' : '0'.repeat(32),
      event: requester === undefined ? 'unauthenticated' : 'request.opening',
      at: '2026-11-23T08:00:00.000Z',
      actor: 'sallyport',
      ...(requester !== undefined && { requester }),
      reasons: [],
      correlationId: 'c0ffee00-0000-4000-8000-000000000001',
    },
    undefined,
  );
}

async function ask(query: string, roles: string[] = [], who = alice): Promise<Answered> {
  const around = surroundings(issuer);
  const audit = {
    query: (asked: AuditQuery) => {
      queries.push(asked);
      return Promise.resolve(page);
    },
  };
  const authorization = `Bearer ${await issuer.sign({ oid: who.objectId, roles })}`;
  return call(createAuditHandler({ ...around, audit }), {
    path: `/api/audit${query}`,
    headers: { authorization },
  });
}
const errorsOf = (answer: Answered) => answer.json['errors'] as { field: string; detail: string }[];

describe('GET /api/audit', () => {
  it("asks for one's own records where the caller has no role", async () => {
    page = { records: [aRecord(alice)] };

    const answer = await ask('');

    expect(answer).toMatchObject({
      status: 200,
      json: { value: [{ event: 'request.opening', requester: alice }] },
    });
    expect(queries).toEqual([{ requesterId: alice.objectId }]);
  });

  it("shows nobody else's records without a role, whatever the store gives", async () => {
    page = { records: [aRecord(bob), aRecord(), aRecord(alice)] };

    expect((await ask('?continuation=abc')).json['value']).toMatchObject([{ requester: alice }]);
  });

  it.each(['Sallyport.Administrator', 'Sallyport.Auditor'])('shows everything to %s', async (role) => {
    page = { records: [aRecord(bob), aRecord()] };

    const answer = await ask('', [role]);

    expect(answer.json['value']).toHaveLength(2);
    expect(queries).toEqual([{}]);
  });

  it('passes the filters on in one form', async () => {
    const query = new URLSearchParams({
      vm,
      requester: bob.objectId.toUpperCase(),
      from: '2026-11-23T08:00:00+05:30',
      to: '2026-11-24T00:00:00Z',
      continuation: 'next/page+2==',
    });

    await ask(`?${query.toString()}`, ['Sallyport.Auditor']);

    expect(queries).toEqual([
      {
        virtualMachineId: vm,
        requesterId: bob.objectId,
        from: '2026-11-23T02:30:00.000Z',
        to: '2026-11-24T00:00:00.000Z',
        continuation: 'next/page+2==',
      },
    ]);
  });

  it('links to the next page, with the filters and without the name of the host', async () => {
    page = { records: [], continuation: 'a b/c=' };

    const answer = await ask('?from=2026-11-23T08:00:00Z&continuation=old');
    const link = new URL(answer.json['nextLink'] as string, 'https://sallyport.contoso.example');

    expect(answer.json['nextLink']).toMatch(/^\/api\/audit\?/);
    expect(Object.fromEntries(link.searchParams)).toEqual({
      from: '2026-11-23T08:00:00Z',
      continuation: 'a b/c=',
    });
  });

  it('ends without a link', async () => {
    expect((await ask('')).json).toEqual({ value: [] });
  });

  it("refuses another person's records to a caller without a role", async () => {
    const refused = await ask(`?requester=${bob.objectId}`);
    const own = await ask(`?requester=${alice.objectId}`);

    expect(refused).toMatchObject({ status: 403, json: { code: 'role-missing' } });
    expect(own.status).toBe(200);
    expect(queries).toHaveLength(1);
  });

  it.each([
    ['vm=web-1', 'vm'],
    ['vm=', 'vm'],
    [`vm=${encodeURIComponent(`${vm}/`)}`, 'vm'],
    ['requester=alice', 'requester'],
    ['from=yesterday', 'from'],
    ['from=2026-11-23', 'from'],
    ['from=2026-11-23T08:00:00', 'from'],
    ['from=2026-02-30T08:00:00Z', 'from'],
    ['to=2026-13-01T00:00:00Z', 'to'],
    ['to=1', 'to'],
    ['from=2026-11-23T08:00:00Z&to=2026-11-23T08:00:00Z', 'to'],
    ['from=2026-11-24T08:00:00Z&to=2026-11-23T08:00:00Z', 'to'],
    ['continuation=', 'continuation'],
    ['continuation=a,b', 'continuation'],
    [`continuation=${'x'.repeat(2_049)}`, 'continuation'],
    ['user=alice', 'user'],
    [`requester=${alice.objectId}&requester=${bob.objectId}`, 'requester'],
  ])('refuses ?%s, naming the parameter', async (query, field) => {
    const answer = await ask(`?${query}`, ['Sallyport.Auditor']);

    expect(answer).toMatchObject({ status: 400, json: { code: 'query-invalid' } });
    expect(errorsOf(answer)[0]?.field).toBe(field);
    expect(queries).toEqual([]);
  });

  it('refuses a continuation that the trail does not know, and hides other faults of it (I9)', async () => {
    const answers = [new InvalidContinuationError(), new Error('AccountKey=secret')].map(async (fault) => {
      const audit = { query: () => Promise.reject(fault) };
      const authorization = `Bearer ${await issuer.sign()}`;
      const handler = createAuditHandler({ ...surroundings(issuer), audit });
      return call(handler, { path: '/api/audit?continuation=abc', headers: { authorization } });
    });
    const [unknown, fault] = await Promise.all(answers);

    expect(unknown).toMatchObject({ status: 400, json: { errors: [{ field: 'continuation' }] } });
    expect(fault).toMatchObject({ status: 500, json: { code: 'internal' } });
    expect(fault?.text).not.toContain('secret');
  });

  it('needs a token', async () => {
    const around = surroundings(issuer);
    const audit = { query: () => Promise.reject(new Error('asked')) };

    expect(await call(createAuditHandler({ ...around, audit }), {})).toMatchObject({ status: 401 });
    expect(around.refusals).toEqual(['token-missing']);
  });
});
