import type { HttpResponseInit } from '@azure/functions';
import { statusOf } from '../problem.ts';
import type { FieldProblem, Problem, ProblemCode } from '../problem.ts';

/** An error as Azure Resource Manager words it. */
export interface ArmError {
  status: number;
  /** As ARM has it where ARM has one. */
  code: string;
  /** A whole sentence. */
  message: string;
  /** JSON path of the field that it speaks of. */
  target?: string;
  details?: ArmErrorDetail[];
  retryAfterSeconds?: number;
  /** Of 405: the methods that are. */
  allow?: readonly string[];
}

export interface ArmErrorDetail {
  /** Ours, and stable: a reason or field code. */
  code: string;
  message: string;
  target?: string;
  additionalInfo?: { type: string; info: unknown }[];
}

/** What ARM's own gateway says where it has a code for it; the rest are refusals of a token that it has not. */
const codes: Partial<Record<ProblemCode, string>> = {
  'body-missing': 'InvalidRequestContent',
  'body-too-large': 'RequestContentTooLarge',
  'body-malformed': 'InvalidRequestContent',
  'body-invalid': 'InvalidRequestContent',
  'query-invalid': 'InvalidQueryParameter',
  'header-invalid': 'InvalidHeader',
  'content-type-unsupported': 'UnsupportedMediaType',
  'token-missing': 'AuthenticationFailed',
  'token-expired': 'ExpiredAuthenticationToken',
  'token-audience-wrong': 'InvalidAuthenticationTokenAudience',
  'token-tenant-wrong': 'InvalidAuthenticationTokenTenant',
  'not-authorized': 'AuthorizationFailed',
  'too-many-refusals': 'TooManyRequests',
  unavailable: 'ServiceUnavailable',
  'tables-lost': 'ServiceUnavailable',
  'identity-unavailable': 'ServiceUnavailable',
  internal: 'InternalServerError',
};
const codeOfStatus: Record<number, string> = {
  400: 'InvalidRequestContent',
  401: 'InvalidAuthenticationToken',
  403: 'AuthorizationFailed',
  404: 'ResourceNotFound',
  409: 'Conflict',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
};

/** A problem of the app in the words of ARM; single fields and reasons become details under their own codes. */
export function armErrorOf(problem: Problem): ArmError {
  const { code, detail, errors = [], retryAfterSeconds } = problem;
  const status = statusOf(code);
  return {
    status,
    code: codes[code] ?? codeOfStatus[status] ?? 'InternalServerError',
    message: detail,
    ...(errors.length === 1 && errors[0]?.field !== undefined && { target: errors[0].field }),
    ...(errors.length > 0 && { details: errors.map(armDetailOf) }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

/** One problem as a detail of an error. */
export function armDetailOf({ field, code, detail, allowed }: FieldProblem): ArmErrorDetail {
  return {
    code,
    message: detail,
    ...(field !== undefined && { target: field }),
    ...(allowed !== undefined && { additionalInfo: [{ type: 'Allowed', info: allowed }] }),
  };
}

/** ARM's envelope: `{"error":{"code","message","target","details"}}`. */
export function respondArmError(error: ArmError): HttpResponseInit {
  const { status, retryAfterSeconds, allow, ...said } = error;
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
  if (allow !== undefined) headers['allow'] = allow.join(', ');
  if (retryAfterSeconds !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  }
  if (status === 401) {
    headers['www-authenticate'] =
      error.code === 'AuthenticationFailed' ? 'Bearer' : 'Bearer error="invalid_token"';
  }
  return { status, headers, body: JSON.stringify({ error: said }) };
}
