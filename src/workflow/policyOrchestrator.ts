import type { OrchestrationContext, Task } from 'durable-functions';
import { policyStepActivityName } from './names.ts';

/** What a policy step comes to; kept in histories, so it may only be added to. */
export type PolicyStepResult = { kind: 'done' } | { kind: 'again'; afterSeconds: number };

/** Growing pauses between attempts, in seconds; after the last the sweep goes on for ever. */
const pauses = [2, 5, 10, 20, 40, 80] as const;
/** A step that failed (its worker died, a table was down) is tried again after this many seconds. */
const failurePause = 10;

/**
 * Applies the policies after a change of one of them: step, and again while something has not settled, until the sweep has
 * it alone. It owns time and nothing else: what is to be done is decided by the step from rows and lists, so a second one
 * beside it does no harm, and one that is lost no more than a sweep's delay.
 */
export function* policyOrchestrator(context: OrchestrationContext): Generator<Task, string> {
  const input = context.df.getInput<{ policyId?: unknown } | undefined>();
  if (typeof input?.policyId !== 'string') throw new Error('The input must be { policyId }.');

  for (const pause of [...pauses, undefined]) {
    let result: PolicyStepResult;
    try {
      result = (yield context.df.callActivity(policyStepActivityName, {
        policyId: input.policyId,
      })) as PolicyStepResult;
    } catch {
      // The step has logged what it was.
      result = { kind: 'again', afterSeconds: failurePause };
    }
    if (result.kind === 'done') return 'done';
    if (pause === undefined) break;
    const now = context.df.currentUtcDateTime.getTime();
    yield context.df.createTimer(new Date(now + Math.max(pause, result.afterSeconds) * 1000));
  }
  return 'handed-to-sweep';
}
