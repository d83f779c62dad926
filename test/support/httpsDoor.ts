import { createServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpHandler } from '@azure/functions';
import { ensureCertificate } from '../../dev/certificate.ts';
import { call } from './httpCalls.ts';

/** One handler behind https on this machine, with what a proxy before it appends. */
export interface HttpsDoor {
  /** `https://127.0.0.1:…` */
  origin: string;
  /** PEM: what clients must trust. */
  certificate: string;
  close(): Promise<void>;
}

/** Serves a handler under a route that ends in a catch-all of the name `path`. The certificate is kept in the folder. */
export async function startHttpsDoor(
  handler: HttpHandler,
  prefix: string,
  folder: string,
): Promise<HttpsDoor> {
  const { certificate, key } = await ensureCertificate(folder);
  const server = createServer({ cert: certificate, key }, (request, response) => {
    void (async () => {
      const path = request.url ?? '/';
      const { pathname } = new URL(path, origin);
      if (!pathname.startsWith(prefix)) return response.writeHead(404).end();
      const body = await bytesOf(request);
      const headers = { ...headersOf(request), 'x-forwarded-for': '203.0.113.7:50123' };
      const answer = await call(handler, {
        method: request.method ?? 'GET',
        origin,
        path,
        params: { path: decodeURIComponent(pathname.slice(prefix.length)) },
        headers,
        ...(body.length > 0 && { body }),
      });
      return response.writeHead(answer.status, answer.headers).end(answer.text);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    certificate,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  );
}
