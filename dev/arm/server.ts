import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ensureCertificate } from '../certificate.ts';
import { authenticator } from './authentication.ts';
import type { RequestRecord } from './control.ts';
import { control } from './control.ts';
import type { Settings } from './exchange.ts';
import { DEFAULT_SETTINGS } from './exchange.ts';
import type { Faults, FaultSpec } from './faults.ts';
import { makeFaults } from './faults.ts';
import type { Answer, Simulator } from './pipeline.ts';
import { answer } from './pipeline.ts';
import type { JsonObject } from './resource.ts';
import { settle } from './operations.ts';
import { readState, saveState, writeState } from './state.ts';
import { makeThrottle } from './throttle.ts';

export interface ArmOptions {
  /** The subscription's resources, as dev/sample/azure.json has them. */
  state: unknown;
  /** 0, the default, takes any free port. */
  port?: number;
  protocol?: 'https' | 'http';
  /** Where the certificate lies or is made. */
  certificateDirectory?: string;
  /** Milliseconds; operations end and buckets fill by it. */
  clock?: () => number;
  settings?: Partial<Settings>;
  faults?: readonly FaultSpec[];
  /** Tokens are checked against this issuer; without it any bearer passes. */
  issuer?: { url: string; audience: string };
  /** Written, atomically, before the answer to every change. */
  saveTo?: string;
  log?: (line: string) => void;
}

export interface RunningArm {
  url: string;
  /** The PEM file for NODE_EXTRA_CA_CERTS; undefined over plain http. */
  certificatePath: string | undefined;
  /** A snapshot that can be started from again. */
  state(): JsonObject;
  faults: Faults;
  /** Changes take effect with the next request. */
  settings: Settings;
  requests: RequestRecord[];
  close(): Promise<void>;
}

/**
 * Starts the simulator on 127.0.0.1 and resolves when it listens. Rejects with a StateError for a bad state and with
 * the system's error when the port is taken.
 */
export async function startArm(options: ArmOptions): Promise<RunningArm> {
  const world = readState(options.state);
  const requests: RequestRecord[] = [];
  const simulator: Simulator = {
    world,
    settings: { ...DEFAULT_SETTINGS, ...options.settings },
    clock: options.clock ?? Date.now,
    throttle: makeThrottle(),
    faults: makeFaults(options.faults),
    authenticate: authenticator(world.tenantId, options.issuer),
    held: new Map(),
    changed: () => {
      if (options.saveTo !== undefined) saveState(simulator.world, options.saveTo);
    },
  };
  simulator.changed();
  const protocol = options.protocol ?? 'https';
  const certificate =
    protocol === 'https'
      ? await ensureCertificate(options.certificateDirectory ?? join(tmpdir(), 'sallyport-certificate'))
      : undefined;
  const listener: RequestListener = (request, response) => {
    respond(simulator, requests, protocol, request, response, options.log).catch((error: unknown) => {
      options.log?.(
        `simulator fault: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      response.destroy();
    });
  };
  const server = certificate
    ? createHttpsServer({ cert: certificate.certificate, key: certificate.key }, listener)
    : createHttpServer(listener);
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${protocol}://127.0.0.1:${port}`,
    certificatePath: certificate?.certificatePath,
    state: () => {
      settle(simulator.world, simulator.clock());
      return writeState(simulator.world);
    },
    faults: simulator.faults,
    settings: simulator.settings,
    requests,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function respond(
  simulator: Simulator,
  requests: RequestRecord[],
  protocol: string,
  request: IncomingMessage,
  response: ServerResponse,
  log: ArmOptions['log'],
): Promise<void> {
  const origin = `${protocol}://${request.headers.host ?? 'localhost'}`;
  const url = new URL(collapse(request.url ?? '/'), origin);
  const method = request.method ?? 'GET';
  const body = await buffer(request);
  if (url.pathname.startsWith('/_sim/')) {
    send(response, { ...control(simulator, requests, { method, url, body }) }, {});
    return;
  }
  const record = recordOf(simulator, request, method, url);
  requests.push(record);
  const reply = await answer(simulator, { method, url, headers: request.headers, body, origin });
  record.status = reply.status;
  if (reply.fault !== undefined) record.fault = reply.fault;
  log?.(`${method} ${url.pathname} ${reply.ending ?? reply.status}`);
  if (reply.ending === 'reset') request.socket.destroy();
  else if (reply.ending !== 'hang') send(response, reply, armHeaders(simulator, request));
}

/** `//x` at the start would read as a host. */
function collapse(path: string): string {
  return path.replace(/^\/+/, '/');
}

function recordOf(
  simulator: Simulator,
  { headers }: IncomingMessage,
  method: string,
  url: URL,
): RequestRecord {
  const correlation = headers['x-ms-correlation-request-id'];
  return {
    time: new Date(simulator.clock()).toISOString(),
    method,
    path: url.pathname,
    apiVersion: url.searchParams.get('api-version'),
    status: 0,
    ...(headers['if-match'] !== undefined && { ifMatch: headers['if-match'] }),
    ...(typeof correlation === 'string' && { correlationRequestId: correlation }),
  };
}

function send(response: ServerResponse, reply: Answer, common: Record<string, string>): void {
  const text =
    reply.body === undefined ? '' : typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
  const shown = reply.malformed ? text.slice(0, Math.ceil(text.length / 2)) : text;
  // One by one: setHeader knows that a fault's `content-type` replaces our `Content-Type`.
  const headers = { 'Content-Type': 'application/json; charset=utf-8', ...common, ...reply.headers };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (reply.status !== 204) response.setHeader('Content-Length', Buffer.byteLength(shown));
  response.statusCode = reply.status;
  response.end(shown);
}

function armHeaders(simulator: Simulator, { headers }: IncomingMessage): Record<string, string> {
  const requestId = randomUUID();
  const sent = headers['x-ms-correlation-request-id'];
  const now = new Date(simulator.clock()).toISOString().replace(/[-:]|\.\d+/g, '');
  return {
    'Cache-Control': 'no-cache',
    Pragma: 'no-cache',
    Expires: '-1',
    'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
    'X-Content-Type-Options': 'nosniff',
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': typeof sent === 'string' ? sent : requestId,
    'x-ms-routing-request-id': `WESTEUROPE:${now}:${randomUUID()}`,
  };
}
