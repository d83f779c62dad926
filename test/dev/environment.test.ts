import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArmClient } from '../../dev/armClient.ts';
import { startEnvironment } from '../../dev/environment.ts';
import { freePorts, portFlags, requireFree } from '../../dev/ports.ts';
import type { Ports } from '../../dev/ports.ts';

let folder: string;
let ports: Ports;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-environment-'));
  ports = await freePorts();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the environment', () => {
  it('serves the sample people and leaves no process behind', async () => {
    const environment = await startEnvironment({ folder, ports });
    const list = await fetch(`${environment.urls.host}/api/access-requests`, {
      headers: { authorization: `Bearer ${await environment.token('alice')}` },
    });
    const processes = Object.values(environment.processIds());

    await environment.stop();

    expect(await list.json()).toEqual({ value: [] });
    expect(processes.filter(isRunning)).toEqual([]);
    await requireFree(ports);
  });

  it('gets a new worker after a kill and a new host after a restart', async () => {
    const environment = await startEnvironment({ folder, ports });
    const first = environment.processIds();
    await environment.killWorker();
    const second = environment.processIds();
    await environment.killHost();
    await environment.restartHost();
    const third = environment.processIds();
    const { status } = await fetch(`${environment.urls.host}/api/access-requests`);
    await environment.stop();

    expect(second).toEqual({ ...first, worker: expect.any(Number) as number });
    expect(second.worker).not.toBe(first.worker);
    expect(third.host).not.toBe(first.host);
    expect(third.azurite).toBe(first.azurite);
    expect(status).toBe(401);
    expect([first, second, third].flatMap((ids) => Object.values(ids)).filter(isRunning)).toEqual([]);
  });

  it('says when a part of it ends that nobody asked to', async () => {
    const environment = await startEnvironment({ folder, ports });

    process.kill(environment.processIds().arm, 'SIGKILL');

    expect(await environment.failed).toContain('The ARM simulator ended unexpectedly.');
    await environment.stop();
  });

  it('names a port that is taken and the flag for another', async () => {
    const other = createServer().listen(ports.arm, '127.0.0.1');
    await once(other, 'listening');

    await expect(startEnvironment({ folder, ports })).rejects.toThrow(
      `Port ${ports.arm} is in use. End what listens there, or choose another with --arm-port N.`,
    );
    other.close();
  });

  it('is alone in its folder, until it ends', async () => {
    const first = await startEnvironment({ folder, ports });

    await expect(startEnvironment({ folder })).rejects.toThrow(
      `The folder ${folder} is in use by process ${process.pid}.`,
    );
    await first.stop();

    expect(existsSync(join(folder, 'process-id'))).toBe(false);
  });

  it('takes over the folder of one that has died', async () => {
    const dead = spawn(process.execPath, ['--eval', '']);
    await once(dead, 'exit');
    writeFileSync(join(folder, 'process-id'), String(dead.pid));

    const environment = await startEnvironment({ folder, ports });

    expect(readFileSync(join(folder, 'process-id'), 'utf8')).toBe(String(process.pid));
    await environment.stop();
  });

  it.each([
    ['logs/identity.log', /^The log .*identity\.log cannot be written/],
    ['process-id', /^The folder .* cannot be used: /],
  ])('ends with a sentence when %s cannot be written', async (file, message) => {
    mkdirSync(join(folder, file), { recursive: true });

    await expect(startEnvironment({ folder, ports })).rejects.toThrow(message);
    await requireFree(ports);
  });

  it.each([
    ['identity-key.json', /^The identity issuer did not start: .*identity-key\.json holds no signing key/],
    ['azure.json', /^The ARM simulator did not start: .*azure\.json is damaged, delete it/],
  ])('names a damaged %s and leaves nothing running', async (file, message) => {
    writeFileSync(join(folder, file), 'damaged');

    await expect(startEnvironment({ folder, ports })).rejects.toThrow(message);
    await requireFree(ports);
  });
});

describe('npm start', () => {
  it('ends everything in good order at Ctrl-C', async () => {
    const start = await startUntilItRuns();
    const worker = workerOf(folder);

    start.kill('SIGINT');
    const [code] = (await once(start, 'exit')) as [number];

    expect(code).toBe(0);
    expect(isRunning(worker)).toBe(false);
    await requireFree(ports);
  });

  it('holds everybody in Azure to their roles with --enforce-roles', async () => {
    const start = await startUntilItRuns('--enforce-roles');
    const certificate = join(folder, 'certificate/localhost/cert.pem');
    const arm = createArmClient(`https://127.0.0.1:${ports.arm}`, certificate, () => Promise.resolve('none'));
    const { body } = await arm.ask('GET', '/_sim/settings');

    start.kill('SIGINT');
    await once(start, 'exit');

    expect(body).toMatchObject({ rightsFrom: 'role-assignments' });
  });

  it('leaves nothing running when it is killed', async () => {
    const start = await startUntilItRuns();
    const worker = workerOf(folder);

    start.kill('SIGKILL');

    await eventually(async () => {
      expect(isRunning(worker)).toBe(false);
      await requireFree(ports);
    });
  });
});

async function startUntilItRuns(...options: string[]) {
  const names = Object.keys(ports) as (keyof Ports)[];
  const start = spawn(
    process.execPath,
    [
      ...[
        '--import',
        'tsx',
        fileURLToPath(new URL('../../dev/start.ts', import.meta.url)),
        '--folder',
        folder,
      ],
      ...names.flatMap((name) => [portFlags[name], String(ports[name])]),
      ...options,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  for await (const line of createInterface({ input: start.stdout })) {
    if (line === 'Ctrl-C ends everything.') return start;
  }
  throw new Error('npm start ended before it ran.');
}

/** The worker is no child of npm start's: the host's log names it. */
function workerOf(folder: string): number {
  const match = /"workerProcessId":(\d+)/.exec(readFileSync(join(folder, 'logs/host.log'), 'utf8'));
  return Number(match?.[1]);
}

function isRunning(processId: number): boolean {
  // A process that has ended and that nobody has asked for stays in the table as a zombie, where the reaper is slow.
  const stat = `/proc/${processId}/stat`;
  if (existsSync('/proc/self/stat')) return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

async function eventually(holds: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await holds();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(100);
    }
  }
}
