import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { bundleProgram } from './bundleProgram.ts';

export interface ProcessOptions {
  /** As people know it, at the start of a sentence: `The ARM simulator`. */
  name: string;
  /** A TypeScript program that prints one JSON line with `"ready":true` when it is ready. */
  program: URL;
  arguments: string[];
  env?: NodeJS.ProcessEnv;
  /** Everything that it says is appended here. */
  logFile: string;
  /** Hears every line of standard error. */
  onErrorLine?: (line: string) => void;
  /** A sentence on what to do when it does not start. */
  advice?: string;
  /** Gives up starting. */
  signal?: AbortSignal;
}

/** A running child process. */
export interface DevProcess {
  name: string;
  pid: number;
  /** The line it was ready with. */
  ready: unknown;
  /** Settles when it has ended, however. */
  ended: Promise<void>;
  /** Asks it to end; ends it after 8 seconds. */
  stop(): Promise<void>;
  /** Ends it and its own children at once, as a crash does. */
  kill(): Promise<void>;
}

/** A stand-in did not start; the message says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

const readyWithinMs = 60_000;
const stopWithinMs = 8_000;

/** A killed parent cannot stop its children: each watches the IPC channel and ends by itself. */
const endWithParent =
  'data:text/javascript,process.channel.unref();process.once("disconnect",()=>{' +
  'setTimeout(()=>process.exit(1),3000).unref();process.kill(process.pid,"SIGTERM")})';

/**
 * Starts a program and waits until it is ready.
 * @throws StartError with the program's own last words when it ends before, or is not ready within a minute;
 * the signal's reason when it is aborted before
 */
export async function startProcess(options: ProcessOptions): Promise<DevProcess> {
  const program = await bundleProgram(options.program);
  options.signal?.throwIfAborted();
  const child = fork(program, options.arguments, {
    execArgv: ['--enable-source-maps', '--import', endWithParent],
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C reaches this process only, which stops its children in the right order.
    detached: true,
  });
  const ended = once(child, 'close').then(
    () => undefined,
    () => undefined,
  );
  const kill = async () => {
    endGroup(child);
    await ended;
  };
  const giveUp = () => endGroup(child);
  options.signal?.addEventListener('abort', giveUp);
  try {
    const ready = await readyLine(child, options, ended);
    return {
      name: options.name,
      pid: child.pid ?? 0,
      ready,
      ended,
      kill,
      async stop() {
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGTERM');
          await Promise.race([ended, delay(stopWithinMs, undefined, { ref: false })]);
        }
        await kill();
      },
    };
  } catch (error) {
    await kill();
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
}

function readyLine(child: ChildProcess, options: ProcessOptions, ended: Promise<void>): Promise<unknown> {
  const { name, logFile } = options;
  const log = createWriteStream(logFile, { flags: 'a' });
  let lastWords = '';
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new StartError(`${name} was not ready within a minute. Its log is ${logFile}.`)),
      readyWithinMs,
    );
    const hear = (line: string) => {
      log.write(`${line}\n`);
      if (line.trim() !== '') lastWords = line.trim();
    };
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        hear(line);
        const ready = parseReady(line);
        if (ready === undefined) return;
        clearTimeout(late);
        resolve(ready);
      });
    }
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        hear(line);
        options.onErrorLine?.(line);
      });
    }
    // A stream's error that nobody hears ends this process with a stack: a full disk, somebody else's file.
    log.on('error', (cause) => {
      clearTimeout(late);
      reject(new StartError(`The log ${logFile} cannot be written: ${cause.message}.`, { cause }));
    });
    child.once('error', reject);
    void ended.then(() => {
      clearTimeout(late);
      log.end();
      const why = `${name} did not start: ${lastWords || `it said nothing, see ${logFile}`}`;
      reject(new StartError(options.advice === undefined ? why : `${why}. ${options.advice}`));
    });
  });
}

function parseReady(line: string): unknown {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'ready' in value && value.ready === true
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

/** Ends what is left of a process group: the program, and what it started and left behind. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    // Windows knows no process groups; there a child's children notice by themselves.
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}
