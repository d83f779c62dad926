import { startEnvironment } from './environment.ts';
import type { Environment, EnvironmentOptions } from './environment.ts';

/** Somebody asked this process to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Brings an environment up, works in it and ends it again, whatever happens: at the end of the work, at its failure,
 * at Ctrl-C, and when a part of the environment ends.
 * @throws Interrupted after a signal; StartError; Error when a part ended; whatever the work throws
 */
export async function inEnvironment<Result>(
  options: Omit<EnvironmentOptions, 'signal'>,
  work: (environment: Environment) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => abort.abort(new Interrupted(`Ended by ${signal}.`));
  // Kept until everything has stopped: a second Ctrl-C must not leave half of it behind.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    const environment = await startEnvironment({ ...options, signal: abort.signal });
    try {
      return await Promise.race([work(environment), environment.failed.then(raise), aborted(abort.signal)]);
    } finally {
      await environment.stop();
    }
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

function raise(why: string): never {
  throw new Error(why);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason as Interrupted);
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  });
}
