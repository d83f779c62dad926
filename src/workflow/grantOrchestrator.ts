import type { OrchestrationContext, Task, TimerTask } from 'durable-functions';
import { ringEventName, stepActivityName } from './names.ts';
import type { StepResult } from './stepResult.ts';

/** Growing pauses between attempts to close, in seconds; after the last the sweep goes on for ever. */
const closePauses = [10, 20, 40, 80, 160] as const;
/** Growing pauses between attempts to open; the step gives up by the row's clock. */
const openPauses = [1, 2, 4, 8, 16, 30] as const;
/** A step that failed (its worker died, a table was down) is tried again after this many seconds. */
const failurePause = 10;
/** Seconds to wait for an instant that has passed: it comes from a step whose clock is behind. */
const pauseWhenPast = 2;

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

  // Every waiter that no ring has reached. The SDK serves them last in, first out, also while no race is under way, and
  // a race does not notice what had completed before it: so each is raced once, and none is forgotten.
  let waiters: Task[] = [];
  let attempts = { opening: 0, closing: 0 };
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

    // Who rang while the step was under way may have changed the row after it was read.
    if (waiters.some((waiter) => waiter.isCompleted)) {
      waiters = waiters.filter((waiter) => !waiter.isCompleted);
      continue;
    }

    const now = context.df.currentUtcDateTime.getTime();
    let wait: number;
    if (result.kind === 'wait') {
      attempts = { opening: 0, closing: 0 };
      const until = Date.parse(result.until);
      wait = until > now ? until : now + pauseWhenPast * 1000;
    } else {
      const attempt = attempts[result.phase]++;
      if (result.phase === 'closing' && attempt >= closePauses.length) return 'handed-to-sweep';
      const pauses = result.phase === 'closing' ? closePauses : openPauses;
      wait = now + Math.max(result.afterSeconds, pauses[Math.min(attempt, pauses.length - 1)] ?? 0) * 1000;
    }

    const timer: TimerTask = context.df.createTimer(new Date(wait));
    const ring = context.df.waitForExternalEvent(ringEventName);
    waiters.push(ring);
    if ((yield context.df.Task.any([timer, ring])) === ring && !timer.isCompleted) timer.cancel();
    waiters = waiters.filter((waiter) => !waiter.isCompleted);
  }
}
