import { randomUUID } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import type { CryptoKey, JWTPayload } from 'jose';
import { appIdentity, people } from '../sample/people.ts';
import type { PersonName } from '../sample/people.ts';
import type { SigningKey } from './keys.ts';

/** How a token departs from an honest one. */
export interface SignOptions {
  /**
   * `HS256` is keyed with the public key's PEM, the classic confusion of algorithms; `none` is unsigned.
   * Default `RS256`.
   */
  algorithm?: 'RS256' | 'RS512' | 'HS256' | 'none';
  /** The header's `kid`; null leaves it out. Default: that of the published key. */
  kid?: string | null;
  /** Sign with a key that the JWKS has never shown. Default `published`. */
  key?: 'published' | 'unpublished';
}

export interface TokenRealm {
  issuer: string;
  tenantId: string;
  audience: string;
}

/**
 * The claims of a person's access token as Entra's v2 endpoint makes them, for the app or another audience. Lifetime in
 * seconds; negative: expired.
 */
export function claimsOfPerson(
  realm: TokenRealm,
  name: PersonName,
  lifetime = 3600,
  audience = realm.audience,
): JWTPayload {
  const person = people[name];
  return {
    ...claimsOfRealm(realm, audience, lifetime),
    sub: person.objectId,
    oid: person.objectId,
    name: person.displayName,
    preferred_username: person.userPrincipalName,
    ...(person.roles.length > 0 && { roles: [...person.roles] }),
    scp: 'access_as_user',
    azp: '00000000-0000-4000-8000-00000000c11e',
    azpacr: '0',
  };
}

/** The claims of an app-only token for the function app's managed identity. */
export function claimsOfApp(realm: TokenRealm, resource: string, lifetime = 86_400): JWTPayload {
  return {
    ...claimsOfRealm(realm, resource, lifetime),
    sub: appIdentity.objectId,
    oid: appIdentity.objectId,
    azp: appIdentity.clientId,
    azpacr: '2',
    idtyp: 'app',
  };
}

/** Signs any claims, honestly unless told otherwise; what is wrong with them is the caller's wish. */
export async function sign(
  claims: JWTPayload,
  keys: { published: SigningKey; unpublished: SigningKey },
  options: SignOptions = {},
): Promise<string> {
  const { algorithm = 'RS256', key = 'published' } = options;
  if (algorithm === 'none') return new UnsecuredJWT(claims).encode();
  const kid = options.kid === undefined ? keys.published.kid : options.kid;
  const header = { alg: algorithm, typ: 'JWT', ...(kid !== null && { kid }) };
  const secret =
    algorithm === 'HS256'
      ? new TextEncoder().encode(keys[key].publicPem)
      : await privateKey(keys[key], algorithm);
  return new SignJWT(claims).setProtectedHeader(header).sign(secret);
}

async function privateKey(key: SigningKey, algorithm: 'RS256' | 'RS512'): Promise<CryptoKey> {
  if (algorithm === 'RS256') return key.privateKey;
  // A WebCrypto key is bound to one hash.
  const hash = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' };
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', key.privateKey);
  return crypto.subtle.importKey('pkcs8', pkcs8, hash, false, ['sign']);
}

function claimsOfRealm(realm: TokenRealm, audience: string, lifetime: number): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: realm.issuer,
    aud: audience,
    tid: realm.tenantId,
    ver: '2.0',
    iat: now + Math.min(lifetime, 0),
    nbf: now + Math.min(lifetime, 0),
    exp: now + lifetime,
    uti: randomUUID(),
  };
}
