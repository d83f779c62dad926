import type { HttpRequest } from '@azure/functions';
import { readBody } from '../readBody.ts';
import { armErrorOf } from './armError.ts';
import type { ArmError } from './armError.ts';

/** Reads a JSON body; `what` says what it should be. */
export async function readJitBody(
  request: HttpRequest,
  what: string,
): Promise<{ ok: true; json: unknown } | { ok: false; error: ArmError }> {
  const read = await readBody(request);
  if (read.ok) return read;
  const { problem } = read;
  const error = armErrorOf(problem);
  if (problem.code !== 'body-missing') return { ok: false, error };
  // Chunked bodies reach the app empty: the host passes on only what has a Content-Length.
  const message = `Send ${what} as application/json, with a Content-Length header: the Azure Functions host does not pass on bodies with Transfer-Encoding: chunked.`;
  return { ok: false, error: { ...error, message } };
}
