import type { HttpHandler } from '@azure/functions';
import type { AccessRequest, LiveRow } from '../../../src/core/accessRequest.ts';
import type { Route } from '../../../src/http/operation.ts';
import { createJitHandler } from '../../../src/http/jit/jitNetworkAccessPolicies.ts';
import { createPolicyService } from '../../../src/workflow/policyService.ts';
import { routeOf, routesOver } from '../../support/apiWorld.ts';
import { grantWorld, nicNsg, subnetNsg } from '../../support/grantWorld.ts';
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
  /** Microsoft's API, where App Service authentication is trusted. */
  jit: HttpHandler;
  ask(handler: HttpHandler, asking: Asking): Promise<Outcome>;
  request(id: string): Promise<AccessRequest>;
  liveRow(id: string): Promise<LiveRow | undefined>;
  /** Every row but the audit's, what runs, and what the NSGs hold: as text, to be compared. */
  tables(): Promise<string>;
  /** Azure lets this person do nothing from now on. */
  deny(objectId: string): void;
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
  const jit = createJitHandler({
    ...trusted.around,
    policies: () =>
      createPolicyService(process.dependencies, {
        start: () => {
          writes.push('policyRuns.start');
          return Promise.resolve();
        },
      }),
    accessRequests: () => process.service,
    storedPolicies: process.dependencies.policies,
    clock: world.clock,
    trustedProxyHops: 2,
  });
  return {
    jit,
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
    async tables() {
      const { policies, live, requests } = world.stores;
      const unended = await live.unended();
      return JSON.stringify([
        await policies.all(),
        unended,
        await Promise.all(unended.map(({ requestId }) => requests.get(requestId))),
        await Promise.all([subnetNsg, nicNsg].map((nsgId) => live.allOfNsg(nsgId))),
        [subnetNsg, nicNsg].map((nsgId) => world.network.nsg(nsgId)),
        [...world.running.keys()],
      ]);
    },
    deny: (objectId) => {
      world.authorization.deny({ objectId });
    },
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
  const { status, text, json } = answer;
  const common = problemOfAnswer(answer, secrets);
  if (common !== undefined) return common;
  if (status >= 400) {
    if (json['status'] !== status || typeof json['code'] !== 'string') return `no problem document: ${text}`;
    // A decision against somebody is audited; nothing else of it is kept.
    const isDecision = status !== 401 && !/^(body|header|query|content)-/.test(json['code']);
    const kept = writes.filter((write) => !(isDecision && write.startsWith('audit.')));
    if (kept.length > 0) return `${status} ${json['code']}, and yet ${kept.join(', ')}`;
  }
  return undefined;
}

/** The part of it that holds for every door. */
export function problemOfAnswer(
  { status, headers, text }: Answered,
  secrets: readonly string[],
): string | undefined {
  if (status >= 500) return `the answer is ${status}: ${text}`;
  const shown = `${text}\n${JSON.stringify(headers)}`;
  const told = secrets.find((secret) => secret !== '' && shown.includes(secret));
  if (told !== undefined) return `the answer repeats ${JSON.stringify(told)}`;
  return /AccountKey|SharedAccessSignature|[?&]code=|\bat .+\.ts:\d+/.test(shown)
    ? `the answer tells: ${text}`
    : undefined;
}
