import { isDisabled, triggerType } from './functionIndex.ts';
import { resolveSettings } from './hostSettings.ts';
import type { Binding, FunctionDefinition, InvocationOutcome } from './invocation.ts';
import type { Log } from './log.ts';
import type { Schedule } from './schedule.ts';
import { parseSchedule } from './schedule.ts';
import type { TimerStatus, TimerStatusStore } from './timerStatus.ts';
import type { RetryContext } from './worker/messages.ts';
import type { WorkerSupervisor } from './workerSupervisor.ts';

export interface Timers {
  /** Functions whose schedule is not valid, with the reason; they never run. */
  errors: Map<string, string>;
  start(): void;
  /** Runs a timer now, whatever its schedule; false when it is in error. */
  runNow: (definition: FunctionDefinition) => boolean;
  /** Starts no more runs, and waits for those under way. */
  stop(): Promise<void>;
}

interface Timer {
  definition: FunctionDefinition;
  binding: Binding;
  schedule: Schedule;
  /** Its status is stored, so that a run missed while the host was down is made up for. */
  monitored: boolean;
}

interface RetryOptions {
  retryStrategy?: 'fixedDelay' | 'exponentialBackoff';
  maxRetryCount?: number;
  delayInterval?: { seconds?: number };
  minimumInterval?: { seconds?: number };
  maximumInterval?: { seconds?: number };
}

const never = '0001-01-01T00:00:00+00:00';
/** setTimeout counts to 2^31 ms only. */
const longestWaitMs = 24 * 3_600_000;

export interface TimersOptions {
  worker: WorkerSupervisor;
  env: NodeJS.ProcessEnv;
  /** Undefined when there is no timer that needs it. */
  store: TimerStatusStore | undefined;
  log: Log;
}

