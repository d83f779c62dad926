import { createServer } from 'node:https';
import { request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ensureCertificate } from '../../dev/certificate.ts';

/** Https in front of a host that speaks plain http, as every deployment has it. */
export interface HttpsGateway {
  origin: string;
  /** PEM: what clients must trust. */
  certificate: string;
  close(): Promise<void>;
}

/** Starts one; it appends to X-Forwarded-For that it was called from `callerAddress`. Its certificate is kept in the folder. */
export async function startHttpsGateway(
  target: () => string,
  folder: string,
  callerAddress: string,
): Promise<HttpsGateway> {
  const { certificate, key } = await ensureCertificate(folder);
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const before = request.headers['x-forwarded-for'];
    const chain = [before, callerAddress].filter((part) => part !== undefined).join(', ');
    const onward = forward(new URL(request.url ?? '/', target()), {
      method: request.method,
      headers: { ...request.headers, 'x-forwarded-for': chain },
    });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
