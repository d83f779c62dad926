import {
  createHttpHeaders,
  RestError,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { Settings } from '../../dev/arm/exchange.ts';
import { idKey, isNsg } from '../../dev/arm/resource.ts';
import { createSimulator, textOf, type AskedSimulator } from '../../dev/arm/simulator.ts';
import type { Operation } from '../../dev/arm/world.ts';
import type { TokenCredential } from '@azure/core-auth';
import { azureState, foreignPrefix } from './azureState.ts';
import type { VirtualTime } from './virtualTime.ts';

export const origin = 'https://management.contoso.example';

export interface ArmCall {
  kind: 'nsg-read' | 'write' | 'poll' | 'other';
  method: string;
  path: string;
  /** Who sent it: the first part of the user agent. */
  sender: string;
  /** When it arrived, in virtual milliseconds. */
  at: number;
  status: number;
}

/** One write that was accepted. */
export interface AcceptedWrite {
  nsgId: string;
  sender: string;
  at: number;
  /** When its operation is over, unless it is superseded. */
  endsAt: number;
  operation: Operation;
  /** Every rule that is not foreign, as the write left the NSG. */
  rules: ReadonlySet<string>;
  /** When its sender was told that the operation has ended. */
  knownAt?: number;
}

export interface SimulatedArm {
  simulator: AskedSimulator['simulator'];
  httpClient: HttpClient;
  credential: TokenCredential;
  calls: ArmCall[];
  writes: AcceptedWrite[];
}

/** The simulator on virtual time, reached without a socket; half of a call's time is the way there. */
export function createSimulatedArm(
  time: VirtualTime,
  options: {
    nsgs: number;
    /** Spread over the NSGs; none if left out. */
    machines?: number;
    callMilliseconds: number;
    settings: Partial<Settings>;
    /** Instead of the bench's own. */
    state?: unknown;
  },
): SimulatedArm {
  const began = time.now().getTime();
  const asked = createSimulator({
    state: options.state ?? azureState(options.nsgs, options.machines ?? 0),
    clock: () => time.now().getTime(),
    settings: options.settings,
  });
  const { simulator } = asked;
  const calls: ArmCall[] = [];
  const writes: AcceptedWrite[] = [];
  const byOperation = new Map<string, AcceptedWrite>();
  const way = options.callMilliseconds / 2;

  async function sendRequest(request: PipelineRequest): Promise<PipelineResponse> {
    const url = new URL(request.url);
    await time.sleep(way);
    const call: ArmCall = {
      kind: kindOf(request.method, url.pathname),
      method: request.method,
      path: url.pathname,
      sender: (request.headers.get('user-agent') ?? '').split(' ')[0] ?? '',
      at: time.elapsed(),
      status: 0,
    };
    calls.push(call);
    const body = typeof request.body === 'string' ? request.body : '';
    const headers = request.headers.toJSON();
    const reply = await asked.ask({ method: request.method, url, headers, body: Buffer.from(body), origin });
    call.status = reply.status;
    const text = textOf(reply);
    if (call.kind === 'write' && reply.status < 300) remember(call, url.pathname, reply.headers);
    await time.sleep(way);
    if (reply.ending !== undefined) throw new RestError('The connection was reset.', { code: 'ECONNRESET' });
    if (call.kind === 'poll') noteEnd(url.pathname, reply.status, text);
    return { request, status: reply.status, headers: createHttpHeaders(reply.headers), bodyAsText: text };
  }

  function remember(
    { sender, at }: ArmCall,
    path: string,
    headers: Record<string, string> | undefined,
  ): void {
    const operationPath = new URL(headers?.['Azure-AsyncOperation'] ?? origin).pathname;
    const operation = simulator.world.operations.get(operationPath.split('/').at(-1) ?? '');
    const nsg = simulator.world.resources.get(idKey(path.replace(/\/securityRules\/.*$/, '')));
    if (operation === undefined || !isNsg(nsg)) return;
    const names = nsg.properties.securityRules.map(({ name }) => name);
    const rules = new Set(names.filter((name) => !name.startsWith(foreignPrefix)));
    const endsAt = operation.dueAt - began;
    const write: AcceptedWrite = { nsgId: nsg.id, sender, at, endsAt, operation, rules };
    writes.push(write);
    byOperation.set(operation.id, write);
  }

  function noteEnd(path: string, status: number, text: string): void {
    const write = byOperation.get(path.split('/').at(-1) ?? '');
    if (write === undefined || status !== 200 || text.includes('"InProgress"')) return;
    write.knownAt ??= time.elapsed();
  }

  return {
    simulator,
    httpClient: { sendRequest },
    credential: {
      getToken: () => Promise.resolve({ token: 'a-token', expiresOnTimestamp: began + 1e12 }),
    },
    calls,
    writes,
  };
}

function kindOf(method: string, path: string): ArmCall['kind'] {
  if (/\/locations\/[^/]+\/operation/i.test(path)) return 'poll';
  if (!/\/networkSecurityGroups\//i.test(path)) return 'other';
  if (method !== 'GET') return 'write';
  return /\/networkSecurityGroups\/[^/]+$/i.test(path) ? 'nsg-read' : 'other';
}
