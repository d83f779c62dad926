import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { HostError } from './hostError.ts';

export interface Listener {
  port: number;
  /** Takes no more connections, waits up to `graceMs` for calls under way, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The address is fixed: nothing of this host is for other machines. */
const address = '127.0.0.1';

/** Listens on 127.0.0.1. @throws HostError when the port is taken */
export async function listen(port: number, handler: Handler): Promise<Listener> {
  const server = createServer({ maxHeaderSize: 48 * 1024 }, (request, response) => {
    handler(request, response).catch(() => response.destroy());
  });
  // A body of 100 MB may take its time.
  server.requestTimeout = 0;
  await opened(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function opened(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${error.message}`;
      reject(new HostError(`Port ${port} ${reason}.`));
    });
    server.listen(port, address, resolve);
  });
}
