import { z } from 'zod';
import type { Reply, Settings } from './exchange.ts';
import type { ArmRequest, Simulator } from './pipeline.ts';
import { readState, StateError, writeState } from './state.ts';

/** One request as it was seen, for counting reads and writes. */
export interface RequestRecord {
  /** ISO 8601, by the simulator's clock. */
  time: string;
  method: string;
  path: string;
  apiVersion: string | null;
  /** 0 while there is no answer, and for ever when a fault took the connection. */
  status: number;
  ifMatch?: string;
  correlationRequestId?: string;
  fault?: string;
}

/** Settings that may be changed while the simulator runs. */
const settingsSchema: z.ZodType<Partial<Settings>> = z
  .strictObject({
    operationMs: z.number().min(0),
    requestMs: z.number().min(0),
    criticalSectionMs: z.number().min(0),
    pollRetryAfter: z.union([z.enum(['growing', 'none']), z.int().min(0)]),
    pageSize: z.number().int().min(1),
    throttling: z.boolean(),
    rightsFrom: z.enum(['permissions', 'role-assignments']),
    mixedFamilies: z.enum(['refuse', 'accept']),
  })
  .partial() as z.ZodType<Partial<Settings>>;

/** Answers `/_sim/…`: state, faults, settings and the log of requests. No token is asked for; ARM has no such path. */
export function control(
  simulator: Simulator,
  requests: RequestRecord[],
  request: Pick<ArmRequest, 'method' | 'url' | 'body'>,
): Reply {
  const [, , area = '', id] = request.url.pathname.split('/');
  try {
    switch (`${request.method} ${area}`) {
      case 'GET state':
        return { status: 200, body: writeState(simulator.world) };
      case 'PUT state':
        simulator.world = readState(parse(request.body));
        simulator.changed();
        return { status: 204 };
      case 'GET faults':
        return { status: 200, body: simulator.faults.list() };
      case 'POST faults':
        return { status: 201, body: { id: simulator.faults.add(parse(request.body)) } };
      case 'DELETE faults':
        if (id === undefined) simulator.faults.clear();
        else if (!simulator.faults.remove(id)) return problem(404, `no fault ${id}`);
        return { status: 204 };
      case 'GET settings':
        return { status: 200, body: simulator.settings };
      case 'PATCH settings':
        Object.assign(simulator.settings, settingsSchema.parse(parse(request.body)));
        return { status: 200, body: simulator.settings };
      case 'GET requests':
        return { status: 200, body: requests };
      case 'DELETE requests':
        requests.length = 0;
        return { status: 204 };
      default:
        return problem(404, `no ${request.method} ${request.url.pathname}`);
    }
  } catch (error) {
    if (error instanceof z.ZodError) return problem(400, z.prettifyError(error));
    if (error instanceof StateError || error instanceof SyntaxError) return problem(400, error.message);
    throw error;
  }
}

function parse(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8'));
}

function problem(status: number, message: string): Reply {
  return { status, body: { error: { code: 'Simulator', message } } };
}
