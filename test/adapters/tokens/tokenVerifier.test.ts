import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import fc from 'fast-check';
import type { JWTPayload } from 'jose';
import { createTokenVerifier } from '../../../src/adapters/tokens/tokenVerifier.ts';
import type { TokenVerifierSettings } from '../../../src/adapters/tokens/tokenVerifier.ts';
import {
  alice,
  assembleToken,
  audience,
  startTokenIssuer,
  tenantId,
  validClaims,
} from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';

let issuer: TokenIssuer;
beforeEach(async () => {
  issuer = await startTokenIssuer();
});
afterEach(async () => {
  vi.useRealTimers();
  await issuer.close();
});

function verifier(settings: Partial<TokenVerifierSettings> = {}) {
  return createTokenVerifier({
    issuer: issuer.issuer,
    jwksUri: issuer.jwksUri,
    audience,
    tenantId,
    ...settings,
  });
}
const seconds = (count: number) => Math.floor(Date.now() / 1000) + count;

describe('a token that is right', () => {
  it('names the person and the roles', async () => {
    const token = await issuer.sign({ roles: ['Sallyport.Auditor'] });

    const result = await verifier().verify(token, new Date());

    expect(result).toEqual({
      kind: 'verified',
      caller: {
        person: { objectId: alice.objectId, tenantId, displayName: alice.displayName },
        roles: ['Sallyport.Auditor'],
      },
    });
  });

  it('is verified with keys that were found by discovery, asked for once', async () => {
    const discovering = createTokenVerifier({ issuer: issuer.issuer, audience, tenantId });

    const results = await Promise.all(
      [1, 2, 3].map(async () => discovering.verify(await issuer.sign(), new Date())),
    );

    expect(results.map(({ kind }) => kind)).toEqual(['verified', 'verified', 'verified']);
    expect(issuer.discoveryFetches()).toBe(1);
    expect(issuer.keyFetches()).toBe(1);
  });

  it('is accepted within a minute after its expiry and before its beginning', async () => {
    const expired = await issuer.sign({ exp: seconds(-50) });
    const early = await issuer.sign({ nbf: seconds(50) });

    expect(await verifier().verify(expired, new Date())).toMatchObject({ kind: 'verified' });
    expect(await verifier().verify(early, new Date())).toMatchObject({ kind: 'verified' });
  });

  it.each([
    ['that says so', { idtyp: 'app' }],
    ['that has no scope', { scp: undefined }],
    ['whose scope is empty', { scp: '' }],
    ['whose scope is no text', { scp: ['access_as_user'] }],
  ])('is that of an application %s', async (_case, claims) => {
    const token = await issuer.sign(claims);

    expect(await verifier().verify(token, new Date())).toMatchObject({ caller: { isApplication: true } });
  });

  it('gives no roles where the claim is no list', async () => {
    const token = await issuer.sign({ roles: 'Sallyport.Administrator' });

    expect(await verifier().verify(token, new Date())).toMatchObject({ caller: { roles: [] } });
  });

  it('shows a name without what would change the text around it', async () => {
    const token = await issuer.sign({ name: 'Al\u202Eice\n' });

    expect(await verifier().verify(token, new Date())).toMatchObject({
      caller: { person: { displayName: 'Alice' } },
    });
  });
});

