import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '../../../dev/bundleProgram.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The folder of a sample app; an absolute path stays what it is. */
function sampleApp(name: string): string {
  return resolve(fileURLToPath(new URL('apps', import.meta.url)), name);
}

export interface SpawnedHost {
  url: string;
  hostProcessId: number;
  workerProcessId: number;
  process: ChildProcess;
  /** What it has logged so far. */
  log: () => string;
  systemKey(): Promise<string>;
  stop(): Promise<void>;
}

/** Runs the CLI until it ends, for input that it refuses. */
export async function runCli(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = await spawnCli(args, {});
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

/** Starts the CLI on a free port and waits for its line of JSON. */
export async function spawnHost(
  app: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<SpawnedHost> {
  const child = await spawnCli(['--app', sampleApp(app), '--port', '0', ...args], env);
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exited = once(child, 'exit');
  const line = await new Promise<string>((resolve, reject) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve);
    void exited.then(() => reject(new Error(`The host ended: ${log}`)));
  });
  const ready = JSON.parse(line) as { url: string; hostProcessId: number; workerProcessId: number };
  return {
    ...ready,
    process: child,
    log: () => log,
    async systemKey() {
      const response = await fetch(`${ready.url}/admin/host/systemkeys/eventgrid_extension`);
      return ((await response.json()) as { value: string }).value;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function spawnCli(args: string[], env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const inherited = { ...process.env, NODE_OPTIONS: '', AzureWebJobsStorage: undefined };
  const program = await bundleProgram(new URL('../../../dev/host/cli.ts', import.meta.url));
  return spawn(process.execPath, ['--enable-source-maps', program, ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface RawRequest {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

/** Sends a request as it is: `fetch` would tidy up paths and headers that the tests are about. */
export function raw(url: string, path: string, { method = 'GET', headers = {}, body }: RawRequest = {}) {
  const { hostname, port } = new URL(url);
  return new Promise<RawAnswer>((resolve, reject) => {
    const call = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('latin1');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** Polls until the check gives something, at most 30 seconds. */
export async function eventually<T>(check: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('It did not happen within 30 seconds.');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Whether a process with this id is there. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
