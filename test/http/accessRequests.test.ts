import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aBody, createAccessRequestApi, errorsOf, vm, withPort } from '../support/accessRequestApi.ts';
import type { AccessRequestApi } from '../support/accessRequestApi.ts';
import { call, freshCorrelationId } from '../support/httpCalls.ts';
import type { Answered, Asking } from '../support/httpCalls.ts';
import { alice, bob, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

let issuer: TokenIssuer;
let api: AccessRequestApi;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  api = createAccessRequestApi(issuer);
});

describe('POST /api/access-requests', () => {
  it('answers 202 with where the request is and how it stands, and nothing internal', async () => {
    const answer = await api.post(aBody());

    const id = answer.json['id'] as string;
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({
      location: `/api/access-requests/${id}`,
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-ms-correlation-request-id': freshCorrelationId,
    });
    expect(Object.keys(answer.json).sort()).toEqual([
      'correlationId',
      'decision',
      'duration',
      'end',
      'id',
      'justification',
      'requestedAt',
      'requester',
      'start',
      'state',
      'virtualMachines',
    ]);
    expect(answer.json).toMatchObject({
      state: 'opening',
      requester: alice,
      duration: 'PT1H',
      decision: { outcome: 'granted', policies: ['web-1-policy'] },
      virtualMachines: [
        { ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: ['203.0.113.7/32'] }] },
      ],
    });
    expect(answer.text).not.toContain('secret');
  });

  it('hands the workflow what was asked for, in canonical form', async () => {
    await api.post(aBody({ justification: 'Émile: fix 🔧' }), { 'idempotency-key': 'try-1' });

    expect(api.service.submissions).toEqual([
      {
        requester: { ...alice, tenantId: expect.any(String) as string },
        virtualMachines: [
          {
            id: vm('web-1'),
            ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefix: '203.0.113.7/32' }],
          },
        ],
        duration: 'PT1H',
        durationSeconds: 3600,
        justification: 'Émile: fix 🔧',
        correlationId: freshCorrelationId,
        idempotencyKey: 'try-1',
        bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    ]);
  });

  it('gives the same body the same hash however it is written, and another body another', async () => {
    const { virtualMachines, duration, justification } = aBody();
    await api.post(JSON.stringify({ virtualMachines, duration, justification }));
    await api.post(JSON.stringify({ justification, duration, virtualMachines }, null, 2));
    await api.post(aBody({ justification: 'Something else' }));

    const [first, second, third] = api.service.submissions.map(({ bodyHash }) => bodyHash);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it.each(['TCP', 'tcp', 'Tcp'])('takes the protocol as %s', async (protocol) => {
    expect((await api.post(withPort({ protocol }))).status).toBe(202);
    expect(api.service.submissions[0]?.virtualMachines[0]?.ports[0]?.protocol).toBe('Tcp');
  });

  it("uses a client's correlation id if it is a GUID, under either name", async () => {
    const theirs = 'AAAAAAAA-0000-4000-8000-000000000000';

    for (const header of ['x-ms-correlation-request-id', 'x-correlation-id']) {
      const answer = await api.post(aBody(), { [header]: theirs });
      expect(answer.headers['x-ms-correlation-request-id']).toBe(theirs.toLowerCase());
      expect(answer.json['correlationId']).toBe(theirs.toLowerCase());
    }
    const answer = await api.post(aBody(), { 'x-correlation-id': 'not a guid' });
    expect(answer.headers['x-ms-correlation-request-id']).toBe(freshCorrelationId);
  });

  it.each(['', ' ', 'a b', 'é', 'x'.repeat(129)])('refuses the idempotency key %j', async (key) => {
    const answer = await api.post(aBody(), { 'idempotency-key': key });

    expect(answer).toMatchObject({ status: 400, json: { code: 'header-invalid' } });
    expect(errorsOf(answer)[0]?.field).toBe('Idempotency-Key');
    expect(api.service.calls).toEqual([]);
  });
});

