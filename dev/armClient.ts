import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';

export interface ArmAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Parsed JSON; undefined without a body. */
  body: unknown;
}

/** Talks to the ARM simulator, trusting its certificate and nobody else's. */
export interface ArmClient {
  /** Asks as whoever the token is of: `PUT`, `/subscriptions/…?api-version=…`. */
  ask(method: string, path: string, body?: unknown): Promise<ArmAnswer>;
  /** Everything that the simulator holds. */
  state(): Promise<unknown>;
}

/** Makes a client of the simulator at `url` with the PEM file of its certificate; `token` is asked for each call. */
export function createArmClient(
  url: string,
  certificateFile: string,
  token: () => Promise<string>,
): ArmClient {
  const ca = readFileSync(certificateFile);

  async function send(method: string, path: string, token?: string, body?: unknown): Promise<ArmAnswer> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(new URL(path, url), {
        method,
        ca,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
      });
      sent.once('response', resolve).once('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    const { statusCode = 0, headers } = response;
    const said = await text(response);
    const isJson = headers['content-type']?.includes('json') === true;
    return {
      status: statusCode,
      headers,
      body: said === '' ? undefined : isJson ? JSON.parse(said) : said,
    };
  }

  return {
    ask: async (method, path, body) => send(method, path, await token(), body),
    async state() {
      const { status, body } = await send('GET', '/_sim/state');
      if (status !== 200) throw new Error(`The ARM simulator answered ${status} when asked for its state.`);
      return body;
    },
  };
}
