import { createRemoteJWKSet, customFetch, errors } from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import * as z from 'zod';

/** The issuer's keys cannot be had at the moment; says nothing about any token. */
export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable';
}

export interface SigningKeysSettings {
  issuer: string;
  /** Found by discovery from the issuer when left out. */
  jwksUri?: string;
}

/** How long the issuer is left alone after it could not be reached. */
export const retryAfterFailureSeconds = 10;
export const deadlineMilliseconds = 5_000;
/** Between two looks for an unknown key id: what strangers send costs the issuer no more than that. */
const lookAgainMilliseconds = 30_000;
/** New keys are found by their unknown ids; a key that was withdrawn is out within the hour. */
const cacheMilliseconds = 3_600_000;

const discoveryDocument = z.object({ issuer: z.string(), jwks_uri: z.url() });

/**
 * Finds a token's key among those that the issuer publishes: fetched with a deadline, cached, and not asked for again
 * and again while the issuer is down. Throws KeysUnavailable, or jose's errors when it is the token that is wrong.
 */
export function createSigningKeys(settings: SigningKeysSettings): JWTVerifyGetKey {
  let failedAt = Number.NEGATIVE_INFINITY;
  let opening: Promise<JWTVerifyGetKey> | undefined;

  const coolingDown = () => Date.now() < failedAt + retryAfterFailureSeconds * 1000;
  // jose's own cooldown follows successful fetches only; without this one an outage means a fetch per request.
  const sparingFetch = async (url: string, options: RequestInit): Promise<Response> => {
    if (coolingDown()) throw new Error('The issuer could not be reached a moment ago');
    return await fetch(url, options);
  };
  const open = async (): Promise<JWTVerifyGetKey> => {
    const uri = settings.jwksUri ?? (await discover(settings.issuer, sparingFetch));
    return createRemoteJWKSet(new URL(uri), {
      timeoutDuration: deadlineMilliseconds,
      cooldownDuration: lookAgainMilliseconds,
      cacheMaxAge: cacheMilliseconds,
      [customFetch]: sparingFetch,
    });
  };

  return async (header, token) => {
    opening ??= open();
    const opened = opening;
    try {
      const keys = await opened.catch((error: unknown) => {
        // Only what failed is forgotten, not what somebody else has begun since.
        if (opening === opened) opening = undefined;
        throw error;
      });
      return await keys(header, token);
    } catch (error) {
      if (speaksOfToken(error)) throw error;
      if (!coolingDown()) failedAt = Date.now();
      throw new KeysUnavailable('The keys of the token issuer cannot be had', { cause: error });
    }
  };
}

/** Where the issuer's own description says that its keys are. Throws where there is none, or it is not to be believed. */
export async function discover(
  issuer: string,
  get: (url: string, options: RequestInit) => Promise<Response>,
): Promise<string> {
  const response = await get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(deadlineMilliseconds),
  });
  if (response.status !== 200) throw new Error(`Discovery answered ${response.status}`);
  const document = discoveryDocument.parse(await response.json());
  if (document.issuer !== issuer) throw new Error('Discovery answered for another issuer');
  if (new URL(issuer).protocol === 'https:' && new URL(document.jwks_uri).protocol !== 'https:') {
    throw new Error('Discovery names keys that would be fetched without TLS');
  }
  return document.jwks_uri;
}

function speaksOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
