import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { World } from './client.ts';
import { startWorld, WEB_NSG } from './client.ts';

let world: World | undefined;
afterEach(() => world?.arm.close());

describe('without an issuer', () => {
  it('refuses a request without a token in ARM’s words', async () => {
    world = await startWorld();
    const response = await fetch(`${world.arm.url}${WEB_NSG}?api-version=2025-05-01`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer authorization_uri=.*error="invalid_token"/,
    );
    expect(await response.json()).toEqual({
      error: {
        code: 'AuthenticationFailed',
        message: "Authentication failed. The 'Authorization' header is missing.",
      },
    });
  });

  it('accepts any bearer', async () => {
    world = await startWorld();
    expect((await world.send('GET', WEB_NSG)).status).toBe(200);
  });
});

describe('with an issuer', () => {
  const audience = 'https://management.azure.com';
  let issuer: string;
  let sign: (claims: { aud?: string; exp?: number; iss?: string }) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const key = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256' };
    const server = createServer((request, response) => {
      const configuration = { issuer, jwks_uri: `${issuer}/keys` };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url === '/keys' ? { keys: [key] } : configuration));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    sign = ({ aud = audience, iss = issuer, exp = Math.floor(Date.now() / 1000) + 600 }) =>
      new SignJWT({ oid: 'abcdef00-0000-4000-8000-000000000000' })
        .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
        .setIssuer(iss)
        .setAudience(aud)
        .setExpirationTime(exp)
        .sign(privateKey);
    return () => server.close();
  });

  async function call(token: string) {
    world = await startWorld({ issuer: { url: issuer, audience } });
    return world.send('GET', WEB_NSG, undefined, { authorization: `Bearer ${token}` });
  }

  it('accepts its token', async () => {
    expect((await call(await sign({}))).status).toBe(200);
  });

  it('refuses a token for another audience', async () => {
    const { status, body } = await call(await sign({ aud: 'https://graph.microsoft.com' }));
    expect([status, body['error']?.['code']]).toEqual([401, 'InvalidAuthenticationToken']);
  });

  it('refuses an expired token by name', async () => {
    const { status, body } = await call(await sign({ exp: 1_000_000 }));
    expect([status, body['error']?.['code']]).toEqual([401, 'ExpiredAuthenticationToken']);
  });

  it('refuses what is no token at all', async () => {
    expect((await call('opaque')).status).toBe(401);
  });
});