/** Prepares the timer triggers of an app; `start` lets them run. */
export function createTimers({ worker, env, store, log }: TimersOptions): Timers {
  const errors = new Map<string, string>();
  const timers = worker.functions().flatMap((definition) => readTimer(definition, env, errors));
  const waits = new Map<string, NodeJS.Timeout>();
  const running = new Set<Promise<InvocationOutcome>>();
  let stopped = false;

  async function startTimer(timer: Timer): Promise<void> {
    const now = new Date();
    const next = timer.schedule.next(now);
    const stored = timer.monitored ? await store?.read(timer.definition.name) : undefined;
    const status = stored ?? { Last: never, Next: stamp(next), LastUpdated: never };
    if (timer.monitored && stored === undefined) await store?.write(timer.definition.name, status);
    const isPastDue = stored !== undefined && new Date(stored.Next) < now;
    if (isPastDue || timer.binding['runOnStartup'] === true) await fire(timer, now, isPastDue, status);
    else waitFor(timer, next, status);
  }

  /** Waits for the next time. One that has passed meanwhile fires at once: missed ticks become one run. */
  function waitFor(timer: Timer, due: Date | undefined, status: TimerStatus | undefined): void {
    if (stopped || due === undefined) return;
    const delay = Math.max(0, due.getTime() - Date.now());
    const continueWith = () =>
      delay > longestWaitMs ? waitFor(timer, due, status) : void fire(timer, due, false, status);
    waits.set(timer.definition.name, setTimeout(continueWith, Math.min(delay, longestWaitMs)));
  }

  /** Runs the timer and, only when that has ended, waits for its next time: runs never overlap. */
  async function fire(
    timer: Timer,
    due: Date,
    isPastDue: boolean,
    status: TimerStatus | undefined,
  ): Promise<void> {
    const started = new Date(Math.max(Date.now(), due.getTime()));
    await runWithRetries(timer, isPastDue, status);
    const next = timer.schedule.next(started);
    const after = { Last: stamp(started), Next: stamp(next), LastUpdated: stamp(started) };
    if (timer.monitored) {
      await store?.write(timer.definition.name, after).catch((error: unknown) => {
        log('warn', `The status of timer ${timer.definition.name} was not stored: ${String(error)}`);
      });
    }
    waitFor(timer, next, after);
  }

  async function runWithRetries(
    timer: Timer,
    isPastDue: boolean,
    status: TimerStatus | undefined,
  ): Promise<void> {
    const retry = timer.definition.retryOptions as RetryOptions | undefined;
    const maxRetryCount = retry?.maxRetryCount ?? 0;
    let context: RetryContext | undefined = retry && { retryCount: 0, maxRetryCount };
    for (;;) {
      const outcome = await invoke(timer, isPastDue, status, context);
      if (outcome.kind === 'success') return;
      const message = outcome.kind === 'failure' ? outcome.message : outcome.reason;
      log('error', `[${timer.definition.name}] failed: ${message}`);
      const attempts = context?.retryCount ?? 0;
      if (stopped || retry === undefined || (maxRetryCount >= 0 && attempts >= maxRetryCount)) return;
      await new Promise((resolve) => setTimeout(resolve, retryDelay(retry, attempts)));
      const exception = { message, stackTrace: outcome.kind === 'failure' ? outcome.stackTrace : '' };
      context = { retryCount: attempts + 1, maxRetryCount, exception };
    }
  }

  async function invoke(
    timer: Timer,
    IsPastDue: boolean,
    status: TimerStatus | undefined,
    retryContext: RetryContext | undefined,
  ): Promise<InvocationOutcome> {
    const ScheduleStatus = timer.monitored ? (status ?? null) : null;
    const info = { Schedule: { AdjustForDST: true }, ScheduleStatus, IsPastDue };
    const run = worker.invoke({
      functionName: timer.definition.name,
      inputs: { [timer.binding.name]: { json: JSON.stringify(info) } },
      ...(retryContext && { retryContext }),
    });
    running.add(run);
    const outcome = await run;
    running.delete(run);
    return outcome;
  }

  return {
    errors,
    start() {
      for (const timer of timers) {
        if (isDisabled(timer.definition, env)) continue;
        // Not awaited: a run at start-up takes as long as it takes.
        startTimer(timer).catch((error: unknown) =>
          log('error', `[${timer.definition.name}] ${String(error)}`),
        );
      }
    },
    runNow(definition) {
      const timer = timers.find((candidate) => candidate.definition === definition);
      if (timer === undefined) return false;
      void runWithRetries(timer, false, undefined);
      return true;
    },
    async stop() {
      stopped = true;
      for (const wait of waits.values()) clearTimeout(wait);
      await Promise.all(running);
    },
  };
}

function readTimer(
  definition: FunctionDefinition,
  env: NodeJS.ProcessEnv,
  errors: Map<string, string>,
): Timer[] {
  const binding = Object.values(definition.bindings).find(({ type }) => type === 'timerTrigger');
  if (binding === undefined || triggerType(definition) !== 'timerTrigger') return [];
  const text = String(binding['schedule']);
  try {
    const resolved = resolveSettings(text, env);
    if (resolved === undefined) throw new Error(`'${text}' does not resolve to a value.`);
    const schedule = parseSchedule(resolved);
    return [
      { definition, binding, schedule, monitored: binding['useMonitor'] !== false && !schedule.subMinute },
    ];
  } catch (error) {
    errors.set(definition.name, error instanceof Error ? error.message : String(error));
    return [];
  }
}

function retryDelay(retry: RetryOptions, attempts: number): number {
  if (retry.retryStrategy !== 'exponentialBackoff') return (retry.delayInterval?.seconds ?? 0) * 1000;
  const least = (retry.minimumInterval?.seconds ?? 0) * 1000;
  return Math.min(least * 2 ** attempts, (retry.maximumInterval?.seconds ?? Infinity) * 1000);
}

/** A time as .NET writes it in UTC. */
function stamp(time: Date | undefined): string {
  return time === undefined
    ? never
    : time
        .toISOString()
        .replace(/(\.\d*?)0*Z$/, '$1')
        .replace(/\.$/, '') + '+00:00';
}
