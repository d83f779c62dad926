import type { HttpRequest } from '@azure/functions';
import type { Problem } from './problem.ts';

export const maximumBodyBytes = 65_536;

export type BodyResult = { ok: true; json: unknown } | { ok: false; problem: Problem };

/** Reads a JSON body of at most 64 KiB; `ifAbsent` is taken for one that is not there, where it may be left out. */
export async function readBody(
  request: HttpRequest,
  { ifAbsent }: { ifAbsent?: unknown } = {},
): Promise<BodyResult> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength === 0 && ifAbsent !== undefined) return { ok: true, json: ifAbsent };
  if (bytes.byteLength === 0) {
    return refuse(
      'body-missing',
      // Chunked bodies reach the app empty: the host passes on only what has a Content-Length.
      'Send a JSON object as application/json, with a Content-Length header: the Azure Functions host does not pass on bodies with Transfer-Encoding: chunked.',
    );
  }
  if (bytes.byteLength > maximumBodyBytes) {
    return refuse('body-too-large', `The body must not be larger than ${maximumBodyBytes} bytes.`);
  }
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*$/i.test(type)) {
    return refuse('content-type-unsupported', 'The Content-Type must be application/json, in UTF-8.');
  }
  try {
    return { ok: true, json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return refuse('body-malformed', 'The body is not JSON in UTF-8.');
  }
}

function refuse(code: Problem['code'], detail: string): BodyResult {
  return { ok: false, problem: { code, detail } };
}
