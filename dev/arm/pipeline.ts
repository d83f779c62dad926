import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Authenticate, Caller } from './authentication.ts';
import { anotherOperation, ArmError, gatewayError } from './errors.ts';
import type { Exchange, Reply, Settings } from './exchange.ts';
import type { Fault, Faults } from './faults.ts';
import { operationFault, refusal } from './faults.ts';
import { actionOf, checkApiVersion, checkLocks, checkResourceGroup, checkSubscription } from './gateway.ts';
import { settle } from './operations.ts';
import { idKey } from './resource.ts';
import { checkRights } from './rights.ts';
import { route } from './routes.ts';
import type { World } from './world.ts';
import type { Target } from './target.ts';
import { parseTarget, topLevelId, typeKey } from './target.ts';
import type { CallKind, Throttle } from './throttle.ts';

/** Everything that one running simulator holds. */
export interface Simulator {
  world: World;
  settings: Settings;
  clock: () => number;
  throttle: Throttle;
  faults: Faults;
  authenticate: Authenticate;
  /** NSGs in the synchronous part of a write, by id, with the operation that holds them. */
  held: Map<string, string>;
  /** Called after every change of the world. */
  changed: () => void;
}

export interface ArmRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: Buffer;
  origin: string;
}

export interface Answer extends Reply {
  /** What happens to the connection instead of an answer. */
  ending?: 'reset' | 'hang';
  malformed?: boolean;
  fault?: Fault['kind'];
}

/** Takes one ARM request through gateway and provider. Refusals are answers; it throws only for its own bugs. */
export async function answer(simulator: Simulator, request: ArmRequest): Promise<Answer> {
  const headers: Record<string, string> = {};
  let fault: Fault | undefined;
  try {
    if (simulator.settings.requestMs > 0) await sleep(simulator.settings.requestMs);
    const caller = await simulator.authenticate(request.headers.authorization);
    const target = parseTarget(request.url.pathname);
    if (!target)
      throw gatewayError(404, 'InvalidResourcePath', `The path '${request.url.pathname}' is not known.`);
    fault = simulator.faults.hit(request.method, target.path);
    const kindOfFault = fault && { fault: fault.kind };
    if (fault?.kind === 'reset-before') return { status: 0, ending: 'reset', ...kindOfFault };
    if (fault?.kind === 'hang' && fault.when === 'before')
      return { status: 0, ending: 'hang', ...kindOfFault };
    if (fault?.kind === 'delay' && fault.when === 'before') await sleep(fault.ms);
    const reply = await handle(simulator, request, target, caller, fault, headers);
    if (fault?.kind === 'delay' && fault.when === 'after') await sleep(fault.ms);
    if (fault?.kind === 'reset-after-commit') return { status: 0, ending: 'reset', ...kindOfFault };
    if (fault?.kind === 'hang') return { status: 0, ending: 'hang', ...kindOfFault };
    const malformed = fault?.kind === 'malformed';
    return { ...reply, headers: { ...headers, ...reply.headers }, malformed, ...kindOfFault };
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    return {
      status: error.status,
      headers: { 'x-ms-failure-cause': error.failureCause, ...headers, ...error.headers },
      body: error.body(),
      ...(fault && { fault: fault.kind }),
    };
  }
}

async function handle(
  simulator: Simulator,
  request: ArmRequest,
  target: Target,
  caller: Caller,
  fault: Fault | undefined,
  sharedHeaders: Record<string, string>,
): Promise<Reply> {
  const { world, settings } = simulator;
  const { method, url, headers, origin } = request;
  const kind = kindOf(method);
  if (target.subscriptionId !== undefined) checkSubscription(world, target.subscriptionId);
  Object.assign(sharedHeaders, countCall(simulator, target, caller, kind));
  if (isNetwork(target)) Object.assign(sharedHeaders, providerHeaders(world.tenantId, caller));
  const apiVersion = checkApiVersion(url.searchParams, target.types.join('/'));
  if (fault?.kind === 'status' && fault.body !== undefined) {
    return { status: fault.status, headers: fault.headers, body: fault.body };
  }
  if (fault) {
    const action = actionOf(method, [target.namespace ?? '', ...target.types].join('/'));
    const ifMatch = headers['if-match'] ?? '';
    const error = refusal(fault, { world, target, kind, objectId: caller.objectId, action, ifMatch });
    if (error) throw error;
  }
  const { type, handle: handler } = route(method, target, apiVersion);
  checkResourceGroup(world, target);
  const bend = operationFault(fault);
  const exchange: Exchange = {
    world,
    settings,
    method,
    target,
    query: url.searchParams,
    apiVersion,
    headers,
    body: parseBody(request.body),
    caller,
    origin,
    now: simulator.clock(),
    ...(bend && { operationFault: bend }),
  };
  checkRights(exchange, type);
  checkLocks(exchange);
  const release = await holdNsg(simulator, exchange);
  try {
    // Both may have moved on while the write was waiting.
    exchange.world = simulator.world;
    exchange.now = simulator.clock();
    const settled = settle(exchange.world, exchange.now);
    const reply = handler(exchange);
    if (settled || method !== 'GET') simulator.changed();
    return reply;
  } finally {
    release();
  }
}

/** The synchronous part of an NSG write: whoever writes the same NSG meanwhile is refused. */
async function holdNsg(simulator: Simulator, { method, target }: Exchange): Promise<() => void> {
  const { criticalSectionMs } = simulator.settings;
  const isWrite = method !== 'GET' && typeKey(target).startsWith('microsoft.network/networksecuritygroups');
  if (criticalSectionMs === 0 || !isWrite) return () => undefined;
  const key = idKey(topLevelId(target));
  const holder = simulator.held.get(key);
  if (holder !== undefined) throw anotherOperation(holder, topLevelId(target), 14);
  const name = target.types.length > 1 ? 'SecurityRule' : 'NetworkSecurityGroup';
  simulator.held.set(key, `${method === 'DELETE' ? 'Delete' : 'Put'}${name}Operation (${randomUUID()})`);
  await sleep(criticalSectionMs);
  return () => simulator.held.delete(key);
}

function countCall(
  { settings, throttle, clock }: Simulator,
  target: Target,
  { objectId }: Caller,
  kind: CallKind,
): Record<string, string> {
  if (!settings.throttling) return {};
  const { subscriptionId } = target;
  const headers = throttle.take({ kind, subscriptionId, objectId, network: isNetwork(target) }, clock());
  if (target.namespace?.toLowerCase() !== 'microsoft.compute') return headers;
  return { ...headers, 'x-ms-ratelimit-remaining-resource': 'Microsoft.Compute/LowCostGet3Min;3991' };
}

function isNetwork(target: Target): boolean {
  return target.namespace?.toLowerCase() === 'microsoft.network';
}

function providerHeaders(tenantId: string, { objectId }: Caller): Record<string, string> {
  return {
    'x-ms-arm-service-request-id': randomUUID(),
    'x-ms-operation-identifier': `tenantId=${tenantId},objectId=${objectId}/westeurope/${randomUUID()}`,
  };
}

function kindOf(method: string): CallKind {
  return method === 'GET' ? 'read' : method === 'DELETE' ? 'delete' : 'write';
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'not JSON';
    throw gatewayError(
      400,
      'InvalidRequestContent',
      `The request content was invalid and could not be deserialized: '${reason}'.`,
    );
  }
}
