import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { ensureCertificate } from '../certificate.ts';

export type Row = Record<string, unknown>;

export interface IngestionOptions {
  /** Whose tokens are taken. */
  issuer: string;
  /** Immutable ids of the data collection rules that there are, each with the columns of its streams by name. */
  rules: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Object ids that are Monitoring Metrics Publisher on a rule; changes count from the next call on. */
  publishers: Set<string>;
}

export interface Ingestion {
  url: string;
  /** PEM, of the certificate that it shows. */
  certificate: string;
  /** What arrived, in order. */
  rows: Row[];
  /** Status of each answer so far, in order. */
  answered: number[];
  /** Answers to the next calls, whatever they are; `lost`: the rows are taken, and the connection breaks. */
  faults: ({ status: number; retryAfter?: number } | 'lost')[];
  stop(): Promise<void>;
}

interface Reply {
  status: number;
  code?: string;
  message?: string;
  retryAfter?: number;
}

const audience = 'https://monitor.azure.com';
const bytesPerCall = 1024 * 1024;
const bytesPerField = 64 * 1024;
const twoDays = 48 * 3_600_000;

/**
 * Answers as the Logs Ingestion API of Azure Monitor does, on 127.0.0.1 over https, by its documentation: 204 for what it takes, of
 * which it cuts long fields, drops columns that the stream does not declare and moves what is older than two days to now.
 */
export async function startIngestion(options: IngestionOptions): Promise<Ingestion> {
  const { certificate, key } = await ensureCertificate(join(tmpdir(), 'sallyport-certificate'));
  const discovery = await fetch(`${options.issuer}/.well-known/openid-configuration`);
  const { jwks_uri: jwksUri } = (await discovery.json()) as { jwks_uri: string };
  const keys = createRemoteJWKSet(new URL(jwksUri));
  const rows: Row[] = [];
  const answered: number[] = [];
  const faults: Ingestion['faults'] = [];

  async function take(request: IncomingMessage, body: Buffer): Promise<Reply> {
    const caller = await callerOf(request.headers.authorization);
    if (caller === undefined)
      return { status: 401, code: 'InvalidToken', message: 'The token is not valid here.' };
    const url = new URL(request.url ?? '/', 'https://localhost');
    const place = /^\/dataCollectionRules\/([^/]+)\/streams\/([^/]+)$/.exec(url.pathname);
    if (request.method !== 'POST' || place === null)
      return { status: 404, code: 'NotFound', message: 'No such path.' };
    if (url.searchParams.get('api-version') !== '2023-01-01') {
      return { status: 400, code: 'InvalidApiVersion', message: 'The api-version is missing or unknown.' };
    }
    const [, rule = '', stream = ''] = place;
    const streams = options.rules[rule];
    if (streams === undefined) {
      return {
        status: 404,
        code: 'NotFound',
        message: `Data collection rule with immutable Id '${rule}' not found.`,
      };
    }
    if (!options.publishers.has(caller)) {
      const message =
        'The authentication token provided does not have access to ingest data for the data collection rule ' +
        `with immutable Id '${rule}'.`;
      return { status: 403, code: 'OperationFailed', message };
    }
    const columns = streams[stream];
    if (columns === undefined) {
      return {
        status: 400,
        code: 'InvalidStream',
        message: `Stream ${stream} was not configured in the rule.`,
      };
    }
    const content = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    // The limit is on both forms.
    if (Math.max(body.length, content.length) > bytesPerCall) {
      return {
        status: 413,
        code: 'ContentLengthLimitExceeded',
        message: 'Maximum allowed content length: 1048576 bytes.',
      };
    }
    const sent = parseRows(content);
    if (sent === undefined)
      return { status: 400, code: 'InvalidRequest', message: 'The body is no JSON array of objects.' };
    rows.push(...sent.map((row) => stored(row, columns)));
    return { status: 204 };
  }

  async function callerOf(authorization: string | undefined): Promise<string | undefined> {
    const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '';
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: options.issuer, audience });
      return typeof payload['oid'] === 'string' ? payload['oid'] : undefined;
    } catch {
      return undefined;
    }
  }

  const server = createServer({ cert: certificate, key }, (request, response) => {
    const respond = async () => {
      const body = await buffer(request);
      const fault = faults.shift();
      const reply: Reply =
        typeof fault === 'object'
          ? {
              ...fault,
              code: fault.status === 429 ? 'TooManyRequests' : 'Fault',
              message: 'Try again later.',
            }
          : await take(request, body);
      answered.push(reply.status);
      if (fault === 'lost') return void request.socket.destroy();
      const { status, code, message, retryAfter } = reply;
      response.writeHead(status, {
        ...(code === undefined ? {} : { 'content-type': 'application/json', 'x-ms-error-code': code }),
        ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      });
      response.end(code === undefined ? undefined : JSON.stringify({ error: { code, message } }));
    };
    respond().catch(() => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate,
    rows,
    answered,
    faults,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function parseRows(content: Buffer): Row[] | undefined {
  try {
    const parsed: unknown = JSON.parse(content.toString());
    const isRows = Array.isArray(parsed) && parsed.every((row) => typeof row === 'object' && row !== null);
    return isRows ? (parsed as Row[]) : undefined;
  } catch {
    return undefined;
  }
}

function stored(row: Row, columns: readonly string[]): Row {
  const declared = Object.entries(row).filter(([name]) => columns.includes(name));
  const cut = declared.map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return [name, Buffer.byteLength(text) > bytesPerField ? text.slice(0, bytesPerField) : value] as const;
  });
  const kept = Object.fromEntries(cut);
  const at = Date.parse(String(kept['TimeGenerated']));
  const isInTime = at > Date.now() - twoDays && at < Date.now() + twoDays / 2;
  return { ...kept, TimeGenerated: isInTime ? kept['TimeGenerated'] : new Date().toISOString() };
}