describe('a token that is wrong', () => {
  const claims: [string, Record<string, unknown>, string][] = [
    ['has expired', { exp: 1_000_000 }, 'token-expired'],
    ['expired more than a minute ago', { exp: Math.floor(Date.now() / 1000) - 61 }, 'token-expired'],
    ['is not valid yet', { nbf: 99_999_999_999 }, 'token-not-yet-valid'],
    ['is for another audience', { aud: 'api://fabrikam.example' }, 'token-audience-wrong'],
    ['is from another issuer', { iss: 'https://login.fabrikam.example' }, 'token-issuer-wrong'],
    ['is of another tenant', { tid: 'fab00000-0000-4000-8000-000000000000' }, 'token-tenant-wrong'],
    ['has no tenant', { tid: undefined }, 'token-tenant-wrong'],
    ['has no audience', { aud: undefined }, 'token-audience-wrong'],
    ['has no issuer', { iss: undefined }, 'token-issuer-wrong'],
    ['never expires', { exp: undefined }, 'token-claims-missing'],
    ['has an expiry that is no number', { exp: '99999999999' }, 'token-claims-missing'],
    ['has no object id', { oid: undefined }, 'token-claims-missing'],
    ['has an object id that is an actor of ours', { oid: 'sweep' }, 'token-claims-missing'],
  ];
  it.each(claims)('is refused when it %s', async (_name, changed, code) => {
    const token = await issuer.sign(changed);

    expect(await verifier().verify(token, new Date())).toEqual({ kind: 'refused', code });
  });

  it('is refused when its key id is unknown', async () => {
    const token = await issuer.sign({}, { kid: 'key-of-a-stranger' });

    expect(await verifier().verify(token, new Date())).toEqual({
      kind: 'refused',
      code: 'token-key-unknown',
    });
  });

  it('is refused when it names no key, although there is only one', async () => {
    const token = await issuer.sign({}, { kid: undefined });

    expect(await verifier().verify(token, new Date())).toEqual({
      kind: 'refused',
      code: 'token-key-unknown',
    });
  });

  it('is refused when another key signed it under a known key id', async () => {
    const token = await issuer.sign({}, { kid: 'key-1', foreignKey: true });

    expect(await verifier().verify(token, new Date())).toEqual({
      kind: 'refused',
      code: 'token-signature-invalid',
    });
  });

  it('is refused when a claim was changed after signing', async () => {
    const [header = '', , signature = ''] = (await issuer.sign()).split('.');
    const changed = { ...validClaims(issuer.issuer), roles: ['Sallyport.Administrator'] };
    const token = `${header}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${signature}`;

    expect(await verifier().verify(token, new Date())).toEqual({
      kind: 'refused',
      code: 'token-signature-invalid',
    });
  });

  it.each(['none', 'None', 'NONE', 'nOnE'])(
    'is refused with alg %s, without a key being fetched',
    async (alg) => {
      const token = assembleToken({ alg, kid: 'key-1' }, validClaims(issuer.issuer), '');

      expect(await verifier().verify(token, new Date())).toEqual({
        kind: 'refused',
        code: 'token-algorithm-refused',
      });
      expect(issuer.keyFetches()).toBe(0);
    },
  );

  it('is refused without a signature', async () => {
    const signed = await issuer.sign();
    const unsigned = `${signed.split('.').slice(0, 2).join('.')}.`;

    for (const token of [unsigned, unsigned.slice(0, -1)]) {
      expect(await verifier().verify(token, new Date())).toEqual({
        kind: 'refused',
        code: 'token-malformed',
      });
    }
  });

  it('is refused when it is signed by HS256 with the public key as the secret', async () => {
    const body = assembleToken({ alg: 'HS256', kid: 'key-1' }, validClaims(issuer.issuer), '');
    const signature = createHmac('sha256', issuer.publicKeyPem).update(body.slice(0, -1)).digest('base64url');

    for (const algorithms of [undefined, ['RS256', 'HS256']]) {
      const lenient = verifier(algorithms === undefined ? {} : { algorithms });
      expect(await lenient.verify(body + signature, new Date())).toEqual({
        kind: 'refused',
        code: 'token-algorithm-refused',
      });
    }
  });

  it('is refused when it is larger than any real one', async () => {
    const token = await issuer.sign({ padding: 'x'.repeat(20_000) });

    expect(await verifier().verify(token, new Date())).toEqual({ kind: 'refused', code: 'token-malformed' });
  });

  it('is refused, whatever it is, and never makes the verifier reject', async () => {
    const checked = verifier();
    const part = fc.oneof(
      fc.string(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    const tokens = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
    );

    await fc.assert(
      fc.asyncProperty(tokens, async (token) => {
        expect((await checked.verify(token, new Date())).kind).toBe('refused');
      }),
    );
  });
});

describe("the issuer's keys", () => {
  it('are looked for again when a new key id comes in, but not for each stranger', async () => {
    const checked = verifier();
    await checked.verify(await issuer.sign(), new Date());
    await issuer.rotate();
    const token = await issuer.sign();

    const early = await checked.verify(token, new Date());
    await checked.verify(await issuer.sign({}, { kid: 'stranger' }), new Date());
    const fetchesBefore = issuer.keyFetches();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    const late = await checked.verify(token, new Date());

    expect(early).toEqual({ kind: 'refused', code: 'token-key-unknown' });
    expect(fetchesBefore).toBe(1);
    expect(late).toMatchObject({ kind: 'verified' });
    expect(issuer.keyFetches()).toBe(2);
  });

  it('make tokens unverifiable, not wrong, while they cannot be had, and are left alone for a while', async () => {
    const checked = verifier();
    issuer.setFailing(true);
    const token = await issuer.sign();

    const results = [await checked.verify(token, new Date()), await checked.verify(token, new Date())];
    const fetches = issuer.keyFetches();
    issuer.setFailing(false);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });
    const afterwards = await checked.verify(token, new Date());

    expect(results).toMatchObject([
      { kind: 'unavailable', retryAfterSeconds: 10 },
      { kind: 'unavailable', retryAfterSeconds: 10 },
    ]);
    expect(fetches).toBe(1);
    expect(afterwards).toMatchObject({ kind: 'verified' });
  });

  it('go on serving known key ids while the issuer is down', async () => {
    const checked = verifier();
    const token = await issuer.sign();
    await checked.verify(token, new Date());
    issuer.setFailing(true);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });

    const strangers = await checked.verify(await issuer.sign({}, { kid: 'stranger' }), new Date());
    const known = await checked.verify(token, new Date());

    expect(strangers).toMatchObject({ kind: 'unavailable' });
    expect(known).toMatchObject({ kind: 'verified' });
  });

  it('are unavailable when nobody listens', async () => {
    const checked = verifier();
    const token = await issuer.sign();
    await issuer.close();

    expect(await checked.verify(token, new Date())).toMatchObject({ kind: 'unavailable' });
  });

  it('are not taken from a discovery document of another issuer', async () => {
    issuer.setDiscoveryIssuer('https://login.fabrikam.example');
    const discovering = createTokenVerifier({ issuer: issuer.issuer, audience, tenantId });

    expect(await discovering.verify(await issuer.sign(), new Date())).toMatchObject({ kind: 'unavailable' });
    expect(issuer.keyFetches()).toBe(0);
  });

  it('are looked for again by discovery after it failed', async () => {
    const discovering = createTokenVerifier({ issuer: issuer.issuer, audience, tenantId });
    issuer.setFailing(true);
    const token = await issuer.sign();

    const during = await discovering.verify(token, new Date());
    issuer.setFailing(false);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });

    expect(during).toMatchObject({ kind: 'unavailable' });
    expect(await discovering.verify(token, new Date())).toMatchObject({ kind: 'verified' });
  });
});

