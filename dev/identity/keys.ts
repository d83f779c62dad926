import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { calculateJwkThumbprint, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import * as z from 'zod';

/** A signing key with everything that leaves the process about it. */
export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  /** What the JWKS shows. */
  publicJwk: JWK;
  /** The public half as PEM: what an attacker has to try algorithm confusion with. */
  publicPem: string;
}

const privateRsaJwk = z.object({
  kty: z.literal('RSA'),
  n: z.string(),
  e: z.string(),
  d: z.string(),
  p: z.string(),
  q: z.string(),
  dp: z.string(),
  dq: z.string(),
  qi: z.string(),
});

/** Makes a new RSA key of 2048 bits. */
export async function generateSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return describe(await exportJWK(privateKey));
}

/**
 * Reads the key from the file, or makes one and keeps it there, readable by its owner only.
 * @throws Error that names the file when it holds something else.
 */
export async function loadSigningKey(file: string): Promise<SigningKey> {
  if (!existsSync(file)) {
    const key = await generateSigningKey();
    // Written aside and renamed: a process that is killed here leaves no half a key.
    const unfinished = `${file}.${randomUUID()}`;
    writeFileSync(unfinished, JSON.stringify(await exportJWK(key.privateKey)), { mode: 0o600, flag: 'wx' });
    renameSync(unfinished, file);
    return key;
  }
  try {
    return await describe(privateRsaJwk.parse(JSON.parse(readFileSync(file, 'utf8'))));
  } catch (cause) {
    throw new Error(`${file} holds no signing key. Delete it to have a new one made.`, { cause });
  }
}

async function describe(jwk: JWK): Promise<SigningKey> {
  const publicJwk: JWK = { kty: 'RSA', n: jwk.n ?? '', e: jwk.e ?? '' };
  const kid = await calculateJwkThumbprint(publicJwk);
  const [privateKey, publicKey] = await Promise.all([
    importJWK(jwk, 'RS256', { extractable: true }),
    importJWK(publicJwk, 'RS256', { extractable: true }),
  ]);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) {
    throw new TypeError('An RSA key was expected.');
  }
  return {
    kid,
    privateKey,
    publicJwk: { ...publicJwk, kid, use: 'sig', alg: 'RS256' },
    publicPem: await exportSPKI(publicKey),
  };
}
