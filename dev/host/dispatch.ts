import type { IncomingMessage, ServerResponse } from 'node:http';

import type { AdminOptions } from './adminApi.ts';
import { handleAdmin } from './adminApi.ts';
import { handleEventGrid } from './eventGrid.ts';
import { isDisabled } from './functionIndex.ts';
import type { Handler } from './httpListener.ts';
import type { RequestTarget } from './httpRequest.ts';
import { readBody, requestTarget, toRpcHttp } from './httpRequest.ts';
import { answer, answerEmpty } from './httpResponse.ts';
import type { DurableExtension, WebRequest, WebResponse } from './invocation.ts';
import type { RouteMatch, RouteTable } from './routes.ts';
import type { Throttle } from './throttle.ts';
import type { WorkerSupervisor } from './workerSupervisor.ts';

export interface DispatchOptions {
  worker: WorkerSupervisor;
  env: NodeJS.ProcessEnv;
  /** Undefined when a malformed route has stopped the app. */
  routes: RouteTable | undefined;
  throttle: Throttle;
  admin: AdminOptions;
  durable: DurableExtension | undefined;
  systemKey: string;
}

/** The host's front door: management and webhooks first, then the app's routes, then the home page. */
export function dispatcher(options: DispatchOptions): Handler {
  return async (request, response) => {
    const target = requestTarget(request);
    if (typeof target === 'number') {
      answerEmpty(response, target);
    } else if (/^\/admin(\/|$)/i.test(target.path)) {
      await admin(request, response, target, options);
    } else if (options.routes === undefined) {
      response.writeHead(503, { 'Content-Type': 'text/plain' }).end('Function host is not running.');
    } else if (/^\/runtime(\/|$)/i.test(target.path)) {
      await webhook(request, response, target, options);
    } else {
      await callFunction(request, response, target, options, options.routes);
    }
  };
}

/** Serves the Durable management API below `root`, without keys, for the app's own client. */
export function durableDispatcher(durable: DurableExtension, root: string): Handler {
  return async (request, response) => {
    const target = requestTarget(request);
    if (typeof target === 'number' || !target.path.toLowerCase().startsWith(root)) {
      answerEmpty(response, typeof target === 'number' ? target : 404);
      return;
    }
    const web = await webRequest(request, target, root);
    await answerWeb(response, web && durable.handle(web));
  };
}

async function admin(
  request: IncomingMessage,
  response: ServerResponse,
  target: RequestTarget,
  options: DispatchOptions,
): Promise<void> {
  // No key is asked for, so a foreign name that resolves to this machine (DNS rebinding) must not get in.
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/i.test(request.headers.host ?? '')) {
    answerEmpty(response, 403);
    return;
  }
  const web = await webRequest(request, target, '/admin/');
  await answerWeb(response, web && handleAdmin(web, options.admin));
}

async function webhook(
  request: IncomingMessage,
  response: ServerResponse,
  target: RequestTarget,
  { durable, systemKey, worker }: DispatchOptions,
): Promise<void> {
  const web = await webRequest(request, target, '/runtime/webhooks/');
  const key = request.headers['x-functions-key'] ?? new URLSearchParams(target.search).get('code');
  if (key !== systemKey) {
    answerEmpty(response, 401, { 'WWW-Authenticate': 'Bearer' });
    return;
  }
  const [extension = ''] = (web?.path ?? '').split('/');
  const below = web && { ...web, path: web.path.slice(extension.length + 1) };
  if (extension.toLowerCase() === 'eventgrid') {
    await answerWeb(response, below && handleEventGrid(below, worker));
  } else if (extension.toLowerCase() === 'durabletask' && durable !== undefined) {
    await answerWeb(response, below && durable.handle(below));
  } else {
    answerEmpty(response, 404);
  }
}

async function callFunction(
  request: IncomingMessage,
  response: ServerResponse,
  target: RequestTarget,
  options: DispatchOptions,
  routes: RouteTable,
): Promise<void> {
  const { env, throttle } = options;
  const match = routes.find(request.method ?? '', target.path.slice(1));
  if (match === undefined && target.path === '/' && request.method === 'GET') {
    homePage(response, env);
  } else if (match === undefined || isDisabled(match.definition, env)) {
    answerEmpty(response, 404);
  } else {
    // The promise that is awaited here belongs to the run, so a client that goes away ends it like any other.
    await new Promise<void>((resolve, reject) => {
      const task = () => run(request, response, target, match, options.worker).then(resolve, reject);
      if (throttle.run(task)) return;
      answerEmpty(response, 429, { 'X-FUNCTION-SCALEOUT': '1' });
      resolve();
    });
  }
}

async function run(
  request: IncomingMessage,
  response: ServerResponse,
  target: RequestTarget,
  { definition, binding, params }: RouteMatch,
  worker: WorkerSupervisor,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    answerEmpty(response, 500);
    return;
  }
  const outcome = await worker.invoke({
    functionName: definition.name,
    inputs: { [binding.name]: { http: toRpcHttp(request, target, params, body) } },
  });
  answer(response, outcome);
}

function homePage(response: ServerResponse, env: NodeJS.ProcessEnv): void {
  if (/^(true|1)$/i.test(env['AzureWebJobsDisableHomepage'] ?? '')) {
    answerEmpty(response, 204);
    return;
  }
  const page = '<!doctype html><title>Functions</title><p>Your local Functions host is up and running.</p>';
  response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
}

/** The request as extensions see it; undefined when its body is too long. `root` ends with a slash. */
async function webRequest(
  request: IncomingMessage,
  target: RequestTarget,
  root: string,
): Promise<WebRequest | undefined> {
  const body = await readBody(request);
  if (body === undefined) return undefined;
  const headers = Object.entries(request.headersDistinct).map(([name, values = []]) => [
    name,
    values.join(','),
  ]);
  return {
    method: request.method ?? '',
    path: target.encodedPath.slice(root.length),
    query: new URLSearchParams(target.search),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body,
    url: `http://${request.headers.host ?? 'localhost'}${target.encodedPath}${target.search}`,
  };
}

async function answerWeb(
  response: ServerResponse,
  answering: Promise<WebResponse> | WebResponse | undefined,
): Promise<void> {
  try {
    const web = await answering;
    if (web === undefined || web.body === '') answerEmpty(response, web?.status ?? 500, web?.headers);
    else response.writeHead(web.status, web.headers).end(web.body);
  } catch {
    answerEmpty(response, 500);
  }
}
