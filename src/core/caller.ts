import type { Person } from './accessRequest.ts';

/** App roles of the token; both see everybody's requests and audit records. */
const administratorRole = 'Sallyport.Administrator';
const auditorRole = 'Sallyport.Auditor';
/** May approve wherever a policy wants approval. */
const approverRole = 'Sallyport.Approver';
/** May skip approval, loudly. */
const breakGlassRole = 'Sallyport.BreakGlass';

/** Who is asking, proven. */
export interface Caller {
  person: Person;
  /** App roles as the identity provider states them. */
  roles: readonly string[];
  /** An application on its own account, nobody's request. */
  isApplication?: true;
}

/** Whether this caller may act on everybody's requests. */
export function isAdministrator(caller: Caller): boolean {
  return caller.roles.includes(administratorRole);
}

/** Whether this caller may see everybody's requests and audit records. */
export function seesEverything(caller: Caller): boolean {
  return isAdministrator(caller) || caller.roles.includes(auditorRole);
}

/** Whether this caller counts as an approver everywhere. */
export function isApprover(caller: Caller): boolean {
  return caller.roles.includes(approverRole);
}

/** Whether this caller may skip approval. */
export function mayBreakGlass(caller: Caller): boolean {
  return caller.roles.includes(breakGlassRole);
}

/** Why a caller was not believed. Stable: clients, counters and alerts match on them. */
export const credentialRefusalCodes = [
  'token-missing',
  'token-malformed',
  'token-algorithm-refused',
  'token-key-unknown',
  'token-signature-invalid',
  'token-expired',
  'token-not-yet-valid',
  'token-issuer-wrong',
  'token-audience-wrong',
  'token-tenant-wrong',
  'token-claims-missing',
  'principal-malformed',
  'principal-mismatch',
] as const;
export type CredentialRefusalCode = (typeof credentialRefusalCodes)[number];

export type VerifyResult =
  | { kind: 'verified'; caller: Caller }
  /** `detail` is for the caller, where more can be said than the code does. */
  | { kind: 'refused'; code: CredentialRefusalCode; detail?: string }
  /** The issuer's keys cannot be had: nothing is known about the token. The message is for the log. */
  | { kind: 'unavailable'; retryAfterSeconds: number; message: string };

/** Proves who sent a token. */
export interface TokenVerifier {
  /** Never rejects for what a caller sent. */
  verify(token: string, now: Date): Promise<VerifyResult>;
}

/** Counts who had no valid token: a counter and an aggregated record now and then, never one record each. */
export interface UnauthenticatedCounter {
  refused(reason: string, now: Date): Promise<void>;
}

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a GUID in its usual form with hyphens, in any case. */
export function isGuid(text: string): boolean {
  return guid.test(text);
}
