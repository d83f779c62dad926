import type { HttpHandler, HttpResponseInit } from '@azure/functions';
import { handleInWords } from '../handleCall.ts';
import type { Call, CallDependencies } from '../handleCall.ts';
import type { Problem } from '../problem.ts';
import { armErrorOf, respondArmError } from './armError.ts';
import type { ArmError } from './armError.ts';

/** What a call of Microsoft's API is answered with; a body that is left out is empty. */
export type ArmAnswer =
  { ok: true; status: 200 | 202 | 204; body?: unknown } | { ok: false; error: ArmError };

/** Makes a handler that speaks as Azure Resource Manager does, errors of identity and of ours included. */
export function handleArmCall(
  dependencies: CallDependencies,
  answer: (call: Call) => Promise<ArmAnswer>,
): HttpHandler {
  return handleInWords(dependencies, {
    answer: async (call) => withRequestId(respond(await answer(call)), call.correlationId),
    refuse: (problem, correlationId) => withRequestId(respondArmError(armErrorOf(problem)), correlationId),
  });
}

/** A problem of the app, as an answer. */
export function refuseInArmWords(problem: Problem): Extract<ArmAnswer, { ok: false }> {
  return { ok: false, error: armErrorOf(problem) };
}

function respond(answer: ArmAnswer): HttpResponseInit {
  if (!answer.ok) return respondArmError(answer.error);
  if (answer.body === undefined) return { status: answer.status };
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status: answer.status, headers, body: JSON.stringify(answer.body) };
}

/** What people give to Microsoft's support is what ours finds in the log. */
function withRequestId(response: HttpResponseInit, correlationId: string): HttpResponseInit {
  return {
    ...response,
    headers: { ...(response.headers as Record<string, string>), 'x-ms-request-id': correlationId },
  };
}
