import * as z from 'zod';
import { causeOf } from '../../core/cause.ts';
import type { Verdict } from '../../core/health.ts';
import { deadlineMilliseconds, discover, type SigningKeysSettings } from './signingKeys.ts';

const keySet = z.object({ keys: z.array(z.looseObject({})).min(1) });

/**
 * Fetches the issuer's keys past every cache: tokens may be verified with keys that were had before, for an hour, while
 * the issuer cannot be reached. Never rejects.
 */
export async function checkSigningKeys({ issuer, jwksUri }: SigningKeysSettings): Promise<Verdict> {
  try {
    const uri = jwksUri ?? (await discover(issuer, (url, options) => fetch(url, options)));
    const response = await fetch(uri, {
      redirect: 'error',
      signal: AbortSignal.timeout(deadlineMilliseconds),
    });
    if (response.status !== 200) return failing(`The address of the keys answered ${response.status}`);
    return keySet.safeParse(await response.json()).success ? { status: 'ok' } : failing('There is no key');
  } catch (error) {
    return failing(causeOf(error));
  }
}

function failing(cause: string): Verdict {
  const reason =
    'The keys of the token issuer cannot be had. Tokens are verified with those that were had before, for up to an hour.';
  return { status: 'failing', reason, cause };
}
