import type { HttpResponseInit } from '@azure/functions';
import * as z from 'zod';
import { credentialRefusalCodes } from '../core/caller.ts';
import type { CredentialRefusalCode } from '../core/caller.ts';
import { reasonCodes } from '../core/reason.ts';
import type { Decision, Reason, ReasonCode } from '../core/reason.ts';

/** Problems of the HTTP layer itself; refusals of credentials and decisions bring their own codes. */
const ownProblems = {
  'body-missing': { status: 400, title: 'The request has no body' },
  'body-too-large': { status: 400, title: 'The body is too large' },
  'body-malformed': { status: 400, title: 'The body is not JSON' },
  'body-invalid': { status: 400, title: 'The body is not valid' },
  'header-invalid': { status: 400, title: 'A header is not valid' },
  'query-invalid': { status: 400, title: 'A query parameter is not valid' },
  'content-type-unsupported': { status: 415, title: 'The content type is not supported' },
  'role-missing': { status: 403, title: 'The caller has not the role that this needs' },
  'own-request': { status: 403, title: 'Nobody decides on what they asked for themselves' },
  'application-cannot-decide': { status: 403, title: 'Only people decide' },
  'not-an-approver': { status: 403, title: 'The caller is no approver of this request' },
  'not-pending': { status: 409, title: 'The request does not wait for a decision' },
  'decided-already': { status: 409, title: 'The caller has decided already' },
  'no-review-open': { status: 409, title: 'There is nothing to review' },
  'policy-not-found': { status: 404, title: 'There is no such policy' },
  'policy-changed': { status: 412, title: 'The policy is of another version' },
  'not-releasable': { status: 409, title: 'The virtual machine has not left the policy' },
  'request-not-found': { status: 404, title: 'There is no such access request' },
  'idempotency-key-reused': { status: 409, title: 'The idempotency key was used with another body' },
  'too-many-requests': { status: 429, title: 'Too many requests of this person in a minute' },
  'too-many-live-requests': { status: 429, title: 'Too many requests of this person have not ended' },
  'too-many-refusals': { status: 429, title: 'Too many requests of this person were refused' },
  unavailable: { status: 503, title: 'Azure cannot be asked at the moment' },
  'identity-unavailable': { status: 503, title: 'Tokens cannot be verified at the moment' },
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const;
export type OwnProblemCode = keyof typeof ownProblems;
export type ProblemCode = OwnProblemCode | CredentialRefusalCode | ReasonCode;

/** Codes of single fields, beside those of reasons. */
export const fieldCodes = [
  'missing',
  'unknown',
  'wrong-type',
  'empty',
  'too-long',
  'too-many',
  'out-of-range',
  'not-allowed',
  'unfit-characters',
  'duplicate',
  'vm-id-malformed',
  'vm-not-supported',
  'source-malformed',
  'caller-address-unknown',
  'duration-malformed',
  'malformed',
] as const;
export type FieldCode = (typeof fieldCodes)[number];

/** One thing that is wrong, and where. */
export interface FieldProblem {
  /** JSON path in the body, or the name of a header or query parameter. */
  field?: string;
  code: FieldCode | ReasonCode;
  /** A whole sentence. */
  detail: string;
  /** What would be right there, or allowed. */
  allowed?: unknown;
}

export interface Problem {
  code: ProblemCode;
  detail: string;
  errors?: FieldProblem[];
  retryAfterSeconds?: number;
}

const everyCode: readonly ProblemCode[] = [
  ...(Object.keys(ownProblems) as OwnProblemCode[]),
  ...credentialRefusalCodes,
  ...reasonCodes,
];

/** Every code that a problem can have, for the documentation's sake. */
export function everyProblem(): { code: ProblemCode; status: number }[] {
  return everyCode.map((code) => ({ code, status: statusOf(code) }));
}

/** The status of an answer with this code. */
export function statusOf(code: ProblemCode): number {
  return meaningOf(code).status;
}

/** What every call of somebody with a token may be answered with. */
export const everyonesProblems: readonly ProblemCode[] = [
  ...credentialRefusalCodes,
  'identity-unavailable',
  'internal',
];

/** A problem as it is answered. */
export const problemDocument = z
  .strictObject({
    type: z.string().meta({ description: '`urn:sallyport:problem:` and the code.' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'A sentence for people; it may change.' }),
    code: z.enum(everyCode).meta({ description: 'Stable.' }),
    errors: z
      .array(
        z.strictObject({
          field: z
            .string()
            .meta({ description: 'JSON path in the body, or the name of a header or parameter.' })
            .optional(),
          code: z.enum([...new Set([...fieldCodes, ...reasonCodes])]),
          detail: z.string(),
          allowed: z.unknown().meta({ description: 'What would be right there.' }).optional(),
        }),
      )
      .meta({ description: 'Everything that is wrong, at most 50 entries.' }),
    correlationId: z.guid(),
  })
  .meta({ id: 'Problem', description: 'A problem document after RFC 9457.' });

/**
 * A refusal by policy or network. What asking otherwise would cure leads only if nothing else is wrong: first what is
 * not allowed (403), then a duration that is too long (400), then virtual machines that cannot be found (404).
 */
export function problemOfDecision(decision: Decision): Problem {
  const leading = [403, 400, 404]
    .map((status) => decision.reasons.find(({ code }) => meaningOf(code).status === status))
    .find((reason) => reason !== undefined);
  return {
    code: leading?.code ?? 'internal',
    detail: leading?.message ?? 'The request was denied without a reason.',
    errors: decision.reasons.map(problemOfReason),
  };
}

/** A body that is not as it must be, with everything that is wrong. */
export function bodyInvalid(errors: FieldProblem[]): Problem {
  const [first] = errors;
  const detail = `${first?.field === undefined ? '' : `${first.field}: `}${first?.detail ?? ''}`;
  return { code: 'body-invalid', detail, errors };
}

/** RFC 9457. The type is a name, not an address: it stays the same wherever the documentation lives. */
export function respondProblem(problem: Problem, correlationId: string): HttpResponseInit {
  const { status, title } = meaningOf(problem.code);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (problem.retryAfterSeconds !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(problem.retryAfterSeconds)));
  }
  if (status === 401) {
    // RFC 6750: no error code where no credentials were sent at all.
    headers['www-authenticate'] =
      problem.code === 'token-missing' ? 'Bearer' : 'Bearer error="invalid_token"';
  }
  const body: z.infer<typeof problemDocument> = {
    type: `urn:sallyport:problem:${problem.code}`,
    title,
    status,
    detail: problem.detail,
    code: problem.code,
    errors: problem.errors ?? [],
    correlationId,
  };
  return { status, headers, body: JSON.stringify(body) };
}

