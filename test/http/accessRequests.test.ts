import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JWTPayload } from 'jose';
import type { Policy } from '../../src/core/policy.ts';
import { createAccessRequestHandlers } from '../../src/http/accessRequests.ts';
import type { AccessRequestHandlers } from '../../src/http/accessRequests.ts';
import { call, freshCorrelationId, surroundings } from '../support/httpCalls.ts';
import type { Answered, Asking, Surroundings } from '../support/httpCalls.ts';
import { createInMemoryAccessRequestService } from '../support/inMemoryAccessRequestService.ts';
import type { InMemoryAccessRequestService } from '../support/inMemoryAccessRequestService.ts';
import { alice, assembleToken, bob, startTokenIssuer, validClaims } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

const group = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso-rg';
const vm = (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`;

function policyOf(name: string, ...sources: string[]): Policy {
  return {
    id: `${name}-policy`,
    virtualMachineId: vm(name),
    ports: [
      {
        number: 22,
        protocol: 'Tcp',
        allowedSourceAddressPrefixes: sources,
        maxRequestAccessDuration: 'PT3H',
      },
    ],
  };
}

let issuer: TokenIssuer;
let service: InMemoryAccessRequestService;
let around: Surroundings;
let handlers: AccessRequestHandlers;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  service = createInMemoryAccessRequestService({
    policies: [
      policyOf('web-1', '203.0.113.0/24', '2001:db8::/48'),
      policyOf('open-1', '0.0.0.0/0', '::/0'),
      policyOf('gone-1', '203.0.113.0/24'),
    ],
    virtualMachines: [vm('web-1'), vm('open-1'), vm('unprotected-1')],
  });
  around = surroundings(issuer);
  handlers = createAccessRequestHandlers({ ...around, service: () => service });
});

/** A body that is granted, changed at will. */
function aBody(changes: Record<string, unknown> = {}) {
  return {
    virtualMachines: [
      { id: vm('web-1'), ports: [{ number: 22, protocol: 'Tcp', sourceAddressPrefix: '203.0.113.7' }] },
    ],
    duration: 'PT1H',
    justification: 'Restart the web server',
    ...changes,
  };
}
function withPort(changes: Record<string, unknown>, name = 'web-1') {
  return aBody({ virtualMachines: [{ id: vm(name), ports: [{ number: 22, ...changes }] }] });
}

async function as(who: { objectId: string }, roles: string[] = []): Promise<Record<string, string>> {
  const claims: JWTPayload = { oid: who.objectId, roles };
  return { authorization: `Bearer ${await issuer.sign(claims)}` };
}

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  return call(handlers.create, { method: 'POST', body, headers: { ...(await as(alice)), ...headers } });
}

interface FieldError {
  field?: string;
  code: string;
  detail: string;
  allowed?: unknown;
}
const errorsOf = (answer: Answered) => answer.json['errors'] as FieldError[];

async function created(body: unknown = aBody(), headers: Record<string, string> = {}): Promise<string> {
  return (await post(body, headers)).json['id'] as string;
}

describe('POST /api/access-requests', () => {
  it('answers 202 with where the request is and how it stands, and nothing internal', async () => {
    const answer = await post(aBody());

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
        { ports: [{ number: 22, protocol: 'Tcp', sourceAddressPrefixes: ['203.0.113.7/32'] }] },
      ],
    });
    expect(answer.text).not.toContain('secret');
  });

  it('hands the workflow what was asked for, in canonical form', async () => {
    await post(aBody({ justification: 'Émile: fix 🔧' }), { 'idempotency-key': 'try-1' });

    expect(service.submissions).toEqual([
      {
        requester: { ...alice, tenantId: expect.any(String) as string },
        virtualMachines: [
          {
            id: vm('web-1'),
            ports: [{ number: 22, protocol: 'Tcp', sourceAddressPrefix: '203.0.113.7/32' }],
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
    await post(JSON.stringify({ virtualMachines, duration, justification }));
    await post(JSON.stringify({ justification, duration, virtualMachines }, null, 2));
    await post(aBody({ justification: 'Something else' }));

    const [first, second, third] = service.submissions.map(({ bodyHash }) => bodyHash);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it.each(['TCP', 'tcp', 'Tcp'])('takes the protocol as %s', async (protocol) => {
    expect((await post(withPort({ protocol }))).status).toBe(202);
    expect(service.submissions[0]?.virtualMachines[0]?.ports[0]?.protocol).toBe('Tcp');
  });

  it("uses a client's correlation id if it is a GUID, under either name", async () => {
    const theirs = 'AAAAAAAA-0000-4000-8000-000000000000';

    for (const header of ['x-ms-correlation-request-id', 'x-correlation-id']) {
      const answer = await post(aBody(), { [header]: theirs });
      expect(answer.headers['x-ms-correlation-request-id']).toBe(theirs.toLowerCase());
      expect(answer.json['correlationId']).toBe(theirs.toLowerCase());
    }
    const answer = await post(aBody(), { 'x-correlation-id': 'not a guid' });
    expect(answer.headers['x-ms-correlation-request-id']).toBe(freshCorrelationId);
  });

  it.each(['', ' ', 'a b', 'é', 'x'.repeat(129)])('refuses the idempotency key %j', async (key) => {
    const answer = await post(aBody(), { 'idempotency-key': key });

    expect(answer).toMatchObject({ status: 400, json: { code: 'header-invalid' } });
    expect(errorsOf(answer)[0]?.field).toBe('Idempotency-Key');
    expect(service.calls).toEqual([]);
  });
});

describe('whoever has no valid token', () => {
  const now = Math.floor(Date.now() / 1000);
  const hmacToken = () => {
    const body = assembleToken({ alg: 'HS256', kid: 'key-1' }, validClaims(issuer.issuer), '');
    return body + createHmac('sha256', issuer.publicKeyPem).update(body.slice(0, -1)).digest('base64url');
  };
  const bearer = (make: () => string | Promise<string>) => async () => ({
    authorization: `Bearer ${await make()}`,
  });
  const rows: [string, () => Promise<Record<string, string>>, string][] = [
    ['no token', () => Promise.resolve({}), 'token-missing'],
    ['an expired token', bearer(() => issuer.sign({ exp: now - 120 })), 'token-expired'],
    ['a token for another audience', bearer(() => issuer.sign({ aud: 'other' })), 'token-audience-wrong'],
    [
      'a token of another issuer',
      bearer(() => issuer.sign({ iss: 'https://x.example' })),
      'token-issuer-wrong',
    ],
    [
      'a token of another tenant',
      bearer(() => issuer.sign({ tid: 'fab00000-0000-4000-8000-000000000000' })),
      'token-tenant-wrong',
    ],
    [
      'alg none',
      bearer(() => assembleToken({ alg: 'none' }, validClaims(issuer.issuer), '')),
      'token-algorithm-refused',
    ],
    [
      'an unsigned token',
      bearer(async () => `${(await issuer.sign()).split('.').slice(0, 2).join('.')}.`),
      'token-malformed',
    ],
    ['an unknown key id', bearer(() => issuer.sign({}, { kid: 'unknown' })), 'token-key-unknown'],
    ['HS256 with the public key', bearer(hmacToken), 'token-algorithm-refused'],
    ['a basic password', () => Promise.resolve({ authorization: 'Basic YTpi' }), 'token-malformed'],
    ['an empty bearer token', () => Promise.resolve({ authorization: 'Bearer ' }), 'token-malformed'],
    [
      'two tokens, joined as the host does it',
      async () => {
        const token = await issuer.sign();
        return { authorization: `Bearer ${token},Bearer ${token}` };
      },
      'token-malformed',
    ],
  ];

  it.each(rows)('gets 401 with %s, is counted, and reaches no service', async (_name, headers, code) => {
    const sent = await headers();
    for (const handler of [handlers.create, handlers.get, handlers.list, handlers.revoke]) {
      around.refusals.length = 0;
      const answer = await call(handler, { method: 'POST', body: aBody(), headers: sent });

      expect(answer).toMatchObject({ status: 401, json: { code, status: 401, errors: [] } });
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(around.refusals).toEqual([code]);
    }
    expect(service.calls).toEqual([]);
  });

  it('is refused before the body is looked at', async () => {
    const answer = await call(handlers.create, { method: 'POST', body: '{' });

    expect(answer.json['code']).toBe('token-missing');
  });

  it('stays refused when it cannot be counted', async () => {
    const uncounted = surroundings(issuer, { countingFails: true });
    const { create } = createAccessRequestHandlers({ ...uncounted, service: () => service });

    expect(await call(create, { method: 'POST' })).toMatchObject({ status: 401 });
    expect(uncounted.errors).toHaveLength(1);
  });

  it('gets 503 and is not counted while the keys cannot be had', async () => {
    const down = surroundings({ issuer: issuer.issuer, jwksUri: 'http://127.0.0.1:1/keys' });
    const { create } = createAccessRequestHandlers({ ...down, service: () => service });

    const answer = await call(create, { method: 'POST', body: aBody(), headers: await as(alice) });

    expect(answer).toMatchObject({ status: 503, json: { code: 'identity-unavailable' } });
    expect(answer.headers['retry-after']).toBe('10');
    expect(down.refusals).toEqual([]);
    expect(service.calls).toEqual([]);
  });
});

describe('a body that is not right', () => {
  it.each([undefined, ''])('is asked for when it is %j, in words that help', async (body) => {
    const answer = await post(body);

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-missing' } });
    expect(answer.json['detail']).toContain('virtualMachines, duration and justification');
    expect(answer.json['detail']).toContain('Content-Length');
    expect(answer.json['detail']).toContain('chunked');
  });

  it.each([
    ['{', 'body-malformed'],
    ['{"a":1}}', 'body-malformed'],
    ["{'a':1}", 'body-malformed'],
    ['undefined', 'body-malformed'],
  ])('is refused as %j', async (body, code) => {
    expect(await post(body)).toMatchObject({ status: 400, json: { code } });
  });

  it('is refused when it is not UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"justification":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);

    expect(await post(bytes)).toMatchObject({ status: 400, json: { code: 'body-malformed' } });
  });

  it('may have 64 KiB and not a byte more', async () => {
    const text = JSON.stringify(aBody());

    expect((await post(text.padEnd(65_536))).status).toBe(202);
    expect(await post(text.padEnd(65_537))).toMatchObject({ status: 400, json: { code: 'body-too-large' } });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', ''])(
    'is refused as %j',
    async (type) => {
      const answer = await post(aBody(), { 'content-type': type });

      expect(answer).toMatchObject({ status: 415, json: { code: 'content-type-unsupported' } });
    },
  );

  it.each(['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'is taken as %j',
    async (type) => {
      expect((await post(aBody(), { 'content-type': type })).status).toBe(202);
    },
  );

  it('is answered with every field that is wrong', async () => {
    const answer = await post({
      virtualMachines: [{ id: 'web-1', ports: [{ number: 0, protocol: 'Icmp' }] }],
      duration: 'P1M',
      justification: '',
      state: 'active',
    });

    expect(errorsOf(answer).map(({ field, code }) => [field, code])).toEqual([
      ['virtualMachines[0].id', 'vm-id-malformed'],
      ['virtualMachines[0].ports[0].number', 'out-of-range'],
      ['virtualMachines[0].ports[0].protocol', 'not-allowed'],
      ['duration', 'duration-malformed'],
      ['justification', 'empty'],
      ['state', 'unknown'],
    ]);
  });

  const source = 'virtualMachines[0].ports[0].sourceAddressPrefix';
  it.each([
    ['host bits', withPort({ sourceAddressPrefix: '10.1.2.3/8' }), source, '10.0.0.0/8'],
    ['octal', withPort({ sourceAddressPrefix: '010.0.0.1' }), source, undefined],
    ['a short form', withPort({ sourceAddressPrefix: '1.2.3' }), source, undefined],
    ['IPv4 as IPv6', withPort({ sourceAddressPrefix: '::ffff:203.0.113.7' }), source, '203.0.113.7/32'],
    ['multicast', withPort({ sourceAddressPrefix: '224.0.0.1' }), source, undefined],
    ['no time', aBody({ duration: 'PT0S' }), 'duration', undefined],
    ['a negative time', aBody({ duration: '-PT1H' }), 'duration', undefined],
    ['a month', aBody({ duration: 'P1M' }), 'duration', undefined],
    ['a year', aBody({ duration: 'P1Y' }), 'duration', undefined],
    ['a time beyond all limits', aBody({ duration: 'PT99999999H' }), 'duration', undefined],
    ['1,001 characters', aBody({ justification: 'x'.repeat(1_001) }), 'justification', undefined],
    ['control characters', aBody({ justification: 'a\u0007b' }), 'justification', undefined],
    ['an unknown field', aBody({ end: '2099-01-01T00:00:00Z' }), 'end', undefined],
    ['a wrong type', aBody({ virtualMachines: 'web-1' }), 'virtualMachines', undefined],
    ['a malformed id', withPort({}, '../web-1'), 'virtualMachines[0].id', undefined],
  ])('with %s is 400, names the field and reaches no service', async (_name, body, field, correct) => {
    const answer = await post(body);

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-invalid' } });
    expect(errorsOf(answer)).toMatchObject([{ field, ...(correct !== undefined && { allowed: correct }) }]);
    expect(answer.json['detail']).toContain(field);
    expect(service.calls).toEqual([]);
  });

  it('does not get longer answers the more is wrong', async () => {
    const names = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`x${index}`, 1]));

    expect(errorsOf(await post(aBody(names)))).toHaveLength(50);
  });
});

describe('a request beyond the policies', () => {
  it('is denied with the reason and what would be allowed', async () => {
    const answer = await post(withPort({ sourceAddressPrefix: '198.51.100.7' }));

    expect(answer).toMatchObject({ status: 403, json: { code: 'source-not-in-policy' } });
    expect(errorsOf(answer)).toMatchObject([
      {
        field: 'virtualMachines[0].ports[0].sourceAddressPrefix',
        code: 'source-not-in-policy',
        allowed: ['203.0.113.0/24', '2001:db8::/48'],
      },
    ]);
  });

  it.each([
    ['another port', withPort({ number: 23 }), 'port-not-in-policy', [22]],
    ['another protocol', withPort({ protocol: 'Udp' }), 'protocol-not-in-policy', ['Tcp']],
    ['a longer duration', aBody({ duration: 'PT4H' }), 'duration-exceeds-policy', 'PT3H'],
    ['a virtual machine without a policy', withPort({}, 'unprotected-1'), 'no-policy', undefined],
  ])('is denied %s', async (_name, body, code, allowed) => {
    const answer = await post(body);

    expect(answer).toMatchObject({ status: 403, json: { code } });
    expect(errorsOf(answer)[0]).toMatchObject({ code, ...(allowed !== undefined && { allowed }) });
  });

  it('answers 404 for a virtual machine that does not exist', async () => {
    const answer = await post(withPort({}, 'gone-1'));

    expect(answer).toMatchObject({ status: 404, json: { code: 'vm-not-found' } });
    expect(errorsOf(answer)[0]?.field).toBe('virtualMachines[0].id');
  });

  it.each(['0.0.0.0/0', '::/0'])(
    'is open to %s only where the policy says so',
    async (sourceAddressPrefix) => {
      const denied = await post(withPort({ sourceAddressPrefix }));
      const granted = await post(withPort({ sourceAddressPrefix }, 'open-1'));

      expect(denied).toMatchObject({ status: 403, json: { code: 'source-not-in-policy' } });
      expect(granted.status).toBe(202);
    },
  );

  it('must name its source where the policy admits everybody', async () => {
    const answer = await post(withPort({}, 'open-1'));

    expect(answer).toMatchObject({ status: 403, json: { code: 'source-not-in-policy' } });
    expect(answer.json['detail']).toContain('name the source');
  });
});

describe('what else the workflow answers', () => {
  it('is 409 for an idempotency key with another body', async () => {
    service.answerWith({ kind: 'key-reused' });

    expect(await post(aBody())).toMatchObject({ status: 409, json: { code: 'idempotency-key-reused' } });
  });

  it('is 429 after too many refusals', async () => {
    service.answerWith({ kind: 'too-many-refusals', retryAfterSeconds: 0.2 });

    expect(await post(aBody())).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      json: { code: 'too-many-refusals' },
    });
  });

  it('is 503 while Azure cannot be asked', async () => {
    service.answerWith({
      kind: 'unavailable',
      retryAfterSeconds: 17,
      message: 'Azure Resource Manager is busy.',
    });

    expect(await post(aBody())).toMatchObject({
      status: 503,
      headers: { 'retry-after': '17' },
      json: { code: 'unavailable', detail: 'Azure Resource Manager is busy.' },
    });
  });

  it('is a 500 that says nothing of the exception, which is in the log', async () => {
    service.answerWith(new Error('AccountKey=secret'));

    const answer = await post(aBody());

    expect(answer).toMatchObject({
      status: 500,
      json: { code: 'internal', correlationId: freshCorrelationId },
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    });
    expect(answer.text).not.toContain('secret');
    expect(around.errors[0]?.facts).toMatchObject({ correlationId: freshCorrelationId });
  });
});

describe('GET /api/access-requests/{id}', () => {
  const get = async (id: string, headers: Record<string, string>) =>
    call(handlers.get, { path: `/api/access-requests/${id}`, params: { id }, headers });

  it('shows a request to its requester, an administrator and an auditor', async () => {
    const id = await created();

    for (const headers of [
      await as(alice),
      await as(bob, ['Sallyport.Administrator']),
      await as(bob, ['Sallyport.Auditor']),
    ]) {
      expect(await get(id, headers)).toMatchObject({ status: 200, json: { id, state: 'opening' } });
    }
  });

  it("answers alike to somebody else's id, a random one and a malformed one", async () => {
    const id = await created();
    const bobs = await as(bob, ['Sallyport.administrator', 'Reader']);

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
    await get('../secrets', await as(alice));

    expect(service.calls).toEqual([]);
  });
});

describe('GET /api/access-requests', () => {
  const list = async (query: string, headers: Record<string, string>) =>
    call(handlers.list, { path: `/api/access-requests${query}`, headers });
  const idsOf = (answer: Answered) => (answer.json['value'] as { id: string }[]).map(({ id }) => id);

  it("lists one's own requests that have not ended, with a role everybody's", async () => {
    const alices = await created();
    const bobs = await created(aBody(), await as(bob));
    const ended = await created();
    service.setState(ended, 'closed');

    expect(idsOf(await list('', await as(alice)))).toEqual([alices]);
    expect(idsOf(await list('', await as(bob)))).toEqual([bobs]);
    expect(idsOf(await list('', await as(bob, ['Sallyport.Auditor'])))).toEqual([bobs, alices]);
  });

  it('narrows to one state', async () => {
    const opening = await created();
    const active = await created();
    service.setState(active, 'active');

    expect(idsOf(await list('?state=active', await as(alice)))).toEqual([active]);
    expect(idsOf(await list('?state=opening', await as(alice)))).toEqual([opening]);
    expect(idsOf(await list('?state=pending', await as(alice)))).toEqual([]);
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
    const answer = await list(query, await as(alice));

    expect(answer).toMatchObject({ status: 400, json: { code: 'query-invalid' } });
    expect(errorsOf(answer)[0]?.field).toBe(field);
    expect(service.calls).toEqual([]);
  });
});

describe('POST /api/access-requests/{id}/revoke', () => {
  const revoke = async (id: string, headers: Record<string, string>, more: Asking = {}) =>
    call(handlers.revoke, { method: 'POST', params: { id }, headers, ...more });

  it('begins to close, and says so again when asked twice', async () => {
    const id = await created();

    expect(await revoke(id, await as(alice))).toMatchObject({ status: 200, json: { id, state: 'closing' } });
    expect(await revoke(id, await as(alice))).toMatchObject({ status: 200, json: { id, state: 'closing' } });
  });

  it.each(['closed', 'denied', 'expired', 'failed'] as const)(
    'leaves a request that is %s as it is',
    async (state) => {
      const id = await created();
      service.setState(id, state);

      expect(await revoke(id, await as(alice))).toMatchObject({ status: 200, json: { id, state } });
    },
  );

  it('does not read a body', async () => {
    const id = await created();

    expect(await revoke(id, await as(alice), { body: '{' })).toMatchObject({ status: 200 });
  });

  it('is for administrators too, in their own name', async () => {
    const id = await created();

    expect((await revoke(id, await as(bob, ['Sallyport.Administrator']))).status).toBe(200);
    expect(service.calls).toContain(`revoke by ${bob.objectId}`);
  });

  it('is not for auditors, but for their own requests', async () => {
    const id = await created();
    const own = await created(aBody(), await as(bob));
    const auditor = await as(bob, ['Sallyport.Auditor']);

    expect(await revoke(id, auditor)).toMatchObject({ status: 403, json: { code: 'role-missing' } });
    expect((await revoke(own, auditor)).status).toBe(200);
    expect(service.calls.filter((name) => name.startsWith('revoke'))).toHaveLength(1);
  });

  it("answers alike to somebody else's id, a random one and a malformed one, and revokes nothing", async () => {
    const id = await created();
    const bobs = await as(bob);

    const answers = await Promise.all([id, 'f'.repeat(32), 'x'].map((each) => revoke(each, bobs)));

    expect(answers[0]).toMatchObject({ status: 404, json: { code: 'request-not-found' } });
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(service.calls.some((name) => name.startsWith('revoke'))).toBe(false);
  });
});
