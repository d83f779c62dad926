import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ensureCertificate } from '../certificate.ts';
import type { RequestRecord } from './control.ts';
import { control } from './control.ts';
import type { EventOptions, SystemTopic } from './events.ts';
import { changesBetween, createSystemTopic, writtenNsg } from './events.ts';
import type { Settings } from './exchange.ts';
import type { Faults } from './faults.ts';
import { settle } from './operations.ts';
import type { Answer } from './pipeline.ts';
import type { JsonObject } from './resource.ts';
import type { AskedSimulator, SimulatorOptions } from './simulator.ts';
import { createSimulator, textOf } from './simulator.ts';
import { writeState } from './state.ts';
import type { Access } from './world.ts';

export interface ArmOptions extends SimulatorOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  protocol?: 'https' | 'http';
  /** Where the certificate lies or is made. */
  certificateDirectory?: string;
  /** Where the events about resources go; without it nobody is told. */
  events?: EventOptions;
  log?: (line: string) => void;
}

export interface RunningArm {
  url: string;
  /** The PEM file for NODE_EXTRA_CA_CERTS; undefined over plain http. */
  certificatePath: string | undefined;
  /** A snapshot that can be started from again. */
  state(): JsonObject;
  /** Role assignments, deny assignments and groups: change their lists, and the next request sees it. */
  readonly access: Access;
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
  const asked = createSimulator(options);
  const { simulator, requests } = asked;
  const topic = options.events && createSystemTopic(options.events, options.log);
  const protocol = options.protocol ?? 'https';
  const certificate =
    protocol === 'https'
      ? await ensureCertificate(options.certificateDirectory ?? join(tmpdir(), 'sallyport-certificate'))
      : undefined;
  const listener: RequestListener = (request, response) => {
    respond(asked, topic, protocol, request, response, options.log).catch((error: unknown) => {
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
    get access() {
      return simulator.world;
    },
    state: () => {
      settle(simulator.world, simulator.clock());
      return writeState(simulator.world);
    },
    faults: simulator.faults,
    settings: simulator.settings,
    requests,
    close: async () => {
      topic?.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function respond(
  asked: AskedSimulator,
  topic: SystemTopic | undefined,
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
    const { resources } = asked.simulator.world;
    const reply = control(asked.simulator, asked.requests, { method, url, body });
    if (asked.simulator.world.resources !== resources) {
      topic?.tell(changesBetween(resources, asked.simulator.world.resources));
    }
    send(response, { ...reply });
    return;
  }
  const reply = await asked.ask({ method, url, headers: request.headers, body, origin });
  log?.(`${method} ${url.pathname} ${reply.ending ?? reply.status}`);
  const written = writtenNsg(method, url.pathname);
  if (written !== undefined && (reply.status < 300 || reply.fault === 'reset-after-commit')) {
    const operation = method === 'DELETE' ? 'delete' : 'write';
    topic?.tell([{ id: written, operation, afterMs: asked.simulator.settings.operationMs }]);
  }
  if (reply.ending === 'reset') request.socket.destroy();
  else if (reply.ending !== 'hang') send(response, reply);
}

/** `//x` at the start would read as a host. */
function collapse(path: string): string {
  return path.replace(/^\/+/, '/');
}

function send(response: ServerResponse, reply: Answer): void {
  const shown = textOf(reply);
  // One by one: setHeader knows that a fault's `content-type` replaces our `Content-Type`.
  const headers = { 'Content-Type': 'application/json; charset=utf-8', ...reply.headers };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (reply.status !== 204) response.setHeader('Content-Length', Buffer.byteLength(shown));
  response.statusCode = reply.status;
  response.end(shown);
}