function meaningOf(code: ProblemCode): { status: number; title: string } {
  if (isOwn(code)) return ownProblems[code];
  if (isCredentialRefusal(code)) return { status: 401, title: 'The caller is not authenticated' };
  if (code === 'vm-not-found') return { status: 404, title: 'The virtual machine was not found' };
  // No fault of the request: the same may be granted once the tables are there again.
  if (code === 'tables-lost') return { status: 503, title: 'The tables of this installation are lost' };
  if (code === 'not-running' || code === 'extension-waiting') {
    return { status: 409, title: 'The grant cannot be extended as it stands' };
  }
  if (code === 'approval-expired') return { status: 409, title: 'The request does not wait for a decision' };
  const status = code === 'duration-exceeds-policy' || code === 'start-not-allowed' ? 400 : 403;
  return { status, title: 'The request was denied' };
}

function problemOfReason(reason: Reason): FieldProblem {
  const { code, message, field, allowed } = reason;
  return {
    ...(field !== undefined && { field }),
    code,
    detail: message,
    ...(allowed !== undefined && { allowed }),
  };
}

function isOwn(code: ProblemCode): code is OwnProblemCode {
  return Object.hasOwn(ownProblems, code);
}

function isCredentialRefusal(code: ProblemCode): code is CredentialRefusalCode {
  return (credentialRefusalCodes as readonly string[]).includes(code);
}
