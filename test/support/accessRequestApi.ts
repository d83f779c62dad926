import type { JWTPayload } from 'jose';
import type { Policy } from '../../src/core/policy.ts';
import { createAccessRequestHandlers } from '../../src/http/accessRequests.ts';
import type { AccessRequestHandlers } from '../../src/http/accessRequests.ts';
import { call, surroundings } from './httpCalls.ts';
import type { Answered, Surroundings } from './httpCalls.ts';
import { createInMemoryAccessRequestService } from './inMemoryAccessRequestService.ts';
import type { InMemoryAccessRequestService } from './inMemoryAccessRequestService.ts';
import { alice } from './tokenIssuer.ts';
import type { TokenIssuer } from './tokenIssuer.ts';
import { policyFor } from './policyFor.ts';

const group = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/contoso-rg';
export const vm = (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`;

function policyOf(name: string, ...sources: string[]): Policy {
  return policyFor(`${name}-policy`, vm(name), [
    {
      number: 22,
      protocol: 'Tcp',
      allowedSourceAddressPrefixes: sources,
      maxRequestAccessDuration: 'PT3H',
    },
  ]);
}

/** As the proxy before the app says it. */
export const calledFrom = { 'x-forwarded-for': '203.0.113.7:50123' };

/** The handlers of access requests over a service without Azure, and Alice to call them. */
export interface AccessRequestApi {
  service: InMemoryAccessRequestService;
  around: Surroundings;
  handlers: AccessRequestHandlers;
  /** Headers with a token of this person. */
  as(who: { objectId: string }, roles?: string[]): Promise<Record<string, string>>;
  /** Posts a request as Alice, from where `web-1` may be asked for, unless the headers say otherwise. */
  post(body: unknown, headers?: Record<string, string>): Promise<Answered>;
  /** The id of a new request. */
  created(headers?: Record<string, string>): Promise<string>;
}

/** `web-1` is for documentation ranges, `open-1` for everybody, `gone-1` does not exist, `unprotected-1` has no policy. */
export function createAccessRequestApi(issuer: TokenIssuer): AccessRequestApi {
  const service = createInMemoryAccessRequestService({
    policies: [
      policyOf('web-1', '203.0.113.0/24', '2001:db8::/48'),
      policyOf('open-1', '0.0.0.0/0', '::/0'),
      policyOf('gone-1', '203.0.113.0/24'),
    ],
    virtualMachines: [vm('web-1'), vm('open-1'), vm('unprotected-1')],
  });
  const around = surroundings(issuer);
  const handlers = createAccessRequestHandlers({ ...around, trustedProxyHops: 1, service: () => service });
  const as = async (who: { objectId: string }, roles: string[] = []) => {
    const claims: JWTPayload = { oid: who.objectId, roles };
    return { authorization: `Bearer ${await issuer.sign(claims)}` };
  };
  const post = async (body: unknown, headers: Record<string, string> = {}) =>
    call(handlers.create, {
      method: 'POST',
      body,
      headers: { ...(await as(alice)), ...calledFrom, ...headers },
    });
  const created = async (headers: Record<string, string> = {}) =>
    (await post(aBody(), headers)).json['id'] as string;
  return { service, around, handlers, as, post, created };
}

/** A body that is granted, changed at will. */
export function aBody(changes: Record<string, unknown> = {}) {
  return {
    virtualMachines: [
      {
        id: vm('web-1'),
        ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefix: '203.0.113.7' }],
      },
    ],
    duration: 'PT1H',
    justification: 'Restart the web server',
    ...changes,
  };
}
export function withPort(changes: Record<string, unknown>, name = 'web-1') {
  return aBody({ virtualMachines: [{ id: vm(name), ports: [{ number: 22, ...changes }] }] });
}

export interface FieldError {
  field?: string;
  code: string;
  detail: string;
  allowed?: unknown;
}

/** What a problem says of single fields. */
export function errorsOf(answer: Answered): FieldError[] {
  return answer.json['errors'] as FieldError[];
}
