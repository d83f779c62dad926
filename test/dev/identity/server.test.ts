import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedIdentityCredential } from '@azure/identity';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startIdentity } from '../../../dev/identity/server.ts';
import type { Identity } from '../../../dev/identity/server.ts';
import { appIdentity, people, sampleTenantId } from '../../../dev/sample/people.ts';

let identity: Identity;
let folder: string;

beforeAll(async () => {
  identity = await startIdentity();
  folder = mkdtempSync(join(tmpdir(), 'sallyport-identity-'));
});
afterAll(async () => {
  await identity.stop();
  rmSync(folder, { recursive: true });
});
afterEach(() => vi.unstubAllEnvs());

/** Verifies as a resource server would: from discovery alone. */
async function verify(token: string, issuer = identity) {
  const discovery = (await (
    await fetch(`${issuer.url}/${issuer.tenantId}/v2.0/.well-known/openid-configuration`)
  ).json()) as { issuer: string; jwks_uri: string };
  return jwtVerify(token, createRemoteJWKSet(new URL(discovery.jwks_uri)), {
    issuer: discovery.issuer,
    audience: issuer.audience,
    algorithms: ['RS256'],
  });
}

describe('tokens of people', () => {
  it('verify with the keys that discovery points to', async () => {
    const { payload, protectedHeader } = await verify(await identity.token('alice'));

    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT' });
    expect(payload).toMatchObject({
      iss: `${identity.url}/${sampleTenantId}/v2.0`,
      aud: 'api://sallyport',
      tid: sampleTenantId,
      oid: people.alice.objectId,
      name: 'Alice Example',
      preferred_username: 'alice@contoso.example',
      ver: '2.0',
    });
    expect(payload.exp).toBe((payload.iat ?? 0) + 3600);
  });

  it('carry the app roles that people have, and none for others', async () => {
    const roles = async (name: keyof typeof people) => decodeJwt(await identity.token(name))['roles'];

    expect(await roles('bob')).toEqual(['Sallyport.BreakGlass']);
    expect(await roles('dave')).toEqual(['Sallyport.Auditor']);
    expect(await roles('erin')).toEqual(['Sallyport.Administrator']);
    expect(await roles('alice')).toBeUndefined();
  });

  it('are handed out over HTTP, as JSON and as plain text, for the asked lifetime', async () => {
    const json = (await (await fetch(`${identity.url}/token?person=bob&lifetime=60`)).json()) as {
      access_token: string;
      expires_in: number;
    };
    const text = await (await fetch(`${identity.url}/token?person=bob&format=text`)).text();

    const { payload } = await verify(json.access_token);
    expect(payload.exp).toBe((payload.iat ?? 0) + 60);
    expect(json.expires_in).toBe(60);
    expect((await verify(text)).payload['oid']).toBe(people.bob.objectId);
  });

  it('are handed out for Azure Resource Manager too, and for no audience that the issuer was not told of', async () => {
    const ask = (resource: string) =>
      fetch(
        `${identity.url}/token?${new URLSearchParams({ person: 'frank', format: 'text', resource }).toString()}`,
      );
    const forAzure = decodeJwt(await (await ask('https://management.azure.com')).text());

    expect([forAzure.aud, forAzure['oid']]).toEqual(['https://management.azure.com', people.frank.objectId]);
    expect((await ask('https://vault.azure.net')).status).toBe(400);
    expect((await ask('')).status).toBe(400);
  });

  it('are refused for strangers, for odd lifetimes and for foreign host names', async () => {
    const status = async (query: string) => (await fetch(`${identity.url}/token?${query}`)).status;

    expect(await status('person=mallory')).toBe(400);
    expect(await status('person=toString')).toBe(400);
    expect(await status('person=alice&lifetime=forever')).toBe(400);
    expect(await statusAsHost('attacker.example')).toBe(421);
    expect(await statusAsHost('localhost:1')).toBe(200);
  });
});

