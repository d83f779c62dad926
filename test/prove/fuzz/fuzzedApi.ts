import type { HttpHandler } from '@azure/functions';
import type { AccessRequest, LiveRow } from '../../../src/core/accessRequest.ts';
import type { Route } from '../../../src/http/operation.ts';
import { routeOf, routesOver } from '../../support/apiWorld.ts';
import { grantWorld, nicNsg } from '../../support/grantWorld.ts';
import { call, surroundings } from '../../support/httpCalls.ts';
import type { Answered, Asking, Surroundings } from '../../support/httpCalls.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';
import { tenantId } from '../../support/tokenIssuer.ts';

/** What came of one input: the answer, and everything that was written for it. */
export interface Outcome {
  answer: Answered;
  /** Writes to tables and calls of orchestrations, by name. */
  writes: string[];
  /** Codes of refused credentials that were counted. */
  refusals: string[];
}

type FuzzedHandlers = Record<'create' | 'get' | 'list' | 'revoke', HttpHandler>;

/** The real handlers over the real service, all stores in memory. */
export interface FuzzedApi {
  /** Where App Service authentication is trusted, and where it is not. */
  trusting: FuzzedHandlers;
  untrusting: FuzzedHandlers;
  audit: HttpHandler;
  /** Every route, where App Service authentication is trusted. */
  routes: readonly Route[];
  ask(handler: HttpHandler, asking: Asking): Promise<Outcome>;
  request(id: string): Promise<AccessRequest>;
  liveRow(id: string): Promise<LiveRow | undefined>;
}

const writing =
  /\.(insert\w*|replace|remove\w*|add\w*|mark\w*|index|beat|listed|sayLost|put|start|ring|write\w*|delete\w*)$/;

export async function createFuzzedApi(issuer: TokenIssuer): Promise<FuzzedApi> {
  const world = await grantWorld();
  let writes: string[] = [];
  const process = world.startProcess(undefined, {
    before: (effect) => {
      if (writing.test(effect)) writes.push(effect);
    },
  });
  const make = (trustAppServiceAuthentication: boolean) => {
    const around = surroundings(issuer, { trustAppServiceAuthentication });
    const routes = routesOver(world, process, around, trustAppServiceAuthentication ? 2 : 0);
    const handler = (name: string) => routeOf(routes, name).handler;
    const handlers = {
      create: handler('createAccessRequest'),
      get: handler('getAccessRequest'),
      list: handler('listAccessRequests'),
      revoke: handler('revokeAccessRequest'),
    };
    return { around, routes, handlers, audit: handler('readAudit') };
  };
  const [trusted, plain] = [make(true), make(false)];
  const arounds: Surroundings[] = [trusted.around, plain.around];
  return {
    trusting: trusted.handlers,
    untrusting: plain.handlers,
    audit: trusted.audit,
    routes: trusted.routes,
    async ask(handler, asking) {
      writes = [];
      for (const { refusals, errors } of arounds) {
        refusals.length = 0;
        errors.length = 0;
      }
      // Some answers wait for Azure, and time passes only here.
      const answer = await world.clock.run(call(handler, asking));
      const logged = arounds.flatMap(({ errors }) => errors);
      if (logged.length > 0) throw new Error(`an error was logged: ${JSON.stringify(logged)}`);
      return { answer, writes, refusals: arounds.flatMap(({ refusals }) => refusals) };
    },
    request: (id) => world.request(id),
    liveRow: async (id) => (await world.stores.live.get(nicNsg, id))?.row,
  };
}

/** The header that App Service puts in front of the app for this person. */
export function principalOf(objectId: string, roles: readonly string[] = []): Record<string, string> {
  return { 'x-ms-client-principal': encodePrincipal(principal(objectId, roles)) };
}

export function principal(objectId: string, roles: readonly string[] = []) {
  return {
    auth_typ: 'aad',
    name_typ: 'name',
    role_typ: 'roles',
    claims: [
      { typ: 'http://schemas.microsoft.com/identity/claims/objectidentifier', val: objectId },
      { typ: 'http://schemas.microsoft.com/identity/claims/tenantid', val: tenantId },
      { typ: 'name', val: 'Alice of Contoso' },
      ...roles.map((val) => ({ typ: 'roles', val })),
    ],
  };
}

export function encodePrincipal(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
}

/** An object id that no other seed has, so that nobody's refusals count against somebody else. */
export function personOf(number: number): string {
  const digits = number.toString(16).padStart(12, '0').slice(-12);
  return `a11ce000-0000-4000-8000-${digits}`;
}

/**
 * What is wrong with an answer whatever was asked: an error of ours, a body that is no problem document, a word that was
 * sent in confidence, something written for what was refused. Undefined if nothing is.
 */
export function problemOfOutcome(
  { answer, writes }: Outcome,
  secrets: readonly string[],
): string | undefined {
  const { status, headers, text, json } = answer;
  if (status >= 500) return `the answer is ${status}: ${text}`;
  const shown = `${text}\n${JSON.stringify(headers)}`;
  const told = secrets.find((secret) => secret !== '' && shown.includes(secret));
  if (told !== undefined) return `the answer repeats ${JSON.stringify(told)}`;
  if (/AccountKey|SharedAccessSignature|[?&]code=|\bat .+\.ts:\d+/.test(shown))
    return `the answer tells: ${text}`;
  if (status >= 400) {
    if (json['status'] !== status || typeof json['code'] !== 'string') return `no problem document: ${text}`;
    // A decision against somebody is audited; nothing else of it is kept.
    const isDecision = status !== 401 && !/^(body|header|query|content)-/.test(json['code']);
    const kept = writes.filter((write) => !(isDecision && write.startsWith('audit.')));
    if (kept.length > 0) return `${status} ${json['code']}, and yet ${kept.join(', ')}`;
  }
  return undefined;
}
