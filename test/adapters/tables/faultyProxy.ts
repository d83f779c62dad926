import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a call: it goes through, its answer is lost on the way back, or there is never one. */
export type Fate = 'pass' | 'lose-answer' | 'silence' | { status: number; code: string };

export interface FaultyProxy {
  /** The connection string that leads through the proxy. */
  connectionString: string;
  /** Method and path of every call so far. */
  calls: string[];
  stop(): Promise<void>;
}

/** A way to Table Storage on which things go wrong as `fateOf` says, for each call in turn. */
export async function startFaultyProxy(
  connectionString: string,
  fateOf: (call: IncomingMessage, number: number) => Fate,
): Promise<FaultyProxy> {
  const endpoint = new URL(/TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '');
  const calls: string[] = [];

  function answer(call: IncomingMessage, response: ServerResponse): void {
    calls.push(`${call.method ?? ''} ${call.url ?? ''}`);
    const fate = fateOf(call, calls.length);
    if (fate === 'silence') return;
    if (typeof fate === 'object') {
      const body = { 'odata.error': { code: fate.code, message: { lang: 'en-US', value: 'No.' } } };
      response.writeHead(fate.status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return;
    }
    const { method, url, headers } = call;
    const onward = request({ hostname: endpoint.hostname, port: endpoint.port, method, path: url, headers });
    onward.on('response', (answered) => {
      if (fate === 'lose-answer') {
        answered.resume().on('end', () => call.socket.destroy());
        return;
      }
      response.writeHead(answered.statusCode ?? 500, answered.headers);
      answered.pipe(response);
    });
    call.pipe(onward);
  }

  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    connectionString: connectionString.replace(
      /TableEndpoint=[^;]+/,
      `TableEndpoint=http://127.0.0.1:${port}${endpoint.pathname}`,
    ),
    calls,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
