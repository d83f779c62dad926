import { createRequire } from 'node:module';
import type * as functions from '@azure/functions';
import type { HttpHandler, HttpResponseInit } from '@azure/functions';
import { createTokenVerifier } from '../../src/adapters/tokens/tokenVerifier.ts';
import type { Clock, Log } from '../../src/core/clock.ts';
import { createAuthenticate } from '../../src/http/authenticate.ts';
import type { CallDependencies } from '../../src/http/handleCall.ts';
import { createTellRefused, type TellRefused } from '../../src/http/refusedOpens.ts';
import { audience, tenantId } from './tokenIssuer.ts';
import type { TokenIssuer } from './tokenIssuer.ts';

// A CommonJS package whose exports Node cannot tell by name: outside Vitest an import of them would fail.
const { HttpRequest, InvocationContext } = createRequire(import.meta.url)(
  '@azure/functions',
) as typeof functions;

export const freshCorrelationId = 'c0ffee00-0000-4000-8000-000000000001';

export interface Asking {
  method?: string;
  /** Where it was called, if not at the usual place. */
  origin?: string;
  /** With its query. */
  path?: string;
  headers?: Record<string, string>;
  /** Sent as JSON unless it is text or bytes. */
  body?: unknown;
  /** Of the route. */
  params?: Record<string, string>;
}

export interface Answered {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** The body, parsed. */
  json: Record<string, unknown>;
}

/** Calls a handler with a request as the Functions library makes it. */
export async function call(handler: HttpHandler, asking: Asking): Promise<Answered> {
  const { body } = asking;
  const content =
    body === undefined
      ? {}
      : { body: { bytes: body instanceof Uint8Array ? body : Buffer.from(textOf(body), 'utf8') } };
  const request = new HttpRequest({
    url: `${asking.origin ?? 'https://sallyport.contoso.example'}${asking.path ?? '/'}`,
    method: asking.method ?? 'GET',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...asking.headers },
    params: asking.params ?? {},
    ...content,
  });
  const response = (await handler(request, new InvocationContext())) as HttpResponseInit;
  const text = (response.body ?? '') as string;
  return {
    status: response.status ?? 200,
    headers: response.headers as Record<string, string>,
    text,
    json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export interface Surroundings extends CallDependencies {
  /** Codes that were counted. */
  refusals: string[];
  /** What was logged as an error. */
  errors: { message: string; facts: Record<string, unknown> | undefined }[];
  /** What was logged as information. */
  infos: { message: string; facts: Record<string, unknown> | undefined }[];
  tellRefused: TellRefused;
}

/** What handlers need, with the product's own verification of tokens from this issuer. */
export function surroundings(
  issuer: Pick<TokenIssuer, 'issuer' | 'jwksUri'>,
  options: { trustAppServiceAuthentication?: boolean; countingFails?: boolean } = {},
): Surroundings {
  const refusals: string[] = [];
  const errors: Surroundings['errors'] = [];
  const clock: Clock = { now: () => new Date(), sleep: () => Promise.resolve() };
  const infos: Surroundings['infos'] = [];
  const log: Log = {
    info: (message, facts) => infos.push({ message, facts }),
    warn: () => undefined,
    error: (message, facts) => errors.push({ message, facts }),
  };
  const authenticate = createAuthenticate({
    verifier: createTokenVerifier({ issuer: issuer.issuer, jwksUri: issuer.jwksUri, audience, tenantId }),
    unauthenticated: {
      refused: (code) => {
        refusals.push(code);
        return options.countingFails === true ? Promise.reject(new Error('no storage')) : Promise.resolve();
      },
    },
    trustAppServiceAuthentication: options.trustAppServiceAuthentication ?? false,
    tenantId,
    clock,
    log,
  });
  const tellRefused = createTellRefused({ log, clock });
  return { authenticate, newId: () => freshCorrelationId, log, refusals, errors, infos, tellRefused };
}
