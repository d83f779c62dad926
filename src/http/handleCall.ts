import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { isGuid } from '../core/caller.ts';
import type { Caller } from '../core/caller.ts';
import type { Log } from '../core/clock.ts';
import type { Authenticate } from './authenticate.ts';
import { respondProblem } from './problem.ts';
import type { Problem } from './problem.ts';

/** What every handler needs. */
export interface CallDependencies {
  authenticate: Authenticate;
  /** Makes a GUID. */
  newId: () => string;
  log: Log;
}

/** One call of somebody whose identity is proven. */
export interface Call {
  request: HttpRequest;
  context: InvocationContext;
  caller: Caller;
  correlationId: string;
}

export type Answer =
  | { ok: true; status: 200 | 202; body: unknown; location?: string; etag?: string }
  | { ok: false; problem: Problem };

const correlationHeaders = ['x-ms-correlation-request-id', 'x-correlation-id'];

/**
 * Makes a handler: correlation id, then identity, then the answer. Whatever is thrown becomes a problem with the
 * correlation id and nothing of the exception; the Functions host would answer with an empty 500.
 */
export function handleCall(
  dependencies: CallDependencies,
  answer: (call: Call) => Promise<Answer>,
): HttpHandler {
  return handleInWords(dependencies, {
    answer: async (call) => respond(await answer(call), call.correlationId),
    refuse: respondProblem,
  });
}

/** The same, for a door that has its own words for answers and problems. */
export function handleInWords(
  { authenticate, newId, log }: CallDependencies,
  words: {
    answer: (call: Call) => Promise<HttpResponseInit>;
    refuse: (problem: Problem, correlationId: string) => HttpResponseInit;
  },
): HttpHandler {
  return async (request, context) => {
    const correlationId = correlationIdOf(request) ?? newId();
    try {
      const identity = await authenticate(request);
      const response = identity.ok
        ? await words.answer({ request, context, caller: identity.caller, correlationId })
        : words.refuse(identity.problem, correlationId);
      return finish(response, correlationId);
    } catch (error) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error('A call failed', { correlationId, function: context.functionName, error: stack });
      const detail = 'The details are in the log under the correlation id.';
      return finish(words.refuse({ code: 'internal', detail }, correlationId), correlationId);
    }
  };
}

/** A client's own id if it is a GUID, so that nothing else of theirs gets into logs and headers. */
function correlationIdOf(request: HttpRequest): string | undefined {
  return correlationHeaders
    .map((name) => request.headers.get(name))
    .find((id) => id !== null && isGuid(id))
    ?.toLowerCase();
}

function respond(answer: Answer, correlationId: string): HttpResponseInit {
  if (!answer.ok) return respondProblem(answer.problem, correlationId);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (answer.location !== undefined) headers['location'] = answer.location;
  if (answer.etag !== undefined) headers['etag'] = answer.etag;
  return { status: answer.status, headers, body: JSON.stringify(answer.body) };
}

function finish(response: HttpResponseInit, correlationId: string): HttpResponseInit {
  const headers = {
    ...(response.headers as Record<string, string>),
    'x-ms-correlation-request-id': correlationId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  return { ...response, headers };
}
