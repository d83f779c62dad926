import type { ServerResponse } from 'node:http';

import type { InvocationOutcome } from './invocation.ts';

interface RpcCookie {
  name: string;
  value: string;
  domain?: { value: string };
  path?: { value: string };
  expires?: { value: { seconds: number } };
  maxAge?: { value: number };
  secure?: { value: boolean };
  httpOnly?: { value: boolean };
  sameSite?: string;
}

interface RpcHttpResponse {
  statusCode: string;
  headers: Record<string, string>;
  cookies: RpcCookie[];
  body?: { bytes?: Uint8Array };
}

/** Answers with a status alone; the real host's errors have no body. */
export function answerEmpty(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  const bodiless = status === 204 || status === 304;
  response.writeHead(status, { ...headers, ...(bodiless ? {} : { 'Content-Length': '0' }) }).end();
}

/** Answers an HTTP call with what the function made of it: no return value is 204, any failure an empty 500. */
export function answer(response: ServerResponse, outcome: InvocationOutcome): void {
  if (outcome.kind !== 'success') {
    answerEmpty(response, 500);
    return;
  }
  const http = outcome.returnValue?.http as RpcHttpResponse | undefined;
  if (http === undefined) {
    answerEmpty(response, 204);
    return;
  }
  const body = http.body?.bytes ?? new Uint8Array();
  const status = Number(http.statusCode);
  try {
    const { 'content-length': length, ...headers } = http.headers;
    if (length !== undefined && Number(length) !== body.length) throw new Error('a wrong Content-Length');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (length !== undefined) response.setHeader('content-length', length);
    for (const cookie of http.cookies) response.appendHeader('Set-Cookie', setCookie(cookie));
    if (body.length === 0 || status === 204 || status === 205 || status === 304) {
      answerEmpty(response, status);
    } else {
      response.writeHead(status).end(body);
    }
  } catch {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    answerEmpty(response, 500);
  }
}

/** One Set-Cookie line in ASP.NET's order and case. */
function setCookie(cookie: RpcCookie): string {
  const { domain, expires, maxAge, path, sameSite } = cookie;
  const site = sameSite === 'explicitNone' ? 'none' : sameSite === 'none' ? undefined : sameSite;
  return [
    `${escapeData(cookie.name)}=${escapeData(cookie.value)}`,
    expires && `expires=${new Date(expires.value.seconds * 1000).toUTCString()}`,
    maxAge && `max-age=${Math.trunc(maxAge.value)}`,
    domain && `domain=${domain.value}`,
    `path=${path?.value ?? '/'}`,
    cookie.secure?.value === true && 'secure',
    site && `samesite=${site}`,
    cookie.httpOnly?.value === true && 'httponly',
  ]
    .filter((part) => typeof part === 'string')
    .join('; ');
}

function escapeData(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
