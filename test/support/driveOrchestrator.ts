import type { OrchestrationContext, Task } from 'durable-functions';
import { grantOrchestrator } from '../../src/workflow/grantOrchestrator.ts';
import type { StepResult } from '../../src/workflow/step.ts';

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
    waitForExternalEvent: () => {
      const task: HandTask = { kind: 'event', isCompleted: false };
      if (pendingRings > 0) {
        pendingRings -= 1;
        task.isCompleted = true;
      } else {
        waiters.push(task);
      }
      return task;
    },
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
    const completed = settled();
    if (completed !== undefined) proceed(() => generator.next(completed));
  }

  /** A race that is over before it begins, because somebody rang while the step was under way. */
  function settled(): HandTask | undefined {
    return waiting?.find((task) => task.isCompleted);
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
      const waiter = waiters.pop();
      if (waiter === undefined) {
        pendingRings += 1;
        return;
      }
      waiter.isCompleted = true;
      if (waiting !== undefined) proceed(() => generator.next(waiter));
    },
  };
}
