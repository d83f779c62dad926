import type { CallDependencies } from '../../src/http/handleCall.ts';
import type { Example, Operation, Route } from '../../src/http/operation.ts';
import { createRoutes } from '../../src/http/routes.ts';
import type { TellRefused } from '../../src/http/refusedOpens.ts';
import { everyonesProblems, problemDocument } from '../../src/http/problem.ts';
import { createHealth } from '../../src/workflow/health.ts';
import { createPolicyService } from '../../src/workflow/policyService.ts';
import { grantWorld } from './grantWorld.ts';
import type { GrantWorld, Process } from './grantWorld.ts';
import { call, surroundings } from './httpCalls.ts';
import { createMemoryLastSweeps } from './memoryLastSweeps.ts';
import type { Answered, Asking, Surroundings } from './httpCalls.ts';
import type { TokenIssuer } from './tokenIssuer.ts';

/** Every route of the app over the real services, all stores in memory. */
export interface ApiWorld {
  world: GrantWorld;
  process: Process;
  routes: Route[];
  around: Surroundings;
  operation(name: string): Operation;
  /** Sends what an example says, with these headers besides. */
  send(operation: Operation, sent: Sent, headers?: Record<string, string>): Promise<Answered>;
}

/** The parts of a call that an example has. */
export type Sent = Omit<Example, 'summary' | 'status' | 'roles'>;

/** A `grantWorld`, whose virtual machine is that of the examples, behind the handlers and one trusted proxy. */
export async function createApiWorld(issuer: Pick<TokenIssuer, 'issuer' | 'jwksUri'>): Promise<ApiWorld> {
  const world = await grantWorld();
  const process = world.startProcess();
  const around = surroundings(issuer);
  const routes = routesOver(world, process, around, 1);
  const fromOutside = { 'x-forwarded-for': '203.0.113.7:51000' };
  return {
    world,
    process,
    routes,
    around,
    operation: (name) => routeOf(routes, name).operation,
    send: (operation, sent, headers = {}) => {
      const asking = askingFor(operation, sent);
      const all = { ...fromOutside, ...headers, ...asking.headers };
      // Some answers wait for Azure, and time passes only here.
      return world.clock.run(call(routeOf(routes, operation.name).handler, { ...asking, headers: all }));
    },
  };
}

/** The routes over one process of a world. Whatever a route newly depends on, tests and the fuzzer get it here. */
export function routesOver(
  world: GrantWorld,
  process: Process,
  around: CallDependencies & { tellRefused: TellRefused },
  trustedProxyHops: number,
): Route[] {
  const service = () => process.service;
  const { recommend } = process;
  const policies = () => createPolicyService(process.dependencies, { start: () => Promise.resolve() });
  const { audit } = world.stores;
  // What the app depends on is not there to be looked at.
  const health = createHealth({
    ...process.dependencies,
    lastSweeps: createMemoryLastSweeps(),
    checks: {},
    periodSeconds: 60,
    program: () => Promise.resolve({ node: 'v22.11.0' }),
  });
  const orchestrations = { status: () => Promise.resolve('missing' as const) };
  return createRoutes({
    ...{ ...around, trustedProxyHops, service, policies, audit, recommend },
    unlistedSubscriptions: () => [],
    health: (_context, correlationId) => health({ correlationId, orchestrations }),
  });
}

/** The route of this name. Throws if there is none. */
export function routeOf(routes: readonly Route[], name: string): Route {
  const found = routes.find(({ operation }) => operation.name === name);
  if (found === undefined) throw new Error(`There is no route ${name}.`);
  return found;
}

/** The call that an example says. */
export function askingFor(operation: Operation, { path = {}, query = {}, headers = {}, body }: Sent): Asking {
  const route = operation.route.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name] ?? ''),
  );
  const search = new URLSearchParams(query).toString();
  return {
    method: operation.method,
    path: `/${route}${search === '' ? '' : `?${search}`}`,
    params: path,
    headers,
    ...(body !== undefined && { body }),
  };
}

/** What of an answer its operation does not describe; undefined if it is as described. */
export function undescribedPart(operation: Operation, { status, json }: Answered): string | undefined {
  if (status < 400) {
    const described = operation.answers[status];
    if (described === undefined) return `status ${status} is not described`;
    return described.schema.safeParse(json).error?.message;
  }
  const problem = problemDocument.safeParse(json);
  if (!problem.success) return problem.error.message;
  const { code } = problem.data;
  const isDescribed = operation.problems.includes(code) || everyonesProblems.includes(code);
  return isDescribed ? undefined : `the problem ${code} is not described`;
}
