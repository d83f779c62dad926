import * as z from 'zod';
import { startProcess } from './processes.ts';
import type { DevProcess, ProcessOptions } from './processes.ts';

/** A running Functions host and the worker in it. */
export interface HostProcess extends DevProcess {
  url: string;
  /** Of the newest worker. */
  workerProcessId(): number;
  /** Kills the worker, as a crash does, and waits until the host has started the next or has given up. */
  killWorker(): Promise<void>;
}

const readyLine = z.object({ url: z.string() });
const workerLine = z.object({ workerProcessId: z.number() });

/**
 * Starts the local Functions host.
 * @throws StartError with the host's own words
 */
export async function startHostProcess(
  options: Pick<ProcessOptions, 'arguments' | 'env' | 'logFile' | 'signal'>,
): Promise<HostProcess> {
  let worker = 0;
  let announced: () => void = () => undefined;
  const host = await startProcess({
    ...options,
    name: 'The Functions host',
    program: new URL('host/cli.ts', import.meta.url),
    onErrorLine(line) {
      const parsed = workerLine.safeParse(parseJson(line));
      if (!parsed.success) return;
      worker = parsed.data.workerProcessId;
      announced();
    },
  });
  return {
    ...host,
    url: readyLine.parse(host.ready).url,
    workerProcessId: () => worker,
    async killWorker() {
      const next = new Promise<void>((resolve) => (announced = resolve));
      process.kill(worker, 'SIGKILL');
      await Promise.race([next, host.ended]);
    },
  };
}

function parseJson(line: string): unknown {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
