import type { OrchestrationContext, Task, TimerTask } from 'durable-functions';
import { ringEventName, stepActivityName } from './names.ts';
import type { StepResult } from './step.ts';

/** Growing pauses between attempts to close, in seconds; after the last the sweep goes on for ever. */
const closePauses = [10, 20, 40, 80, 160] as const;
/** Growing pauses between attempts to open; the step gives up by the row's clock. */
const openPauses = [1, 2, 4, 8, 16, 30] as const;
/** A step that failed (its worker died, a table was down) is tried again after this many seconds. */
const failurePause = 10;

/**
 * The life of one grant: step, then wait for the instant that the step named or for a ring, whichever is first.
 *
 * It owns time and retries and nothing else. Its input is the request's id, events carry no data, and what is due is
 * decided by the step from the row. Steps are not retried by Durable: a retry that is caught and followed by more work
 * goes wrong on the real engine.
 */
export function* grantOrchestrator(context: OrchestrationContext): Generator<Task, string> {
  const input = context.df.getInput<{ requestId?: unknown } | undefined>();
  if (typeof input?.requestId !== 'string') throw new Error('The input must be { requestId }.');

  // One waiter for all rings: waiters on one name are served last in, first out.
  let ring = context.df.waitForExternalEvent(ringEventName);
  const attempts = { opening: 0, closing: 0 };
  for (;;) {
    let result: StepResult;
    try {
      result = (yield context.df.callActivity(stepActivityName, {
        requestId: input.requestId,
      })) as StepResult;
    } catch {
      // The text of an activity's error is not to be relied on, and the step has logged it. The row may want closing,
      // so a failure counts as an attempt to close.
      result = { kind: 'again', afterSeconds: failurePause, phase: 'closing' };
    }
    if (result.kind === 'done') return 'done';

    let wait: number;
    if (result.kind === 'wait') {
      wait = Date.parse(result.until);
    } else {
      const attempt = attempts[result.phase]++;
      if (result.phase === 'closing' && attempt >= closePauses.length) return 'handed-to-sweep';
      const pauses = result.phase === 'closing' ? closePauses : openPauses;
      const pause = Math.max(result.afterSeconds, pauses[Math.min(attempt, pauses.length - 1)] ?? 0);
      wait = context.df.currentUtcDateTime.getTime() + pause * 1000;
    }

    const timer: TimerTask = context.df.createTimer(new Date(wait));
    const first = (yield context.df.Task.any([timer, ring])) as Task;
    if (first === ring) {
      if (!timer.isCompleted) timer.cancel();
      ring = context.df.waitForExternalEvent(ringEventName);
    }
  }
}
