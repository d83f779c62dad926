import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { handleCall } from '../../src/http/handleCall.ts';
import { call, surroundings } from '../support/httpCalls.ts';
import { alice, bob, startTokenIssuer, tenantId } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

const schema = 'http://schemas.microsoft.com/identity/claims';
const bobsClaims = [
  { typ: `${schema}/objectidentifier`, val: bob.objectId },
  { typ: `${schema}/tenantid`, val: tenantId },
  { typ: 'name', val: bob.displayName },
  { typ: 'roles', val: 'Sallyport.Auditor' },
];

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
}
function aPrincipal(changes: Record<string, unknown> = {}): Record<string, string> {
  return {
    'x-ms-client-principal': encode({
      auth_typ: 'aad',
      name_typ: 'name',
      role_typ: 'roles',
      claims: bobsClaims,
      ...changes,
    }),
    'x-ms-client-principal-id': bob.objectId,
    'x-ms-client-principal-name': bob.displayName,
  };
}
const claimsWith = (typ: string, val: string) => [
  ...bobsClaims.filter((claim) => claim.typ !== typ),
  { typ, val },
];

/** Asks who we are taken for. */
async function ask(headers: Record<string, string>, trustAppServiceAuthentication: boolean) {
  const around = surroundings(issuer, { trustAppServiceAuthentication });
  const handler = handleCall(around, ({ caller }) =>
    Promise.resolve({ ok: true, status: 200, body: caller }),
  );
  return { ...(await call(handler, { headers })), refusals: around.refusals };
}
const bearer = async (objectId = alice.objectId) => ({
  authorization: `Bearer ${await issuer.sign({ oid: objectId })}`,
});

