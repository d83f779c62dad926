import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { eventually, raw, spawnHost } from './spawnHost.ts';

test('An orchestration runs, its client uses another RPC port when the first is taken, and webhooks want the key', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const host = await spawnHost('durable', ['--azurite', '--rpc-port', String(port)]);
  onTestFinished(() => host.stop());

  const started = await raw(host.url, '/api/start/Contoso', { method: 'POST' });
  expect(started.status).toBe(202);
  const { id, statusQueryGetUri } = JSON.parse(started.body) as { id: string; statusQueryGetUri: string };
  const { pathname, search } = new URL(statusQueryGetUri);
  const status = await eventually(async () => {
    const answer = await raw(host.url, pathname + search);
    return answer.status === 200 ? (JSON.parse(answer.body) as Record<string, unknown>) : undefined;
  });
  expect(status).toMatchObject({ instanceId: id, runtimeStatus: 'Completed', output: 'Hello Contoso' });
  expect((await raw(host.url, pathname)).status).toBe(401);
  const key = `code=${await host.systemKey()}`;
  expect((await raw(host.url, `/runtime/webhooks/durabletask/instances/nosuch?${key}`)).status).toBe(404);
});
