import { randomUUID } from 'node:crypto';
import { authenticator } from './authentication.ts';
import type { RequestRecord } from './control.ts';
import type { Settings } from './exchange.ts';
import { DEFAULT_SETTINGS } from './exchange.ts';
import type { FaultSpec } from './faults.ts';
import { makeFaults } from './faults.ts';
import type { Answer, ArmRequest, Simulator } from './pipeline.ts';
import { answer } from './pipeline.ts';
import { readState, saveState } from './state.ts';
import { makeThrottle } from './throttle.ts';

export interface SimulatorOptions {
  /** The subscription's resources, as dev/sample/azure.json has them. */
  state: unknown;
  /** Milliseconds; operations end and buckets fill by it. */
  clock?: () => number;
  settings?: Partial<Settings>;
  faults?: readonly FaultSpec[];
  /** Tokens are checked against this issuer; without it any bearer passes. */
  issuer?: { url: string; audience: string };
  /** Written, atomically, before the answer to every change. */
  saveTo?: string;
}

/** A simulator that is asked by a call: a server puts a socket before it, a benchmark a virtual clock. */
export interface AskedSimulator {
  simulator: Simulator;
  /** Every request that was asked, in order. */
  requests: RequestRecord[];
  /** Takes one ARM request; the answer has every header but those of the transport. */
  ask(request: ArmRequest): Promise<Answer>;
}

/** Makes a simulator. Throws a StateError for a bad state and a ZodError for a bad fault. */
export function createSimulator(options: SimulatorOptions): AskedSimulator {
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
  return {
    simulator,
    requests,
    async ask(request) {
      const record = recordOf(simulator, request);
      requests.push(record);
      const reply = await answer(simulator, request);
      record.status = reply.status;
      if (reply.fault !== undefined) record.fault = reply.fault;
      return { ...reply, headers: { ...armHeaders(simulator, request), ...reply.headers } };
    },
  };
}

/** The body of an answer as it goes over the wire. */
export function textOf({ body, malformed }: Answer): string {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return malformed ? text.slice(0, Math.ceil(text.length / 2)) : text;
}

function recordOf(simulator: Simulator, { method, url, headers }: ArmRequest): RequestRecord {
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

function armHeaders(simulator: Simulator, { headers }: ArmRequest): Record<string, string> {
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