describe('what else the workflow answers', () => {
  it('is 409 for an idempotency key with another body', async () => {
    api.service.answerWith({ kind: 'key-reused' });

    expect(await api.post(aBody())).toMatchObject({ status: 409, json: { code: 'idempotency-key-reused' } });
  });

  it('is 429 after too many refusals', async () => {
    api.service.answerWith({ kind: 'too-many-refusals', retryAfterSeconds: 0.2 });

    expect(await api.post(aBody())).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      json: { code: 'too-many-refusals' },
    });
  });

  it('is 503 while Azure cannot be asked', async () => {
    api.service.answerWith({
      kind: 'unavailable',
      retryAfterSeconds: 17,
      message: 'Azure Resource Manager is busy.',
    });

    expect(await api.post(aBody())).toMatchObject({
      status: 503,
      headers: { 'retry-after': '17' },
      json: { code: 'unavailable', detail: 'Azure Resource Manager is busy.' },
    });
  });

  it('is 503 with a code of its own while the tables are lost', async () => {
    api.service.answerWith({ kind: 'tables-lost' });

    expect(await api.post(aBody())).toMatchObject({
      status: 503,
      headers: { 'retry-after': '300' },
      json: { code: 'tables-lost' },
    });
  });

  it('is a 500 that says nothing of the exception, which is in the log', async () => {
    api.service.answerWith(new Error('AccountKey=secret'));

    const answer = await api.post(aBody());

    expect(answer).toMatchObject({
      status: 500,
      json: { code: 'internal', correlationId: freshCorrelationId },
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    });
    expect(answer.text).not.toContain('secret');
    expect(api.around.errors[0]?.facts).toMatchObject({ correlationId: freshCorrelationId });
  });
});

describe('GET /api/access-requests/{id}', () => {
  const get = async (id: string, headers: Record<string, string>) =>
    call(api.handlers.get, { path: `/api/access-requests/${id}`, params: { id }, headers });

  it('shows a request to its requester, an administrator and an auditor', async () => {
    const id = await api.created();

    for (const headers of [
      await api.as(alice),
      await api.as(bob, ['Sallyport.Administrator']),
      await api.as(bob, ['Sallyport.Auditor']),
    ]) {
      expect(await get(id, headers)).toMatchObject({ status: 200, json: { id, state: 'opening' } });
    }
  });

  it("answers alike to somebody else's id, a random one and a malformed one", async () => {
    const id = await api.created();
    const bobs = await api.as(bob, ['Sallyport.administrator', 'Reader']);

    const answers = await Promise.all(
      [id, '0'.repeat(32), id.toUpperCase(), `${id}/`, '..', '%2e%2e', "' or 1 eq 1", ''].map((each) =>
        get(each, bobs),
      ),
    );

    expect(answers[0]).toMatchObject({ status: 404, json: { code: 'request-not-found' } });
    for (const answer of answers) {
      expect(answer.text).toBe(answers[0]?.text);
      expect(answer.headers).toEqual(answers[0]?.headers);
    }
  });

  it('does not ask the service for what cannot be an id', async () => {
    await get('../secrets', await api.as(alice));

    expect(api.service.calls).toEqual([]);
  });
});

