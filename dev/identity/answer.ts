import type { ServerResponse } from 'node:http';

export type Answer = { status: number; body: object } | { status: number; text: string };

export function respond(response: ServerResponse, answered: Answer): void {
  const text = 'text' in answered;
  response.writeHead(answered.status, {
    'content-type': text ? 'text/plain' : 'application/json',
    'cache-control': 'no-store',
  });
  response.end(text ? answered.text : JSON.stringify(answered.body));
}
