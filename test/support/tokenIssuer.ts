import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import type { JWTPayload } from 'jose';

/** An issuer of tokens on the loopback interface, with keys of its own. */
export interface TokenIssuer {
  issuer: string;
  jwksUri: string;
  /** PEM of the published key, for whoever takes it for a shared secret. */
  publicKeyPem: string;
  /** How often the keys were fetched. */
  keyFetches(): number;
  discoveryFetches(): number;
  /** Answers fail, or go well again. */
  setFailing(failing: boolean): void;
  setDiscoveryIssuer(issuer: string): void;
  /** Publishes a second key and signs with it from now on. */
  rotate(): Promise<void>;
  /** A token with the claims of `aliceClaims` unless told otherwise; an undefined claim is left out. */
  sign(claims?: JWTPayload, options?: { kid?: string | undefined; foreignKey?: boolean }): Promise<string>;
  close(): Promise<void>;
}

export const tenantId = '5c0e1a1e-0000-4000-8000-00000000c0de';
export const audience = 'api://sallyport.contoso.example';
export const alice = { objectId: 'a11ce000-0000-4000-8000-000000000001', displayName: 'Alice of Contoso' };
export const bob = { objectId: 'b0b00000-0000-4000-8000-000000000002', displayName: 'Bob of Fabrikam' };

/** Made once for each test file: RSA keys take their time. */
const keyPairs = Promise.all([newKeyPair(), newKeyPair(), newKeyPair()]);

function newKeyPair() {
  return generateKeyPair('RS256', { extractable: true });
}

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const [first, next, foreign] = await keyPairs;
  let pair = first;
  const publicKeyPem = await exportSPKI(pair.publicKey);
  let kid = 'key-1';
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid, use: 'sig', alg: 'RS256' }];
  let failing = false;
  let keyFetches = 0;
  let discoveryFetches = 0;
  let discoveryIssuer: string | undefined;

  const server: Server = createServer((request, response) => {
    const discovery = request.url === '/tenant/.well-known/openid-configuration';
    if (discovery) discoveryFetches += 1;
    else keyFetches += 1;
    if (failing) {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(discovery ? { issuer: discoveryIssuer ?? issuer, jwks_uri: jwksUri } : { keys }),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}/tenant`;
  const jwksUri = `http://127.0.0.1:${port}/keys`;

  return {
    issuer,
    jwksUri,
    publicKeyPem,
    keyFetches: () => keyFetches,
    discoveryFetches: () => discoveryFetches,
    setFailing: (value) => {
      failing = value;
    },
    setDiscoveryIssuer: (value) => {
      discoveryIssuer = value;
    },
    rotate: async () => {
      pair = next;
      kid = 'key-2';
      keys.push({ ...(await exportJWK(pair.publicKey)), kid, use: 'sig', alg: 'RS256' });
    },
    sign: (claims = {}, options = {}) => {
      const header = { alg: 'RS256', typ: 'JWT', ...('kid' in options ? options : { kid }) };
      const protectedHeader = {
        alg: header.alg,
        typ: header.typ,
        ...(header.kid !== undefined && { kid: header.kid }),
      };
      return new SignJWT({ ...validClaims(issuer), ...claims })
        .setProtectedHeader(protectedHeader)
        .sign(options.foreignKey === true ? foreign.privateKey : pair.privateKey);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** What a valid token of Alice says. */
export function validClaims(issuer: string): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: audience,
    tid: tenantId,
    oid: alice.objectId,
    sub: 'alice-at-sallyport',
    name: alice.displayName,
    scp: 'access_as_user',
    iat: now,
    nbf: now,
    exp: now + 3600,
  };
}

/** A compact JWT put together by hand, with any header and signature. */
export function assembleToken(header: object, claims: object, signature: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode(header)}.${encode(claims)}.${signature}`;
}
