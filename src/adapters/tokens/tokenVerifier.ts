import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { isGuid } from '../../core/caller.ts';
import type { Caller, CredentialRefusalCode, TokenVerifier, VerifyResult } from '../../core/caller.ts';
import { toPlainText } from '../../core/plainText.ts';
import { isResourceManagerAudience } from '../../core/resourceManagerAudience.ts';
import { createSigningKeys, KeysUnavailable, retryAfterFailureSeconds } from './signingKeys.ts';
import type { SigningKeysSettings } from './signingKeys.ts';

export interface TokenVerifierSettings extends SigningKeysSettings {
  audience: string | string[];
  tenantId: string;
  /** Signature algorithms that are accepted; by default RS256, the one that Entra ID uses. */
  algorithms?: string[];
}

/** Entra's tokens with many roles stay below; whatever is longer is not worth hashing. */
const maximumTokenLength = 16_384;
const clockToleranceSeconds = 60;
const maximumNameLength = 256;

/** Verifies bearer tokens: signature by the issuer's published keys, issuer, audience, tenant, times and object id. */
export function createTokenVerifier(settings: TokenVerifierSettings): TokenVerifier {
  const algorithms = settings.algorithms ?? ['RS256'];
  const keys = createSigningKeys(settings);

  return {
    async verify(token, now): Promise<VerifyResult> {
      const malformed = refusalByHeader(token, algorithms);
      if (malformed !== undefined) return { kind: 'refused', code: malformed };
      try {
        const { payload } = await jwtVerify(token, keys, {
          algorithms,
          issuer: settings.issuer,
          audience: settings.audience,
          currentDate: now,
          clockTolerance: clockToleranceSeconds,
          requiredClaims: ['exp', 'oid', 'tid'],
        });
        return judgeClaims(payload, settings.tenantId);
      } catch (error) {
        if (error instanceof KeysUnavailable) {
          return {
            kind: 'unavailable',
            retryAfterSeconds: retryAfterFailureSeconds,
            message: `${error.message}: ${describe(error.cause)}`,
          };
        }
        const code = refusalOf(error);
        return isForResourceManager(token)
          ? {
              kind: 'refused',
              code: audienceBefore(code),
              detail: sendNoResourceManagerToken(settings.audience),
            }
          : { kind: 'refused', code };
      }
    },
  };
}

/** What can be refused before any key is fetched: strangers' nonsense must not cause calls to the issuer. */
function refusalByHeader(token: string, algorithms: readonly string[]): CredentialRefusalCode | undefined {
  if (token.length > maximumTokenLength) return 'token-malformed';
  let header;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    return 'token-malformed';
  }
  if (header.alg === undefined || !algorithms.includes(header.alg)) return 'token-algorithm-refused';
  if (!/^[^.]+\.[^.]+\.[^.]+$/.test(token)) return 'token-malformed';
  // Without a key id jose would take the only key there is, whichever that is today.
  return typeof header.kid === 'string' && header.kid !== '' ? undefined : 'token-key-unknown';
}

/**
 * The object id must be a GUID: audit records name actors by it beside names of our own (`sweep`), which nobody may
 * be able to take.
 */
function judgeClaims(payload: JWTPayload, tenantId: string): VerifyResult {
  const { oid, tid, roles, name, preferred_username: userName } = payload;
  if (typeof tid !== 'string' || tid.toLowerCase() !== tenantId.toLowerCase()) {
    return { kind: 'refused', code: 'token-tenant-wrong' };
  }
  if (typeof oid !== 'string' || !isGuid(oid)) return { kind: 'refused', code: 'token-claims-missing' };
  const objectId = oid.toLowerCase();
  const shown = [name, userName].find((claim) => typeof claim === 'string' && claim !== '');
  const displayName = typeof shown === 'string' ? toPlainText(shown, maximumNameLength) : '';
  const caller: Caller = {
    person: { objectId, tenantId: tid.toLowerCase(), displayName: displayName || objectId },
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
    ...(isApplication(payload) && { isApplication: true }),
  };
  return { kind: 'verified', caller };
}

/** `idtyp` is an optional claim; a scope is what a person has let an application do, so without one there is no person. */
function isApplication({ idtyp, scp }: JWTPayload): boolean {
  return idtyp === 'app' || typeof scp !== 'string' || scp === '';
}

/** Read from a token that was refused: it chooses a sentence and decides nothing. */
function isForResourceManager(token: string): boolean {
  try {
    const { aud } = decodeJwt(token);
    return (typeof aud === 'string' ? [aud] : (aud ?? [])).some(
      (audience) => typeof audience === 'string' && isResourceManagerAudience(audience),
    );
  } catch {
    return false;
  }
}

/** Tokens for Azure Resource Manager name an older issuer too; what is to be changed is the audience. */
function audienceBefore(code: CredentialRefusalCode): CredentialRefusalCode {
  return code === 'token-issuer-wrong' ? 'token-audience-wrong' : code;
}

function sendNoResourceManagerToken(audience: string | string[]): string {
  const [own = ''] = [audience].flat();
  return `The token was issued for Azure Resource Manager, and whoever has it can act on Azure: never send it here. Set credentialScopes to ["${own}/.default"] in the options of the client, beside its endpoint.`;
}

function refusalOf(error: unknown): CredentialRefusalCode {
  if (error instanceof errors.JWTExpired) return 'token-expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return 'token-issuer-wrong';
    if (error.claim === 'aud') return 'token-audience-wrong';
    if (error.claim === 'tid') return 'token-tenant-wrong';
    if (error.claim === 'nbf' && error.reason === 'check_failed') return 'token-not-yet-valid';
    return 'token-claims-missing';
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'token-key-unknown';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token-signature-invalid';
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return 'token-algorithm-refused';
  }
  return 'token-malformed';
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown cause';
}
