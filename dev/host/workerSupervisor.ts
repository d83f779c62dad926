import { randomUUID } from 'node:crypto';

import { HostError } from './hostError.ts';
import type { FunctionDefinition, Invocation, InvocationOutcome, Invoker } from './invocation.ts';
import type { Log } from './log.ts';
import { formatTimeSpan } from './timeSpan.ts';
import type { InvocationRequest, RetryContext } from './worker/messages.ts';
import type { WorkerProcess } from './workerProcess.ts';
import { startWorker } from './workerProcess.ts';
import type { WorkerOptions } from './workerProcess.ts';

export interface SupervisorOptions extends WorkerOptions {
  /** How many deaths within 30 minutes stop the host; 3 in the real one. */
  deathsUntilStop: number;
  functionTimeoutMs: number | undefined;
  /** What a `durableClient` input receives; undefined while there is no Durable extension. */
  durableClient: () => string | undefined;
  log: Log;
}

export interface HostInvocation extends Invocation {
  retryContext?: RetryContext;
}

/** The worker as the host sees it: there is always one, or one on its way. */
export interface WorkerSupervisor extends Invoker {
  invoke(invocation: HostInvocation): Promise<InvocationOutcome>;
  workerProcessId: () => number;
  /** What the app's programming model asked for while it loaded. */
  capabilities: Record<string, unknown>;
  /** Settles with the reason when the worker has died too often, or does not load any more. */
  gaveUp: Promise<HostError>;
  stop(): Promise<void>;
}

const deathWindowMs = 30 * 60_000;

/** Starts the first worker and keeps one running. @throws HostError when the app does not load */
export async function superviseWorker(options: SupervisorOptions): Promise<WorkerSupervisor> {
  const { log } = options;
  const deaths: number[] = [];
  let stopping = false;
  let giveUp: (error: HostError) => void = () => undefined;
  const gaveUp = new Promise<HostError>((resolve) => (giveUp = resolve));

  let worker = await startWorker(options);
  let retired: WorkerProcess | undefined;
  let current = Promise.resolve(worker);
  const { functions, capabilities } = worker;
  watch(worker);

  function watch(started: WorkerProcess): void {
    process.stderr.write(`${JSON.stringify({ workerProcessId: started.pid })}\n`);
    void started.died.then((reason) => {
      if (!stopping && started !== retired) replace(reason);
    });
  }

  function replace(reason: string): void {
    log('error', `The worker died: ${reason}.`);
    const now = Date.now();
    deaths.push(now);
    while ((deaths[0] ?? now) <= now - deathWindowMs) deaths.shift();
    if (deaths.length < options.deathsUntilStop) {
      current = start();
      return;
    }
    // Whoever still asks is told that the worker is dead.
    current = Promise.resolve(worker);
    giveUp(
      new HostError(`The worker died ${deaths.length} times within 30 minutes; the last time: ${reason}.`),
    );
  }

  /** Starts the next worker; one that does not load counts as dead. */
  async function start(): Promise<WorkerProcess> {
    try {
      worker = await startWorker(options);
    } catch (error) {
      replace(error instanceof Error ? error.message : String(error));
      return current;
    }
    watch(worker);
    return worker;
  }

  /** The real host restarts the worker at a timeout; whatever else it was doing fails with it. */
  function timeOut(slow: WorkerProcess): void {
    if (slow !== worker || slow === retired || stopping) return;
    log('error', 'A function exceeded functionTimeout: the worker is restarted.');
    retired = slow;
    current = slow.died.then(start);
    slow.kill();
  }

  return {
    gaveUp,
    capabilities,
    functions: () => functions,
    workerProcessId: () => worker.pid,
    async invoke(invocation) {
      const name = invocation.functionName.toLowerCase();
      const definition = functions.find((candidate) => candidate.name.toLowerCase() === name);
      if (definition === undefined) {
        const message = `The function '${invocation.functionName}' does not exist.`;
        return { kind: 'failure', message, stackTrace: '' };
      }
      const request = toRequest(invocation, definition, options.durableClient());
      const running = await current;
      const outcome = running.run(request);
      if (options.functionTimeoutMs === undefined) return outcome;
      return withTimeout(outcome, options.functionTimeoutMs, definition.name, () => timeOut(running));
    },
    async stop() {
      stopping = true;
      await (await current).terminate();
    },
  };
}

function toRequest(
  invocation: HostInvocation,
  definition: FunctionDefinition,
  durableClient: string | undefined,
): InvocationRequest {
  const inputs = { ...invocation.inputs };
  for (const binding of Object.values(definition.bindings)) {
    if (binding.type === 'durableClient' && durableClient !== undefined) {
      inputs[binding.name] ??= { string: durableClient };
    }
  }
  const { triggerMetadata, retryContext } = invocation;
  return {
    invocationId: randomUUID(),
    functionId: definition.functionId,
    inputData: Object.entries(inputs).map(([name, data]) => ({ name, data })),
    traceContext: { traceParent: '', traceState: '', attributes: {} },
    ...(triggerMetadata && { triggerMetadata }),
    ...(retryContext && { retryContext }),
  };
}

async function withTimeout(
  outcome: Promise<InvocationOutcome>,
  milliseconds: number,
  name: string,
  expire: () => void,
): Promise<InvocationOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<InvocationOutcome>((resolve) => {
    timer = setTimeout(() => {
      const message = `Timeout value of ${formatTimeSpan(milliseconds)} was exceeded by function: Functions.${name}`;
      resolve({ kind: 'failure', message, stackTrace: '' });
      expire();
    }, milliseconds);
  });
  try {
    return await Promise.race([outcome, expired]);
  } finally {
    clearTimeout(timer);
  }
}
