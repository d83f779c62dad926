import type { FunctionDefinition, WebRequest, WebResponse } from './invocation.ts';

export interface AdminOptions {
  functions: readonly FunctionDefinition[];
  /** Why a function is not served, by its name. */
  errors: ReadonlyMap<string, string>;
  status: () => Record<string, unknown>;
  systemKey: string;
  /** Runs a function now; false when it cannot be run this way. */
  run(definition: FunctionDefinition): boolean;
}

/** Serves `/admin/…`: what of the real host's management API is of use on a laptop. Keys are not asked for. */
export function handleAdmin(request: WebRequest, options: AdminOptions): WebResponse {
  const { method } = request;
  const path = request.path.toLowerCase().replace(/\/$/, '');
  const [area, name = '', action] = path.split('/');
  if (path === 'host/ping')
    return { status: 200, headers: { 'Cache-Control': 'no-store,no-cache', Pragma: 'no-cache' }, body: '' };
  if (path === 'host/status' && method === 'GET') return json(options.status());
  if (path.startsWith('host/systemkeys/') && method === 'GET') {
    return json({ name: path.split('/')[2], value: options.systemKey });
  }
  if (area !== 'functions') return empty(404);
  if (name === '' && method === 'GET') {
    return json(
      options.functions.map((definition) => ({ name: definition.name, bindings: definition.bindings })),
    );
  }
  const definition = options.functions.find((candidate) => candidate.name.toLowerCase() === name);
  if (definition === undefined) return empty(404);
  if (action === 'status' && method === 'GET') {
    const error = options.errors.get(definition.name);
    return json(error === undefined ? {} : { errors: [error] });
  }
  if (action !== undefined || method !== 'POST') return empty(404);
  return invokeNow(request, definition, options);
}

function invokeNow(request: WebRequest, definition: FunctionDefinition, options: AdminOptions): WebResponse {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return empty(415);
  try {
    JSON.parse(Buffer.from(request.body).toString('utf8'));
  } catch {
    return empty(400);
  }
  // As in the real host, a function that is in error is accepted and does not run.
  if (options.errors.has(definition.name) || options.run(definition)) return empty(202);
  return {
    status: 501,
    headers: { 'Content-Type': 'text/plain' },
    body: 'The local host runs timers this way only.',
  };
}

function empty(status: number): WebResponse {
  return { status, headers: {}, body: '' };
}

function json(value: unknown): WebResponse {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}
