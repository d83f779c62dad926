import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccessRequestHandlers } from '../../src/http/accessRequests.ts';
import { aBody, createAccessRequestApi } from '../support/accessRequestApi.ts';
import type { AccessRequestApi } from '../support/accessRequestApi.ts';
import { call, surroundings } from '../support/httpCalls.ts';
import { alice, assembleToken, startTokenIssuer, validClaims } from '../support/tokenIssuer.ts';
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
    for (const handler of [api.handlers.create, api.handlers.get, api.handlers.list, api.handlers.revoke]) {
      api.around.refusals.length = 0;
      const answer = await call(handler, { method: 'POST', body: aBody(), headers: sent });

      expect(answer).toMatchObject({ status: 401, json: { code, status: 401, errors: [] } });
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(api.around.refusals).toEqual([code]);
    }
    expect(api.service.calls).toEqual([]);
  });

  it('is refused before the body is looked at', async () => {
    const answer = await call(api.handlers.create, { method: 'POST', body: '{' });

    expect(answer.json['code']).toBe('token-missing');
  });

  it('stays refused when it cannot be counted', async () => {
    const uncounted = surroundings(issuer, { countingFails: true });
    const { create } = createAccessRequestHandlers({
      ...uncounted,
      trustedProxyHops: 0,
      service: () => api.service,
    });

    expect(await call(create, { method: 'POST' })).toMatchObject({ status: 401 });
    expect(uncounted.errors).toHaveLength(1);
  });

  it('gets 503 and is not counted while the keys cannot be had', async () => {
    const down = surroundings({ issuer: issuer.issuer, jwksUri: 'http://127.0.0.1:1/keys' });
    const { create } = createAccessRequestHandlers({
      ...down,
      trustedProxyHops: 0,
      service: () => api.service,
    });

    const answer = await call(create, { method: 'POST', body: aBody(), headers: await api.as(alice) });

    expect(answer).toMatchObject({ status: 503, json: { code: 'identity-unavailable' } });
    expect(answer.headers['retry-after']).toBe('10');
    expect(down.refusals).toEqual([]);
    expect(api.service.calls).toEqual([]);
  });
});
