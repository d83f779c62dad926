import type { Example, Operation, Route } from '../../src/http/operation.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { everyonesProblems, problemDocument } from '../../src/http/problem.ts';
import { grantWorld } from './grantWorld.ts';
import type { GrantWorld, Hindrance, Process } from './grantWorld.ts';
import { call, surroundings } from './httpCalls.ts';
import type { Answered, Surroundings } from './httpCalls.ts';
import type { TokenIssuer } from './tokenIssuer.ts';

/** Every route of the app over the real services, all stores in memory. */
export interface ApiWorld {
  world: GrantWorld;
  process: Process;
  routes: Route[];
  around: Surroundings;
  route(name: string): Route;
  /** Sends what an example says, with these headers besides. */
  send(
    operation: Operation,
    example: Omit<Example, 'summary' | 'status'>,
    headers?: object,
  ): Promise<Answered>;
}

/** A `grantWorld`, whose virtual machine is that of the examples, behind the handlers and one trusted proxy. */
export async function createApiWorld(
  issuer: Pick<TokenIssuer, 'issuer' | 'jwksUri'>,
  options: { trustAppServiceAuthentication?: boolean; hindrance?: Hindrance } = {},
): Promise<ApiWorld> {
  const world = await grantWorld();
  const process = world.startProcess(undefined, options.hindrance);
  const around = surroundings(issuer, options);
  const routes = createRoutes({
    ...around,
    trustedProxyHops: 1,
    service: () => process.service,
    audit: world.stores.audit,
  });
  const route = (name: string) => {
    const found = routes.find(({ operation }) => operation.name === name);
    if (found === undefined) throw new Error(`There is no route ${name}.`);
    return found;
  };
  return {
    world,
    process,
    routes,
    around,
    route,
    send: (operation, example, headers = {}) => sendTo(route(operation.name), example, headers),
  };
}

function sendTo(
  { operation, handler }: Route,
  { path: params = {}, query = {}, headers: own = {}, body }: Omit<Example, 'summary' | 'status'>,
  headers: object,
): Promise<Answered> {
  const path = operation.route.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
  const search = new URLSearchParams(query).toString();
  return call(handler, {
    method: operation.method,
    path: `/${path}${search === '' ? '' : `?${search}`}`,
    params,
    headers: { 'x-forwarded-for': '203.0.113.7:51000', ...headers, ...own },
    ...(body !== undefined && { body }),
  });
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
