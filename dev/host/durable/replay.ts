import { addMilliseconds, EventType, timestamp } from './history.ts';
import type { HistoryEvent } from './history.ts';
import { activityInputText } from './payload.ts';
import type { Action, OrchestratorState, RetryOptions } from './payload.ts';

/** What the episode wants that the history does not show yet, in the order of its sequence id. */
export type Decision =
  | { kind: 'task'; id: number; name: string; input: string | undefined }
  | { kind: 'timer'; id: number; fireAt: string };

export type Completion =
  | { kind: 'completed'; output: unknown }
  | { kind: 'failed'; message: string }
  | { kind: 'terminated'; reason: string }
  | { kind: 'continued'; input: string | null; carriedOver: HistoryEvent[] };

export interface Replayed {
  decisions: Decision[];
  /** The id after the last that was given out. */
  nextId: number;
  suspended: string | undefined;
  completion: Completion | undefined;
}

/** A task of the replayed list; the SDK holds the values, here only the outcome matters. */
interface Step {
  outcome: 'open' | 'ok' | 'failed';
  then: (() => void)[];
}

const day = 86_400_000;

/**
 * Runs the orchestrator's list of actions over the history, as the extension does on its framework: each top-level
 * action is awaited before the next is begun, ids are given out in that order, and what the history says was scheduled
 * must be what the list schedules under the same id. The SDK checks nothing of this.
 * Without a state (dead worker) nothing is scheduled, and history that shows something scheduled is then
 * non-deterministic: that is how the real engine fails such an instance.
 */