describe('a token for Azure Resource Manager', () => {
  it.each([
    ...[
      'https://management.azure.com',
      'https://management.azure.com/',
      'https://management.core.windows.net//',
    ],
    ...['https://MANAGEMENT.usgovcloudapi.net/', 'https://management.chinacloudapi.cn'],
    '797f4846-ba00-4fd7-ba43-dac1f8f63013',
  ])('with the audience %s is refused, telling what to set', async (aud) => {
    const token = await issuer.sign({ aud });

    expect(await verifier().verify(token, new Date())).toEqual({
      kind: 'refused',
      code: 'token-audience-wrong',
      detail: expect.stringContaining(`Set credentialScopes to ["${audience}/.default"]`) as string,
    });
  });

  it('is told so although its issuer is an older one', async () => {
    const token = await issuer.sign({
      aud: 'https://management.azure.com',
      iss: `https://sts.windows.net/${tenantId}/`,
    });

    expect(await verifier().verify(token, new Date())).toMatchObject({
      code: 'token-audience-wrong',
      detail: expect.stringContaining('credentialScopes') as string,
    });
  });

  it('is told so among several audiences, and an expired one stays expired', async () => {
    const several = await issuer.sign({
      aud: ['https://graph.microsoft.com', 'https://management.azure.com'],
    });
    const expired = await issuer.sign({ aud: 'https://management.azure.com', exp: seconds(-3600) });

    expect(await verifier().verify(several, new Date())).toMatchObject({
      code: 'token-audience-wrong',
      detail: expect.anything() as string,
    });
    expect(await verifier().verify(expired, new Date())).toMatchObject({ kind: 'refused' });
  });

  it('is all that is told more of: another audience, or one that only looks alike, is refused as before', async () => {
    for (const aud of [
      'https://graph.microsoft.com',
      'https://management.azure.com.evil.example',
      7,
      undefined,
    ]) {
      const token = await issuer.sign({ aud } as JWTPayload);
      expect(await verifier().verify(token, new Date())).not.toHaveProperty('detail');
    }
  });
});
