import { afterAll, beforeAll, expect, test } from 'vitest';

import type { SpawnedHost } from './spawnHost.ts';
import { eventually, raw, spawnHost } from './spawnHost.ts';

let host: SpawnedHost;
beforeAll(async () => {
  host = await spawnHost('limited');
});
afterAll(() => host.stop());

test('Calls beyond the limit get 429 at once, those within wait for their turn', async () => {
  const slots = [raw(host.url, '/held'), raw(host.url, '/held')];
  const waiting = raw(host.url, '/release');
  const refused = await eventually(async () => {
    const answer = await raw(host.url, '/pid');
    return answer.status === 429 ? answer : undefined;
  });
  expect(refused).toMatchObject({ body: '', headers: { 'x-function-scaleout': '1' } });
  // functionTimeout frees the two slots; only then does the waiting call run.
  for (const slot of await Promise.all(slots)) expect(slot.status).toBe(500);
  expect((await waiting).status).toBe(204);
});

test('A call beyond functionTimeout gets 500, and the restart of the worker fails the others', async () => {
  const before = JSON.parse((await raw(host.url, '/pid')).body) as { pid: number };
  const slow = raw(host.url, '/hang');
  const sibling = raw(host.url, '/held');
  expect(await slow).toMatchObject({ status: 500, body: '' });
  expect((await sibling).status).toBe(500);
  const after = JSON.parse((await raw(host.url, '/pid')).body) as { pid: number };
  expect(after.pid).not.toBe(before.pid);
  expect(host.log()).not.toContain('The worker died');
});

test('An empty route prefix serves functions at the root, and the home page stays', async () => {
  expect((await raw(host.url, '/echo/x')).status).toBe(200);
  expect((await raw(host.url, '/api/echo/x')).status).toBe(404);
  expect((await raw(host.url, '/')).headers['content-type']).toBe('text/html');
});
