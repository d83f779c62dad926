import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { HostError } from './hostError.ts';
import type { FunctionDefinition, InvocationOutcome } from './invocation.ts';
import type { Log } from './log.ts';
import type { FromWorker, InvocationRequest, ToWorker } from './worker/messages.ts';

export interface WorkerOptions {
  /** The worker's program, see `workerProgram`. */
  program: string;
  appDirectory: string;
  files: string[];
  env: NodeJS.ProcessEnv;
  log: Log;
}

/** One worker process with a loaded app. */
export interface WorkerProcess {
  pid: number;
  functions: FunctionDefinition[];
  capabilities: Record<string, unknown>;
  /** Settles when the process has ended, with the real host's words for it. */
  died: Promise<string>;
  run(request: InvocationRequest): Promise<InvocationOutcome>;
  kill(): void;
  /** Lets the app's appTerminate hooks run, for 5 seconds at most, and waits for the end. */
  terminate(): Promise<void>;
}

const terminationGraceMs = 5_000;

/**
 * Bundles the worker into one program for plain Node: the app has to meet Node as it is in Azure, without the
 * TypeScript loader that runs this host.
 */
export async function workerProgram(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('worker/main.ts', import.meta.url))],
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', write: false, logLevel: 'silent' },
  });
  return result.outputFiles[0]?.text ?? '';
}

/**
 * Starts a worker process and loads the app in it.
 * @throws HostError with the app's own error when it does not load
 */
export async function startWorker(options: WorkerOptions): Promise<WorkerProcess> {
  // The program comes in over stdin, so nothing is left on disk whatever happens to this process.
  const child = spawn(process.execPath, ['-', 'sallyport-worker'], {
    cwd: options.appDirectory,
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  const pending = new Map<string, (outcome: InvocationOutcome) => void>();
  let ended: string | undefined;
  const died = death(child).then((reason) => {
    ended = reason;
    for (const settle of pending.values()) settle({ kind: 'worker-died', reason });
    pending.clear();
    return reason;
  });
  child.stdin?.on('error', () => undefined).end(options.program);
  forwardOutput(child, options.log);

  const loaded = new Promise<{ functions: FunctionDefinition[]; capabilities: Record<string, unknown> }>(
    (resolve, reject) => {
      child.on('message', (message: FromWorker) => {
        if (message.type === 'outcome') {
          pending.get(message.invocationId)?.(message.outcome);
          pending.delete(message.invocationId);
        } else if (message.type === 'log') {
          logLine(options.log, message);
        } else if (message.type === 'loaded') {
          resolve(message);
        } else {
          reject(new HostError(`The app does not load: ${message.message}`));
        }
      });
      void died.then((reason) => reject(new HostError(`The app does not load: ${reason}.`)));
    },
  );
  const tell = (message: ToWorker) => {
    if (child.connected) child.send(message, () => undefined);
  };
  tell({ type: 'load', directory: options.appDirectory, files: options.files });
  try {
    const { functions, capabilities } = await loaded;
    return {
      ...{ pid: child.pid ?? 0, functions, capabilities, died },
      run: (request) =>
        new Promise((resolve) => {
          if (ended !== undefined) {
            resolve({ kind: 'worker-died', reason: ended });
            return;
          }
          pending.set(request.invocationId, resolve);
          tell({ type: 'invoke', request });
        }),
      kill: () => void child.kill('SIGKILL'),
      async terminate() {
        tell({ type: 'terminate' });
        const timer = setTimeout(() => child.kill('SIGKILL'), terminationGraceMs);
        await died;
        clearTimeout(timer);
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    await died;
    throw error;
  }
}

/** Waits for the end of the process and of its channel: answers may still be in there when it exits. */
async function death(child: ChildProcess): Promise<string> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (child.connected) await once(child, 'disconnect');
  const status = code ?? 128 + signalNumber(signal);
  return `node exited with code ${status} (0x${status.toString(16)})`;
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}

function forwardOutput(child: ChildProcess, log: Log): void {
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => log('info', line));
  if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', (line) => log('warn', line));
}

function logLine(log: Log, line: Extract<FromWorker, { type: 'log' }>): void {
  const levels = { critical: 'error', error: 'error', warning: 'warn', information: 'info' } as const;
  const level = Object.entries(levels).find(([name]) => name === line.level)?.[1] ?? 'debug';
  log(level, line.functionName === undefined ? line.message : `[${line.functionName}] ${line.message}`);
}
