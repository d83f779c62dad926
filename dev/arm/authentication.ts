import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { gatewayError } from './errors.ts';

/** Who calls: the token's object id, by which ARM throttles and authorises. */
export interface Caller {
  objectId: string;
}

export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

const ANYBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Makes the check of the Authorization header. With an issuer, tokens must be signed by it, for the audience and not
 * expired; without one any bearer passes. Throws the gateway's 401.
 */
export function authenticator(
  tenantId: string,
  issuer: { url: string; audience: string } | undefined,
): Authenticate {
  const verify = issuer && verifier(issuer);
  const refuse = (code: string, message: string, error: string) =>
    gatewayError(401, code, message, {
      'WWW-Authenticate':
        `Bearer authorization_uri="https://login.microsoftonline.com/${tenantId}", ` +
        `error="${error}", error_description="${message}"`,
    });
  return async (authorization) => {
    if (authorization === undefined) {
      throw refuse(
        'AuthenticationFailed',
        "Authentication failed. The 'Authorization' header is missing.",
        'invalid_token',
      );
    }
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) {
      throw refuse(
        'AuthenticationFailedInvalidHeader',
        "Authentication failed. The 'Authorization' header is provided in an invalid format.",
        'invalid_request',
      );
    }
    if (!verify) return { objectId: objectIdOf(token) };
    try {
      return await verify(token);
    } catch (error) {
      const expired = error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED';
      throw expired
        ? refuse('ExpiredAuthenticationToken', 'The access token has expired.', 'invalid_token')
        : refuse('InvalidAuthenticationToken', 'The access token is invalid.', 'invalid_token');
    }
  };
}

function verifier(issuer: { url: string; audience: string }) {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;
  return async (token: string): Promise<Caller> => {
    keys ??= createRemoteJWKSet(await jwksUri(issuer.url));
    const { payload } = await jwtVerify(token, keys, { issuer: issuer.url, audience: issuer.audience });
    return { objectId: typeof payload['oid'] === 'string' ? payload['oid'] : (payload.sub ?? ANYBODY) };
  };
}

async function jwksUri(issuer: string): Promise<URL> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { jwks_uri: uri } = (await response.json()) as { jwks_uri: string };
  return new URL(uri);
}

function objectIdOf(token: string): string {
  try {
    const { oid, sub } = decodeJwt(token);
    return typeof oid === 'string' ? oid : (sub ?? ANYBODY);
  } catch {
    return ANYBODY;
  }
}