describe('GET /api/access-requests', () => {
  const list = async (query: string, headers: Record<string, string>) =>
    call(api.handlers.list, { path: `/api/access-requests${query}`, headers });
  const idsOf = (answer: Answered) => (answer.json['value'] as { id: string }[]).map(({ id }) => id);

  it("lists one's own requests that have not ended, with a role everybody's", async () => {
    const alices = await api.created();
    const bobs = await api.created(await api.as(bob));
    const ended = await api.created();
    api.service.setState(ended, 'closed');

    expect(idsOf(await list('', await api.as(alice)))).toEqual([alices]);
    expect(idsOf(await list('', await api.as(bob)))).toEqual([bobs]);
    expect(idsOf(await list('', await api.as(bob, ['Sallyport.Auditor'])))).toEqual([bobs, alices]);
  });

  it('narrows to one state', async () => {
    const opening = await api.created();
    const active = await api.created();
    api.service.setState(active, 'active');

    expect(idsOf(await list('?state=active', await api.as(alice)))).toEqual([active]);
    expect(idsOf(await list('?state=opening', await api.as(alice)))).toEqual([opening]);
    expect(idsOf(await list('?state=pending', await api.as(alice)))).toEqual([]);
  });

  it.each([
    ['?state=closed', 'state'],
    ['?state=', 'state'],
    ['?state=active,opening', 'state'],
    ['?state=active&state=active', 'state'],
    ['?State=active', 'State'],
    ['?requester=x', 'requester'],
    ['?__proto__=x', '__proto__'],
  ])('refuses %s, naming the parameter', async (query, field) => {
    const answer = await list(query, await api.as(alice));

    expect(answer).toMatchObject({ status: 400, json: { code: 'query-invalid' } });
    expect(errorsOf(answer)[0]?.field).toBe(field);
    expect(api.service.calls).toEqual([]);
  });
});

describe('POST /api/access-requests/{id}/revoke', () => {
  const revoke = async (id: string, headers: Record<string, string>, more: Asking = {}) =>
    call(api.handlers.revoke, { method: 'POST', params: { id }, headers, ...more });

  it('begins to close, and says so again when asked twice', async () => {
    const id = await api.created();

    expect(await revoke(id, await api.as(alice))).toMatchObject({
      status: 200,
      json: { id, state: 'closing' },
    });
    expect(await revoke(id, await api.as(alice))).toMatchObject({
      status: 200,
      json: { id, state: 'closing' },
    });
  });

  it.each(['closed', 'denied', 'expired', 'failed'] as const)(
    'leaves a request that is %s as it is',
    async (state) => {
      const id = await api.created();
      api.service.setState(id, state);

      expect(await revoke(id, await api.as(alice))).toMatchObject({ status: 200, json: { id, state } });
    },
  );

  it('takes a comment, nothing else, and revokes nothing where the body is another', async () => {
    const id = await api.created();
    const json = { ...(await api.as(alice)), 'content-type': 'application/json' };

    for (const [body, code] of [
      ['{', 'body-malformed'],
      ['{"why":"done"}', 'body-invalid'],
      ['{"comment":""}', 'body-invalid'],
    ] as const) {
      expect(await revoke(id, json, { body })).toMatchObject({ status: 400, json: { code } });
    }
    expect(api.service.calls.filter((name) => name.startsWith('revoke'))).toEqual([]);
    expect((await revoke(id, json, { body: '{"comment":"Done"}' })).status).toBe(200);
  });

  it('is for administrators too, in their own name', async () => {
    const id = await api.created();

    expect((await revoke(id, await api.as(bob, ['Sallyport.Administrator']))).status).toBe(200);
    expect(api.service.calls).toContain(`revoke by ${bob.objectId}`);
  });

  it('is not for auditors, but for their own requests', async () => {
    const id = await api.created();
    const own = await api.created(await api.as(bob));
    const auditor = await api.as(bob, ['Sallyport.Auditor']);

    expect(await revoke(id, auditor)).toMatchObject({ status: 403, json: { code: 'role-missing' } });
    expect((await revoke(own, auditor)).status).toBe(200);
    expect(api.service.calls.filter((name) => name.startsWith('revoke'))).toHaveLength(1);
  });

  it("answers alike to somebody else's id, a random one and a malformed one, and revokes nothing", async () => {
    const id = await api.created();
    const bobs = await api.as(bob);

    const answers = await Promise.all([id, 'f'.repeat(32), 'x'].map((each) => revoke(each, bobs)));

    expect(answers[0]).toMatchObject({ status: 404, json: { code: 'request-not-found' } });
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(api.service.calls.some((name) => name.startsWith('revoke'))).toBe(false);
  });
});
