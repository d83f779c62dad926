import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessToken } from '@azure/core-auth';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCredential, shareRequests } from '../../../src/adapters/arm/credential.ts';

const scope = 'https://management.azure.com/.default';
const token = (text: string): AccessToken => ({ token: text, expiresOnTimestamp: Date.now() + 3_600_000 });

/** Answers each token request when the test says so. */
function heldCredential() {
  const asked: string[] = [];
  const held: { resolve(token: AccessToken): void; reject(error: Error): void }[] = [];
  const getToken = (scopes: string | string[]) => {
    asked.push(String(scopes));
    return new Promise<AccessToken>((resolve, reject) => held.push({ resolve, reject }));
  };
  return { asked, held, credential: { getToken } };
}

describe('shareRequests', () => {
  it('makes the credential with the first token, once', async () => {
    const make = vi.fn(() => Promise.resolve({ getToken: () => Promise.resolve(token('a')) }));
    const credential = shareRequests(make);
    expect(make).not.toHaveBeenCalled();
    await credential.getToken(scope);
    await credential.getToken(scope);
    expect(make).toHaveBeenCalledTimes(1);
  });

  it('asks once for a token that several want at the same time', async () => {
    const { asked, held, credential } = heldCredential();
    const shared = shareRequests(() => Promise.resolve(credential));
    const both = Promise.all([shared.getToken(scope), shared.getToken(scope)]);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    held[0]?.resolve(token('a'));
    expect((await both).map((one) => one?.token)).toEqual(['a', 'a']);
    expect(asked).toEqual([scope]);
  });

  it('asks for one token at a time, and goes on after a failure', async () => {
    const { asked, held, credential } = heldCredential();
    const shared = shareRequests(() => Promise.resolve(credential));
    const first = shared.getToken(scope);
    const second = shared.getToken('https://storage.azure.com/.default');
    await vi.waitFor(() => expect(held).toHaveLength(1));
    expect(asked).toEqual([scope]);
    held[0]?.reject(new Error('The identity endpoint is down.'));
    await expect(first).rejects.toThrow('identity endpoint');
    await vi.waitFor(() => expect(held).toHaveLength(2));
    held[1]?.resolve(token('b'));
    expect((await second)?.token).toBe('b');
  });
});

describe('createCredential', () => {
  let server: Server | undefined;
  afterEach(async () => {
    vi.unstubAllEnvs();
    server?.close();
    if (server) await once(server, 'close');
  });

  it('speaks the App Service protocol as a managed identity, and keeps the token', async () => {
    const seen: { url: URL; headers: IncomingHttpHeaders }[] = [];
    server = createServer((request, response) => {
      seen.push({ url: new URL(request.url ?? '', 'http://127.0.0.1'), headers: request.headers });
      response.setHeader('Content-Type', 'application/json').end(
        JSON.stringify({
          access_token: 'issued',
          expires_on: String(Math.trunc(Date.now() / 1000) + 3600),
          resource: 'https://management.azure.com',
          token_type: 'Bearer',
        }),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${String(port)}/msi/token`);
    vi.stubEnv('IDENTITY_HEADER', 'a-header');
    const clientId = '0d9b5a10-0000-4000-8000-000000000001';

    const credential = createCredential({ kind: 'managed-identity', clientId });
    expect((await credential.getToken(scope))?.token).toBe('issued');
    expect((await credential.getToken(scope))?.token).toBe('issued');
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers).toMatchObject({ 'x-identity-header': 'a-header' });
    expect(seen[0]?.url.searchParams.get('resource')).toBe('https://management.azure.com');
    expect(seen[0]?.url.searchParams.get('client_id')).toBe(clientId);
  });
});