describe('the identity that App Service passes on', () => {
  it('is ignored unless the setting trusts it', async () => {
    const forged = await ask(aPrincipal(), false);
    const beside = await ask({ ...aPrincipal(), ...(await bearer()) }, false);

    expect(forged).toMatchObject({
      status: 401,
      json: { code: 'token-missing' },
      refusals: ['token-missing'],
    });
    expect(beside).toMatchObject({ status: 200, json: { person: { objectId: alice.objectId }, roles: [] } });
  });

  it('does no harm when it is malformed and not trusted', async () => {
    const answer = await ask({ 'x-ms-client-principal': '{', ...(await bearer()) }, false);

    expect(answer.status).toBe(200);
  });

  it.each([
    ['is named as one', 'idtyp', 'app'],
    [
      'is its own subject',
      'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier',
      bob.objectId.toUpperCase(),
    ],
  ])('is an application where it %s', async (_case, typ, val) => {
    const person = await ask(aPrincipal(), true);
    const application = await ask(aPrincipal({ claims: claimsWith(typ, val) }), true);

    expect(person.json).not.toHaveProperty('isApplication');
    expect(application.json).toMatchObject({ isApplication: true });
  });

  it('is who is asking where the setting trusts it', async () => {
    const answer = await ask(aPrincipal(), true);

    expect(answer).toMatchObject({
      status: 200,
      json: { person: { ...bob, tenantId }, roles: ['Sallyport.Auditor'] },
    });
  });

  it('is read in the short names of claims too', async () => {
    const claims = [
      { typ: 'oid', val: bob.objectId.toUpperCase() },
      { typ: 'tid', val: tenantId.toUpperCase() },
    ];

    expect(await ask(aPrincipal({ claims }), true)).toMatchObject({
      status: 200,
      json: { person: { objectId: bob.objectId, tenantId, displayName: bob.objectId }, roles: [] },
    });
  });

  it("must be the token's where both are sent", async () => {
    const same = await ask({ ...aPrincipal(), ...(await bearer(bob.objectId)) }, true);
    const different = await ask({ ...aPrincipal(), ...(await bearer()) }, true);
    const broken = await ask({ ...aPrincipal(), authorization: 'Bearer x.y.z' }, true);

    expect(same).toMatchObject({ status: 200, json: { person: { objectId: bob.objectId } } });
    expect(different).toMatchObject({ status: 401, json: { code: 'principal-mismatch' } });
    expect(broken).toMatchObject({ status: 401, json: { code: 'token-malformed' } });
  });

  it('is not needed beside a token where it is trusted', async () => {
    expect(await ask(await bearer(), true)).toMatchObject({ status: 200 });
    expect(await ask({}, true)).toMatchObject({ status: 401, json: { code: 'token-missing' } });
  });

  it.each<[string, Record<string, string>, string]>([
    ['is empty', { 'x-ms-client-principal': '' }, 'principal-malformed'],
    ['is no base64', { 'x-ms-client-principal': '{"auth_typ":"aad"}' }, 'principal-malformed'],
    ['is no JSON', { 'x-ms-client-principal': encode('{') }, 'principal-malformed'],
    ['is null', { 'x-ms-client-principal': encode('null') }, 'principal-malformed'],
    ['has no claims', aPrincipal({ claims: undefined }), 'principal-malformed'],
    ['has claims without text', aPrincipal({ claims: [{ typ: 'oid' }] }), 'principal-malformed'],
    ['is of another provider', aPrincipal({ auth_typ: 'github' }), 'principal-malformed'],
    ['has no object id', aPrincipal({ claims: bobsClaims.slice(1) }), 'principal-malformed'],
    [
      'has an object id that is no GUID',
      aPrincipal({ claims: claimsWith(`${schema}/objectidentifier`, 'sweep') }),
      'principal-malformed',
    ],
    [
      'has two object ids',
      aPrincipal({ claims: [...bobsClaims, { typ: 'oid', val: alice.objectId }] }),
      'principal-malformed',
    ],
    [
      'has another tenant',
      aPrincipal({ claims: claimsWith(`${schema}/tenantid`, alice.objectId) }),
      'token-tenant-wrong',
    ],
    [
      'has no tenant',
      aPrincipal({ claims: bobsClaims.filter(({ typ }) => !typ.endsWith('tenantid')) }),
      'token-tenant-wrong',
    ],
    [
      'differs from the id beside it',
      { ...aPrincipal(), 'x-ms-client-principal-id': alice.objectId },
      'principal-mismatch',
    ],
    [
      'was sent twice',
      { 'x-ms-client-principal': `${aPrincipal()['x-ms-client-principal'] ?? ''},${encode({})}` },
      'principal-malformed',
    ],
    [
      'is larger than any real one',
      { 'x-ms-client-principal': encode(aPrincipal({ padding: 'x'.repeat(40_000) })) },
      'principal-malformed',
    ],
  ])('is refused when it is trusted and %s', async (_name, headers, code) => {
    expect(await ask(headers, true)).toMatchObject({ status: 401, json: { code }, refusals: [code] });
  });

  it('never causes more than a refusal, whatever it is', async () => {
    const value = fc.oneof(
      fc.base64String(),
      fc.json().map(encode),
      fc.record({ auth_typ: fc.constant('aad'), claims: fc.jsonValue() }).map(encode),
    );

    await fc.assert(
      fc.asyncProperty(value, async (principal) => {
        expect((await ask({ 'x-ms-client-principal': principal }, true)).status).toBe(401);
      }),
    );
  });
});

describe('the Authorization header', () => {
  it.each(['Bearer', 'bearer', 'BEARER'])('may begin with %s', async (scheme) => {
    const { authorization } = await bearer();

    expect((await ask({ authorization: authorization.replace('Bearer', scheme) }, false)).status).toBe(200);
  });

  it('asks for credentials without an error code where none were sent', async () => {
    expect((await ask({}, false)).headers['www-authenticate']).toBe('Bearer');
    expect((await ask({ authorization: 'Bearer x' }, false)).headers['www-authenticate']).toBe(
      'Bearer error="invalid_token"',
    );
  });
});
