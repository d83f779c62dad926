import type { OrchestrationContext, Task } from 'durable-functions';
import { grantOrchestrator } from '../../src/workflow/grantOrchestrator.ts';
import type { StepResult } from '../../src/workflow/stepResult.ts';

/** What the orchestrator asked for last. */
export type Asked =
  | { kind: 'activity'; name: string; input: unknown }
  | { kind: 'wait'; until: Date; timerCancelled: () => boolean }
  | { kind: 'returned'; output: string };

interface HandTask {
  kind: 'activity' | 'timer' | 'event' | 'any';
  isCompleted: boolean;
}

/** The orchestrator's generator, driven by hand: a test answers each thing that it yields. */
export interface Drive {
  asked: () => Asked;
  /** The activity ended with this result. */
  complete: (result: StepResult) => void;
  /** The activity failed. */
  fail: () => void;
  /** The timer fired, at this time. */
  fire: (at?: Date) => void;
  /** Somebody rings; if the orchestrator waits, it goes on. */
  ring: (at?: Date) => void;
}

export function drive(start: Date, input: unknown = { requestId: 'a'.repeat(32) }): Drive {
  let now = start;
  let asked: Asked;
  let pendingRings = 0;
  const waiters: HandTask[] = [];
  let timer: HandTask | undefined;
  let waiting: HandTask[] | undefined;

  const df = {
    getInput: () => input,
    get currentUtcDateTime() {
      return now;
    },
    callActivity: (name: string, activityInput: unknown) => {
      asked = { kind: 'activity', name, input: activityInput };
      return { kind: 'activity', isCompleted: false };
    },
    waitForExternalEvent: (): HandTask => ({ kind: 'event', isCompleted: false }),
    createTimer: (until: Date) => {
      let cancelled = false;
      const task = { kind: 'timer' as const, isCompleted: false, cancel: () => (cancelled = true) };
      timer = task;
      asked = { kind: 'wait', until, timerCancelled: () => cancelled };
      return task;
    },
    Task: {
      any: (tasks: HandTask[]) => {
        waiting = tasks;
        return { kind: 'any', isCompleted: false };
      },
    },
  };
  const generator = grantOrchestrator({ df } as unknown as OrchestrationContext);

  function proceed(move: () => IteratorResult<Task, string>): void {
    waiting = undefined;
    const { done, value } = move();
    if (done === true) {
      asked = { kind: 'returned', output: value };
      return;
    }
    // As the SDK does it: a task counts from when it is yielded, a race is decided by what completes from then on and
    // not by what had completed before, and a task that is yielded twice stands twice among the waiters.
    for (const task of raced()) {
      if (task.kind !== 'event') continue;
      waiters.push(task);
      if (pendingRings === 0) continue;
      pendingRings -= 1;
      deliver();
    }
  }

  function raced(): HandTask[] {
    return waiting ?? [];
  }

  function deliver(): void {
    const waiter = waiters.pop();
    if (waiter === undefined) {
      pendingRings += 1;
      return;
    }
    waiter.isCompleted = true;
    if (waiting?.includes(waiter) === true) proceed(() => generator.next(waiter));
  }

  proceed(() => generator.next());
  return {
    asked: () => asked,
    complete: (result) => proceed(() => generator.next(result)),
    fail: () => proceed(() => generator.throw(new Error('Activity function failed: node exited'))),
    fire: (at) => {
      now = at ?? (asked.kind === 'wait' ? asked.until : now);
      if (timer !== undefined) timer.isCompleted = true;
      const task = timer;
      proceed(() => generator.next(task));
    },
    ring: (at) => {
      now = at ?? now;
      deliver();
    },
  };
}
