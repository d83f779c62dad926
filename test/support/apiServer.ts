import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Route } from '../../src/http/operation.ts';
import type { ApiWorld } from './apiWorld.ts';
import { call } from './httpCalls.ts';

/** The routes of an ApiWorld behind a socket of this machine, for clients that are programs. */
export interface ApiServer {
  /** `http://127.0.0.1:…` */
  origin: string;
  /** Method and path of every call, in order. */
  calls: string[];
  close(): Promise<void>;
}

/** Serves them. `before` is awaited before each call: where a test lets somebody else be faster. */
export async function startApiServer(
  { routes, world }: Pick<ApiWorld, 'routes' | 'world'>,
  before: (line: string) => Promise<void> = () => Promise.resolve(),
): Promise<ApiServer> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const [method, path] = [request.method ?? '', request.url ?? '/'];
      calls.push(`${method} ${path}`);
      await before(`${method} ${path}`);
      const found = matchOf(routes, method, new URL(path, origin).pathname);
      if (found === undefined) return response.writeHead(404).end();
      const body = await buffer(request);
      const asking = { method, origin, path, params: found.params, headers: headersOf(request) };
      // Some answers wait for Azure, and time passes only here.
      const answer = await world.clock.run(
        call(found.route.handler, { ...asking, ...(body.length > 0 && { body }) }),
      );
      return response.writeHead(answer.status, answer.headers).end(answer.text);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    calls,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function matchOf(routes: readonly Route[], method: string, pathname: string) {
  for (const route of routes) {
    const pattern = route.operation.route.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
    const match = new RegExp(`^/${pattern}$`).exec(pathname);
    if (match === null || route.operation.method !== method) continue;
    const params = Object.entries(match.groups ?? {}).map(([name, value]) => [
      name,
      decodeURIComponent(value),
    ]);
    return { route, params: Object.fromEntries(params) as Record<string, string> };
  }
  return undefined;
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  );
}
