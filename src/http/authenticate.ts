import type { HttpRequest } from '@azure/functions';
import type { Clock, Log } from '../core/clock.ts';
import type {
  Caller,
  CredentialRefusalCode,
  TokenVerifier,
  UnauthenticatedCounter,
  VerifyResult,
} from '../core/caller.ts';
import { readAppServicePrincipal } from './appServicePrincipal.ts';
import type { Problem } from './problem.ts';

export type Authentication = { ok: true; caller: Caller } | { ok: false; problem: Problem };
export type Authenticate = (request: HttpRequest) => Promise<Authentication>;

export interface AuthenticateDependencies {
  verifier: TokenVerifier;
  unauthenticated: UnauthenticatedCounter;
  /** Whether nobody can reach the app but through App Service authentication. */
  trustAppServiceAuthentication: boolean;
  tenantId: string;
  clock: Clock;
  log: Log;
}

/** Also refuses an Authorization header that was sent twice: the host joins the two with a comma. */
const bearer = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

const details: Record<CredentialRefusalCode, string> = {
  'token-missing': 'Send a bearer token in the Authorization header.',
  'token-malformed': 'The Authorization header must hold one bearer token, a signed JWT.',
  'token-algorithm-refused': 'The token is not signed with an accepted algorithm.',
  'token-key-unknown': 'The token is not signed with a key that the issuer publishes.',
  'token-signature-invalid': 'The signature of the token is wrong.',
  'token-expired': 'The token has expired: get a new one.',
  'token-not-yet-valid': 'The token is not valid yet.',
  'token-issuer-wrong': 'The token was issued by somebody else than the configured issuer.',
  'token-audience-wrong': 'The token was issued for another application.',
  'token-tenant-wrong': 'The token belongs to another tenant.',
  'token-claims-missing': 'The token lacks a claim that is needed: oid, tid and exp, each well-formed.',
  'principal-malformed': 'The identity that App Service passed on cannot be read.',
  'principal-mismatch': 'The token and the identity that App Service passed on belong to different people.',
};

/** Makes the function that tells who is asking; each refusal is counted. */
export function createAuthenticate(dependencies: AuthenticateDependencies): Authenticate {
  const { clock, log, unauthenticated } = dependencies;
  return async (request) => {
    const now = clock.now();
    const result = await identify(request, dependencies, now);
    if (result.kind === 'verified') return { ok: true, caller: result.caller };
    if (result.kind === 'unavailable') {
      log.error('Tokens cannot be verified', { cause: result.message });
      const detail = 'The keys of the token issuer cannot be read at the moment. Try again later.';
      const { retryAfterSeconds } = result;
      return { ok: false, problem: { code: 'identity-unavailable', detail, retryAfterSeconds } };
    }
    try {
      await unauthenticated.refused(result.code, now);
    } catch (error) {
      // The caller stays refused whether or not it could be counted.
      log.error('A refused credential could not be counted', { error: String(error) });
    }
    return { ok: false, problem: { code: result.code, detail: result.detail ?? details[result.code] } };
  };
}

/**
 * With App Service trusted, its identity counts; a token sent along must be valid and the same person's, and is then
 * what counts, because it is signed. Without trust its headers are as if they were not there.
 */
async function identify(
  request: HttpRequest,
  { verifier, trustAppServiceAuthentication, tenantId }: AuthenticateDependencies,
  now: Date,
): Promise<VerifyResult> {
  const principal = trustAppServiceAuthentication ? readAppServicePrincipal(request, tenantId) : undefined;
  if (principal !== undefined && principal.kind !== 'verified') return principal;
  const authorization = request.headers.get('authorization');
  if (authorization === null) return principal ?? { kind: 'refused', code: 'token-missing' };
  const token = bearer.exec(authorization)?.[1];
  if (token === undefined) return { kind: 'refused', code: 'token-malformed' };
  const verified = await verifier.verify(token, now);
  if (verified.kind !== 'verified' || principal === undefined) return verified;
  return verified.caller.person.objectId === principal.caller.person.objectId
    ? verified
    : { kind: 'refused', code: 'principal-mismatch' };
}
