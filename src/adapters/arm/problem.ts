/** What went wrong with a call to ARM, without anything that must not be shown: no token, no header, no signed URL. */
export interface Problem {
  /** Undefined when no answer came. */
  status?: number;
  code: string;
  message: string;
  /** Codes of `error.details`, where the network provider says what a 429 really is. */
  detailCodes: string[];
  /** From the Retry-After header. */
  retryAfterSeconds?: number;
}

const lockCodes = new Set([
  'RetryableErrorDueToAnotherOperation',
  'ReferencedResourceNotProvisioned',
  'AnotherOperationInProgress',
]);

/** Another operation holds the resource or its parent: no quota, and worth another try soon. */
export function isLock(problem: Problem): boolean {
  if (problem.status !== 429 && problem.status !== 409) return false;
  return [problem.code, ...problem.detailCodes].some((code) => lockCodes.has(code));
}

const forbiddenCodes = new Set([
  'AuthorizationFailed',
  'LinkedAuthorizationFailed',
  'RequestDisallowedByPolicy',
  'ScopeLocked',
]);

/** We may not do this: a missing right, a policy or a lock of an administrator, or a token that ARM does not take. */
export function isForbidden(problem: Problem): boolean {
  return problem.status === 401 || problem.status === 403 || forbiddenCodes.has(problem.code);
}

/** Reads ARM's error envelope, `{ error: { code, message, details } }`, which some providers send unwrapped. */
export function problemOfAnswer(
  status: number,
  text: string | null | undefined,
  retryAfter: string | undefined,
): Problem {
  const body = parseObject(text);
  const error = isRecord(body?.['error']) ? body['error'] : body;
  const code = error?.['code'];
  const message = error?.['message'];
  const details = error?.['details'];
  const seconds = parseRetryAfter(retryAfter);
  return {
    status,
    code: typeof code === 'string' ? code : `HTTP ${status}`,
    message: typeof message === 'string' ? shorten(message) : `Azure answered with status ${status}.`,
    detailCodes: Array.isArray(details)
      ? details.flatMap((detail) =>
          isRecord(detail) && typeof detail['code'] === 'string' ? [detail['code']] : [],
        )
      : [],
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
}

/** What an exception says: of an SDK's call, a transport, a token. */
export function problemOfError(error: unknown): Problem {
  const known = isRecord(error) ? error : {};
  const response = isRecord(known['response']) ? known['response'] : undefined;
  const status = known['statusCode'] ?? response?.['status'];
  const code = typeof known['code'] === 'string' ? known['code'] : 'NoAnswer';
  const seconds = parseRetryAfter(headerOf(response, 'retry-after'));
  return {
    ...(typeof status === 'number' ? { status } : {}),
    code,
    message: shorten(error instanceof Error ? error.message : 'An unknown error occurred.'),
    detailCodes: [],
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
}

function headerOf(response: Record<string, unknown> | undefined, name: string): string | undefined {
  const headers = response?.['headers'];
  if (!isRecord(headers) || typeof headers['get'] !== 'function') return undefined;
  const value = (headers as { get(name: string): unknown }).get(name);
  return typeof value === 'string' ? value : undefined;
}

/** ARM sends whole seconds; anything else counts as not sent. */
export function parseRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value.trim()) ? Number(value) : undefined;
}

/** Parses a JSON object; undefined for anything else, malformed text included. */
export function parseObject(text: string | null | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is a JSON object: no array, and not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A proxy's page or an identity service's text may be long, and may quote a token. */
function shorten(message: string): string {
  return message.replaceAll(/\beyJ[\w.-]{10,}/g, '(token)').slice(0, 1000);
}
