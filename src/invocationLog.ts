import { AsyncLocalStorage } from 'node:async_hooks';
import type { InvocationContext } from '@azure/functions';
import type { Log } from './core/clock.ts';

/** A log that writes to whichever invocation is running: the host ties console output to none. */
export interface InvocationLog extends Log {
  run<T>(context: InvocationContext, work: () => Promise<T>): Promise<T>;
}

/** A log that is silent outside of `run`: there is no invocation to tie a line to. */
export function createInvocationLog(): InvocationLog {
  const current = new AsyncLocalStorage<InvocationContext>();

  function write(level: 'info' | 'warn' | 'error', message: string, facts: Record<string, unknown>): void {
    const context = current.getStore();
    // Facts as one JSON text: queries read it, and the host would print an object over many lines.
    context?.[level](message, JSON.stringify(facts));
  }

  return {
    run: (context, work) => current.run(context, work),
    info: (message, facts = {}) => write('info', message, facts),
    warn: (message, facts = {}) => write('warn', message, facts),
    error: (message, facts = {}) => write('error', message, facts),
  };
}
