import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSigningKeys } from '../../../src/adapters/tokens/checkSigningKeys.ts';
import { startTokenIssuer } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

describe('the check of signing keys', () => {
  it('is well where discovery leads to keys, and asks for them each time', async () => {
    expect(await checkSigningKeys({ issuer: issuer.issuer })).toEqual({ status: 'ok' });
    expect(await checkSigningKeys({ issuer: issuer.issuer })).toEqual({ status: 'ok' });
    expect(issuer.keyFetches()).toBe(2);
  });

  it('is well where the address of the keys is set', async () => {
    const { jwksUri } = issuer;
    expect(await checkSigningKeys({ issuer: 'https://login.invalid', jwksUri })).toEqual({ status: 'ok' });
  });

  it('fails while the issuer does, in our own words', async () => {
    issuer.setFailing(true);
    const verdict = await checkSigningKeys({ issuer: issuer.issuer });
    issuer.setFailing(false);

    expect(verdict).toMatchObject({ status: 'failing', cause: 'Discovery answered 503' });
    expect(verdict).toHaveProperty(
      'reason',
      expect.stringMatching(/^The keys of the token issuer cannot be had\./),
    );
  });

  it('fails where nobody answers', async () => {
    const verdict = await checkSigningKeys({ issuer: issuer.issuer, jwksUri: 'http://127.0.0.1:1/keys' });
    expect(verdict.status).toBe('failing');
  });

  it.each([
    ['no key', 200, '{"keys":[]}', 'There is no key'],
    ['no key set', 200, '[]', 'There is no key'],
    ['an error', 500, '{}', 'The address of the keys answered 500'],
  ])('fails where the address of the keys has %s', async (_what, status, body, cause) => {
    const server = createServer((_request, response) => void response.writeHead(status).end(body));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;

    expect(await checkSigningKeys({ issuer: issuer.issuer, jwksUri })).toMatchObject({
      status: 'failing',
      cause,
    });
    server.close();
  });
});
