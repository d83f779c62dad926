import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { isLoopback } from './token.ts';
import { UsageError } from '../usageError.ts';

const problem = z.object({
  status: z.number(),
  title: z.string(),
  detail: z.string(),
  code: z.string(),
  errors: z
    .array(
      z.object({
        field: z.string().optional(),
        code: z.string(),
        detail: z.string(),
        allowed: z.unknown().optional(),
      }),
    )
    .default([]),
  correlationId: z.string().optional(),
});
export type Problem = z.infer<typeof problem>;

/** The app refused, or could not answer. */
export class ApiProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root, with its query. */
  path: string;
  body?: unknown;
  /** Only if it is still of this version, or not there yet; the same call may be sent again. */
  ifVersion?: number | 'none';
  /** The same call may be sent again: of a POST, because it has a key. */
  idempotencyKey?: string;
}

/** Asks the app; retries, some times, what it says may be sent again. Throws ApiProblem. */
export type Api = <Answer>(ask: Ask, schema: z.ZodType<Answer>) => Promise<Answer>;

const attempts = 4;
const longestPauseSeconds = 30;

/** The app at this address, as the owner of this token. Throws UsageError if the token could be read on the way. */
export function createApi(url: URL, token: string): Api {
  if (url.protocol !== 'https:' && !isLoopback(url)) {
    throw new UsageError('Tokens are sent over https only, except on this machine.');
  }
  return async (ask, schema) => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(url, token, ask);
      const text = await answer.text();
      if (answer.ok) return schema.parse(JSON.parse(text));
      const wait = Number(answer.headers.get('retry-after') ?? Number.NaN);
      const mayRepeat =
        (ask.method ?? 'GET') === 'GET' || ask.idempotencyKey !== undefined || ask.ifVersion !== undefined;
      const isPassing = answer.status === 429 || answer.status === 503;
      if (isPassing && mayRepeat && wait <= longestPauseSeconds && attempt < attempts) {
        await delay(wait * 1000);
      } else throw new ApiProblem(problemOf(answer, text));
    }
  };
}

function send(
  url: URL,
  token: string,
  { method = 'GET', path, body, idempotencyKey, ifVersion }: Ask,
): Promise<Response> {
  const headers = new Headers({ authorization: `Bearer ${token}` });
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
  if (ifVersion === 'none') headers.set('if-none-match', '*');
  else if (ifVersion !== undefined) headers.set('if-match', `"${ifVersion}"`);
  const hasContent = method === 'POST' || method === 'PUT';
  const content = hasContent ? { body: body === undefined ? '' : JSON.stringify(body) } : {};
  // Whoever redirects must not get the token.
  return fetch(new URL(path, url), { method, headers, redirect: 'error', ...content }).catch(
    (cause: unknown) => {
      throw new Error(`${url.origin} does not answer.`, { cause });
    },
  );
}

/** The host itself, and what is before it, answer without a problem document. */
function problemOf({ status, statusText }: Response, text: string): Problem {
  try {
    return problem.parse(JSON.parse(text));
  } catch {
    const detail = `The answer was ${status} ${statusText}`.trim();
    return { status, title: detail, detail: `${detail}.`, code: `http-${status}`, errors: [] };
  }
}
