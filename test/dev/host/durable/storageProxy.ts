import { EventEmitter, once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StorageProxy {
  connectionString: string;
  /** All requests, and those that write. */
  counts: { requests: number; writes: number };
  /** Settles when the chosen write has come and everything has been cut off. */
  cut: Promise<void>;
  close(): void;
}

/** When to cut the connections: at which write, and whether storage still gets it. */
export interface Cut {
  at: (body: string, write: number) => boolean;
  forwarded: boolean;
}

/**
 * Stands between an engine and its storage. From the chosen write on nothing passes any more: together with a stop
 * without drain, this is what storage sees of a process killed at that instant.
 */
export async function startStorageProxy(connectionString: string, cut?: Cut): Promise<StorageProxy> {
  const target = new URL(/TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '');
  const counts = { requests: 0, writes: 0 };
  let isCut = false;
  const whenCut = new EventEmitter();
  const cutOff = once(whenCut, 'cut').then(() => undefined);

  async function serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    counts.requests++;
    if (isCut) return void incoming.destroy();
    if (incoming.method !== 'GET' && cut?.at(body.toString(), ++counts.writes) === true) {
      isCut = true;
      if (cut.forwarded)
        await new Promise<void>((done) => forward(incoming, body, (from) => from.resume().on('end', done)));
      whenCut.emit('cut');
      return void incoming.destroy();
    }
    forward(incoming, body, (from) => {
      answer.writeHead(from.statusCode ?? 500, from.headers);
      from.pipe(answer);
    });
  }

  function forward(incoming: IncomingMessage, body: Buffer, then: (from: IncomingMessage) => void): void {
    const { method = 'GET', url = '/', headers } = incoming;
    const { hostname, port } = target;
    httpRequest({ hostname, port, method, path: url, headers }, then)
      .on('error', () => undefined)
      .end(body);
  }

  const server = createServer(
    (incoming, answer) => void serve(incoming, answer).catch(() => answer.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    connectionString: connectionString.replace(target.host, `127.0.0.1:${port}`),
    ...{ counts, cut: cutOff },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