describe('forged and odd tokens', () => {
  it('fail verification when signed with a key that was never published', async () => {
    const claims = decodeJwt(await identity.token('alice'));

    await expect(verify(await identity.sign(claims, { key: 'unpublished' }))).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    });
    await expect(verify(await identity.sign(claims, { kid: 'unknown' }))).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
  });

  it.each(['RS512', 'HS256', 'none'] as const)('fail verification with algorithm %s', async (algorithm) => {
    const forged = await identity.sign(decodeJwt(await identity.token('alice')), { algorithm });

    expect(decodeProtectedHeader(forged).alg).toBe(algorithm);
    await expect(verify(forged)).rejects.toThrow();
  });

  it('fail verification when expired or from another issuer', async () => {
    const expired = await identity.token('alice', -60);
    const other = await identity.sign({
      ...decodeJwt(await identity.token('alice')),
      iss: 'https://fabrikam.example',
    });

    await expect(verify(expired)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' });
    await expect(verify(other)).rejects.toMatchObject({
      code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
      claim: 'iss',
    });
  });

  it('verify when only their claims are odd', async () => {
    const odd = await identity.sign({ ...decodeJwt(await identity.token('alice')), oid: 42 });

    expect((await verify(odd)).payload['oid']).toBe(42);
  });
});

describe('the managed identity', () => {
  it('gives the Azure SDK a token for the resource manager', async () => {
    vi.stubEnv('IDENTITY_ENDPOINT', identity.managedIdentity.endpoint);
    vi.stubEnv('IDENTITY_HEADER', identity.managedIdentity.header);

    const token = await new ManagedIdentityCredential().getToken('https://management.azure.com/.default');

    expect(decodeJwt(token.token)).toMatchObject({
      iss: identity.issuer,
      aud: 'https://management.azure.com',
      oid: appIdentity.objectId,
      idtyp: 'app',
    });
    expect(token.expiresOnTimestamp).toBeGreaterThan(Date.now() + 23 * 3_600_000);
  });

  it('gives nothing without its header, at another version or for another resource', async () => {
    const arm = 'resource=https://management.azure.com&api-version=2019-08-01';
    const status = async (query: string, header?: string) =>
      (
        await fetch(`${identity.managedIdentity.endpoint}?${query}`, {
          headers: header === undefined ? {} : { 'x-identity-header': header },
        })
      ).status;

    expect(await status(arm)).toBe(401);
    expect(await status(arm, 'guessed')).toBe(401);
    expect(await status(arm.replace('2019-08-01', '2018-02-01'), identity.managedIdentity.header)).toBe(400);
    expect(await status(arm.replace('management', 'vault'), identity.managedIdentity.header)).toBe(400);
    expect(await status(arm, identity.managedIdentity.header)).toBe(200);
  });
});

it('gives its managed identity tokens for further resources that it was told of', async () => {
  const local = await startIdentity({ resources: ['https://127.0.0.1:8443'] });
  const query = new URLSearchParams({ resource: 'https://127.0.0.1:8443', 'api-version': '2019-08-01' });

  // Not by the SDK's credential: it remembers the first endpoint of its process.
  const response = await fetch(`${local.managedIdentity.endpoint}?${query.toString()}`, {
    headers: { 'x-identity-header': local.managedIdentity.header },
  });

  const { access_token: token } = (await response.json()) as { access_token: string };
  expect(decodeJwt(token).aud).toBe('https://127.0.0.1:8443');
  await local.stop();
});

describe('the key file', () => {
  it('keeps the key across restarts, readable by its owner only', async () => {
    const keyFile = join(folder, 'key.json');
    const first = await startIdentity({ keyFile });
    const token = await first.token('alice');
    const keys = await (await fetch(`${first.url}/${sampleTenantId}/discovery/v2.0/keys`)).text();
    await first.stop();

    const second = await startIdentity({ keyFile, port: Number(new URL(first.url).port) });

    expect((await verify(token, second)).payload['oid']).toBe(people.alice.objectId);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(keys).not.toContain((JSON.parse(readFileSync(keyFile, 'utf8')) as { d: string }).d);
    await second.stop();
  });

  it.each(['', 'not JSON', '{"kty":"RSA"}'])('is refused by name when it holds %j', async (content) => {
    const keyFile = join(folder, 'broken.json');
    writeFileSync(keyFile, content);

    await expect(startIdentity({ keyFile })).rejects.toThrow(/broken\.json holds no signing key/);
  });
});

it('says so when its port is taken', async () => {
  const port = Number(new URL(identity.url).port);

  await expect(startIdentity({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

/** fetch does not let the Host header be chosen. */
function statusAsHost(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${identity.url}/token?person=alice`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
