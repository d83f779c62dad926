import type { IncomingMessage } from 'node:http';

const maxRequestLine = 8_192;
const maxBodyBytes = 104_857_600;

export interface RequestTarget {
  /** Percent-decoded but for `%2F`, with a leading slash and without dot segments. */
  path: string;
  /** The path as it goes into URLs again. */
  encodedPath: string;
  /** With its question mark, or empty. */
  search: string;
}

/**
 * Reads the request line the way the real host's web server does.
 * @returns the target, or the status that refuses it: 414 for a long line, 400 for a NUL
 */
export function requestTarget(request: IncomingMessage): RequestTarget | number {
  const raw = request.url ?? '/';
  if (`${request.method ?? ''} ${raw} HTTP/1.1\r\n`.length > maxRequestLine) return 414;
  const mark = raw.indexOf('?');
  const rawPath = mark < 0 ? raw : raw.slice(0, mark);
  if (!rawPath.startsWith('/') || /%00/.test(rawPath)) return 400;
  const path = removeDotSegments(decodePath(rawPath));
  return { path, encodedPath: encodePath(path), search: mark < 0 ? '' : raw.slice(mark) };
}

/** Undoes percent-encoding, except of slashes and of what is no valid UTF-8. */
function decodePath(path: string): string {
  return path.replace(/(?:%(?!2f)[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

function encodePath(path: string): string {
  return path.replace(/%[0-9a-f]{2}|[\s\S]/giu, (token) =>
    token.length === 3 || /[\w\-.~!$&'()*+,;=:@/]/.test(token) ? token : encodeURIComponent(token),
  );
}

function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (last) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/**
 * Reads the whole body.
 * @returns undefined when it is longer than the host takes
 */
export async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maxBodyBytes) chunks.push(chunk);
  }
  return length > maxBodyBytes ? undefined : Buffer.concat(chunks);
}

/** The request as the worker's RPC message has it; library code turns it into an HttpRequest. */
export function toRpcHttp(
  request: IncomingMessage,
  target: RequestTarget,
  params: Record<string, string>,
  body: Uint8Array,
): unknown {
  const headers = Object.entries(request.headersDistinct).map(([name, values = []]) => [
    name,
    values.join(','),
  ]);
  // A body without Content-Length (chunked) is lost on the way to the worker: the real host looks at the length alone.
  const arrives = Number(request.headers['content-length'] ?? 0) > 0;
  return {
    method: request.method,
    url: `http://${request.headers.host ?? 'localhost'}${target.encodedPath}${target.search}`,
    nullableHeaders: nullable(headers as [string, string][]),
    nullableParams: nullable(Object.entries(params)),
    nullableQuery: nullable(queryOf(target.search)),
    ...(arrives && { body: { bytes: body } }),
  };
}

/** A doubled key becomes one value with commas; keys differ in more than case, and the first one's case stays. */
function queryOf(search: string): [string, string][] {
  const found = new Map<string, [string, string]>();
  for (const [name, value] of new URLSearchParams(search)) {
    const entry = found.get(name.toLowerCase());
    if (entry === undefined) found.set(name.toLowerCase(), [name, value]);
    else entry[1] += `,${value}`;
  }
  return [...found.values()];
}

function nullable(entries: [string, string][]): Record<string, { value: string }> {
  return Object.fromEntries(entries.map(([name, value]) => [name, { value }]));
}
