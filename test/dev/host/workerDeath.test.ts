import { once } from 'node:events';

import { expect, onTestFinished, test } from 'vitest';

import type { SpawnedHost } from './spawnHost.ts';
import { eventually, isAlive, raw, spawnHost } from './spawnHost.ts';

async function start(...args: string[]): Promise<SpawnedHost> {
  const host = await spawnHost('web', args);
  onTestFinished(() => host.stop());
  return host;
}

const pid = async (host: SpawnedHost) =>
  (JSON.parse((await raw(host.url, '/api/pid')).body) as { pid: number }).pid;

/** Waits until the host has noticed the death of this worker and has another one. */
const successor = (host: SpawnedHost, dead: number) =>
  eventually(async () => {
    const status = JSON.parse((await raw(host.url, '/admin/host/status')).body) as {
      workerProcessId: number;
    };
    return status.workerProcessId === dead ? undefined : status.workerProcessId;
  });

/** Waits until so many calls of the function `held` are under way in the worker. */
const heldCalls = (host: SpawnedHost, count: number) =>
  eventually(async () => ((await raw(host.url, '/api/heldCount')).body === String(count) ? true : undefined));

test('A killed worker fails the calls under way with an empty 500; the next call waits for the new worker', async () => {
  const host = await start();
  const held = [raw(host.url, '/api/held'), raw(host.url, '/api/held')];
  await heldCalls(host, 2);
  process.kill(host.workerProcessId, 'SIGKILL');
  for (const answer of await Promise.all(held)) expect(answer).toMatchObject({ status: 500, body: '' });
  const next = await pid(host);
  expect(next).not.toBe(host.workerProcessId);
  const status = JSON.parse((await raw(host.url, '/admin/host/status')).body) as { workerProcessId: number };
  expect(status.workerProcessId).toBe(next);
  expect(host.log()).toContain('node exited with code 137 (0x89)');
  expect(host.log()).toContain(`{"workerProcessId":${next}}`);
});

test('process.exit and a late throw kill the worker, and the third death stops the host', async () => {
  const host = await start();
  const exited = once(host.process, 'exit');
  expect((await raw(host.url, '/api/exit')).status).toBe(500);
  expect(host.log()).toContain('node exited with code 3 (0x3)');
  const second = await pid(host);
  expect(await raw(host.url, '/api/lateThrow')).toMatchObject({ status: 200, body: 'ok' });
  process.kill(await successor(host, second), 'SIGKILL');
  expect((await exited)[0]).toBe(1);
  expect(host.log()).toContain('The worker died 3 times within 30 minutes');
});

test('More deaths may be allowed', async () => {
  const host = await start('--worker-deaths', '5');
  let worker = host.workerProcessId;
  for (let death = 1; death <= 4; death += 1) {
    process.kill(worker, 'SIGKILL');
    worker = await successor(host, worker);
  }
  expect(await pid(host)).toBe(worker);
});

test('The worker ends with a host that is killed', async () => {
  const host = await start();
  host.process.kill('SIGKILL');
  await eventually(() => (isAlive(host.workerProcessId) ? undefined : true));
});

test('SIGTERM lets a call under way finish and leaves nothing behind', async () => {
  const host = await start();
  const held = raw(host.url, '/api/held');
  await heldCalls(host, 1);
  const exited = once(host.process, 'exit');
  host.process.kill('SIGTERM');
  await eventually(() => (host.log().includes('Stopping') ? true : undefined));
  process.kill(host.workerProcessId, 'SIGUSR2');
  expect(await held).toMatchObject({ status: 200, body: 'released' });
  expect((await exited)[0]).toBe(0);
  expect(isAlive(host.workerProcessId)).toBe(false);
});