export function replay(
  history: readonly HistoryEvent[],
  state: OrchestratorState | undefined,
  failure: string,
): Replayed {
  const actions = state?.actions ?? [];
  let nextId = 0;
  let now = '';
  let listDone = false;
  let suspended: string | undefined;
  let terminated: string | undefined;
  let continued: { input: string | null; carriedOver: HistoryEvent[] } | undefined;
  let unmatched = new Map<number, Decision>();
  let heldBack = new Map<number, Decision>();
  const whileSuspended: HistoryEvent[] = [];
  const open = new Map<number, Step>();
  /** Timers that the code has cancelled: they hold nothing up, but a hop of theirs may still be followed by another. */
  const cancelled = new Map<number, Step>();
  const waiting = new Map<string, Step[]>();
  const buffered = new Map<string, number>();

  function schedule(decision: (id: number) => Decision, isCancelled = false): Step {
    const id = nextId++;
    unmatched.set(id, decision(id));
    const step = pending();
    (isCancelled ? cancelled : open).set(id, step);
    return step;
  }

  function timer(fireAt: string, isCancelled: boolean): Step {
    const all = pending();
    const far = Date.parse(fireAt) - Date.parse(now) > 6 * day;
    const hopAt = far ? addMilliseconds(now, 3 * day) : timestamp(Date.parse(fireAt));
    const hop = schedule((id) => ({ kind: 'timer', id, fireAt: hopAt }), isCancelled);
    whenSettled(hop, () => {
      if (far) whenSettled(timer(fireAt, isCancelled), () => settle(all, 'ok'));
      else settle(all, 'ok');
    });
    if (isCancelled) settle(all, 'ok');
    return all;
  }

  function activity(name: string, input: unknown): Step {
    return schedule((id) => ({ kind: 'task', id, name, input: activityInputText(input) }));
  }

  /** Retries are the framework's: the SDK only counts the ids of the attempts and of the delays between them. */
  function activityWithRetry(name: string, input: unknown, options: RetryOptions): Step {
    const all = pending();
    const first = Date.parse(now);
    const attempt = (count: number) => {
      const step = activity(name, input);
      whenSettled(step, () => {
        const expired = Date.parse(now) >= first + (options.retryTimeoutInMilliseconds ?? Infinity);
        if (step.outcome === 'ok' || expired) {
          settle(all, step.outcome === 'ok' ? 'ok' : 'failed');
          return;
        }
        const last = count >= options.maxNumberOfAttempts;
        // After the last failed attempt the real engine sets one more timer, due at once, and the SDK waits for it.
        const fireAt = addMilliseconds(now, last ? 0 : retryDelay(options, count));
        whenSettled(
          schedule((id) => ({ kind: 'timer', id, fireAt })),
          () => {
            if (last) settle(all, 'failed');
            else attempt(count + 1);
          },
        );
      });
    };
    attempt(1);
    return all;
  }

  function externalEvent(name: string): Step {
    const step = pending();
    const there = buffered.get(name) ?? 0;
    if (there > 0) {
      buffered.set(name, there - 1);
      settle(step, 'ok');
    } else {
      waiting.set(name, [...(waiting.get(name) ?? []), step]);
    }
    return step;
  }

  function begin(action: Action): Step {
    const name = action.functionName ?? '';
    switch (action.actionType) {
      case 0:
        return activity(name, action.input);
      case 1:
        return activityWithRetry(name, action.input, action.retryOptions ?? noRetry);
      case 4:
        continued = { input: activityInputText(action.input) ?? null, carriedOver: [] };
        return settled();
      case 5:
        return timer(action.fireAt ?? now, action.isCanceled === true);
      case 6:
        return externalEvent(action.externalEventName ?? '');
      case 11:
        return compound((action.compoundActions ?? []).map(begin), (steps) => steps.some(isSettled));
      case 12:
        return compound((action.compoundActions ?? []).map(begin), (steps) => steps.every(isSettled));
      default:
        throw new Error(`Action type ${action.actionType} is not known.`);
    }
  }

  function run(index: number): void {
    for (let at = index; at < actions.length; at++) {
      const step = begin(actions[at] as Action);
      if (!isSettled(step)) {
        whenSettled(step, () => run(at + 1));
        return;
      }
    }
    listDone = true;
  }

  function match(event: HistoryEvent, kind: Decision['kind']): void {
    const decision = unmatched.get(event.EventId);
    const what =
      kind === 'task'
        ? `an activity task with sequence ID ${event.EventId} and name '${event.Name ?? ''}' (version '')`
        : `a timer task with sequence ID ${event.EventId}`;
    const instead =
      decision === undefined
        ? "but the current replay execution hasn't (yet?) scheduled this task."
        : decision.kind !== kind
          ? `but the current orchestration replay instead produced a ${decision.kind} action with this sequence number.`
          : decision.kind === 'task' && decision.name.toLowerCase() !== (event.Name ?? '').toLowerCase()
            ? `but the current orchestration replay instead scheduled an activity task named '${decision.name}' with this sequence number.`
            : undefined;
    if (instead !== undefined) {
      throw new NonDeterminism(
        `Non-Deterministic workflow detected: A previous execution of this orchestration scheduled ${what}, ${instead} ` +
          'Was a change made to the orchestrator code after this instance had already started running?',
      );
    }
    unmatched.delete(event.EventId);
  }

  function complete(id: number | undefined, outcome: 'ok' | 'failed'): void {
    if (id === undefined) return;
    const step = open.get(id) ?? cancelled.get(id);
    open.delete(id);
    cancelled.delete(id);
    if (step !== undefined) settle(step, outcome);
  }

  function raise(event: HistoryEvent): void {
    const name = event.Name ?? '';
    if (continued !== undefined) {
      continued.carriedOver.push(event);
      return;
    }
    const step = waiting.get(name)?.pop();
    if (step === undefined) buffered.set(name, (buffered.get(name) ?? 0) + 1);
    else settle(step, 'ok');
  }

  function process(event: HistoryEvent): void {
    if (event.EventType === EventType.OrchestratorStarted) {
      now = event.Timestamp;
      return;
    }
    if (suspended !== undefined && !endsSuspension(event)) {
      if (event.EventType !== EventType.ExecutionSuspended) whileSuspended.push(event);
      return;
    }
    switch (event.EventType) {
      case EventType.ExecutionStarted:
        if (state !== undefined) run(0);
        break;
      case EventType.TaskScheduled:
        match(event, 'task');
        break;
      case EventType.TimerCreated:
        match(event, 'timer');
        break;
      case EventType.TaskCompleted:
        complete(event.TaskScheduledId, 'ok');
        break;
      case EventType.TaskFailed:
        complete(event.TaskScheduledId, 'failed');
        break;
      case EventType.TimerFired:
        complete(event.TimerId, 'ok');
        break;
      case EventType.EventRaised:
        raise(event);
        break;
      case EventType.ExecutionTerminated:
        terminated ??= event.Input ?? '';
        break;
      case EventType.ExecutionSuspended:
        suspended = event.Reason ?? '';
        heldBack = unmatched;
        unmatched = new Map();
        break;
      case EventType.ExecutionResumed:
        suspended = undefined;
        unmatched = new Map([...heldBack, ...unmatched]);
        for (const held of whileSuspended.splice(0)) process(held);
        break;
    }
  }

  function completion(): Completion | undefined {
    if (terminated !== undefined) return { kind: 'terminated', reason: terminated };
    // Nothing ends while an activity or a timer is open, not even a failure.
    if (open.size > 0) return undefined;
    if (state === undefined) return { kind: 'failed', message: failure };
    if (!listDone || (!state.isDone && state.error === undefined)) return undefined;
    if (state.error !== undefined) return { kind: 'failed', message: `${failure}${state.error}` };
    if (continued !== undefined) return { kind: 'continued', ...continued };
    return { kind: 'completed', output: state.output };
  }

  let completed: Completion | undefined;
  try {
    for (const event of history) process(event);
    completed = completion();
  } catch (error) {
    if (!(error instanceof NonDeterminism)) throw error;
    completed = { kind: 'failed', message: error.message };
  }
  const decisions = [...unmatched.values()].sort((a, b) => a.id - b.id);
  return { decisions, nextId, suspended, completion: completed };
}

class NonDeterminism extends Error {}

const noRetry: RetryOptions = { firstRetryIntervalInMilliseconds: 0, maxNumberOfAttempts: 1 };

function retryDelay(options: RetryOptions, failedAttempts: number): number {
  const { firstRetryIntervalInMilliseconds: first, backoffCoefficient = 1 } = options;
  return Math.min(
    first * backoffCoefficient ** (failedAttempts - 1),
    options.maxRetryIntervalInMilliseconds ?? Infinity,
  );
}

function endsSuspension({ EventType: type }: HistoryEvent): boolean {
  return type === EventType.ExecutionResumed || type === EventType.ExecutionTerminated;
}

const pending = (): Step => ({ outcome: 'open', then: [] });
const settled = (): Step => ({ outcome: 'ok', then: [] });
const isSettled = (step: Step): boolean => step.outcome !== 'open';

function settle(step: Step, outcome: 'ok' | 'failed'): void {
  if (isSettled(step)) return;
  step.outcome = outcome;
  for (const then of step.then.splice(0)) then();
}

function whenSettled(step: Step, then: () => void): void {
  if (isSettled(step)) then();
  else step.then.push(then);
}

function compound(steps: Step[], isDone: (steps: Step[]) => boolean): Step {
  const all = pending();
  const check = () => {
    if (isDone(steps)) settle(all, 'ok');
  };
  for (const step of steps) whenSettled(step, check);
  check();
  return all;
}
