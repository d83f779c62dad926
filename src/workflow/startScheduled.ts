import { enterState } from '../core/journal.ts';
import { changeRequest } from './changeRequest.ts';
import type { CloseGrant } from './closeGrant.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import type { Held, Hold, Run } from './heldRequest.ts';
import { judgeAgain } from './judgeAgain.ts';
import type { Judged } from './judgeRequest.ts';
import { givesUpAt } from './openGrant.ts';
import type { StepResult } from './stepResult.ts';

/** Does what is due for a request whose start is chosen: says when to call again, or returns it in its next state. */
export type StartScheduled = (stored: Held, run: Run) => Promise<StepResult | Held>;

/** How long what is asked before it is opened may take, in seconds: the step has to return, and to open it. */
const judgeWithin = 15;

/**
 * Makes the function that begins what was granted for later. Days may have passed: what was right then is judged again, and
 * what is not right any more is not opened.
 */
export function createStartScheduled(
  dependencies: Dependencies,
  { resettle, again }: Hold,
  { beginClosing }: Pick<CloseGrant, 'beginClosing'>,
): StartScheduled {
  const { requests, clock } = dependencies;

  return async (stored, run) => {
    const { row } = stored;
    const now = clock.now();
    if (now < new Date(row.start)) return { kind: 'wait', until: row.start };
    if (now >= new Date(row.end)) {
      const message = `Its time ended at ${row.end}, before it was opened.`;
      return beginClosing(stored, run, [{ code: 'ended', message }], 'failed');
    }
    const judged = await Promise.race([judgeAgain(dependencies, row, now), tooLong()]);
    if (judged.kind === 'unavailable') {
      const asksAgain = secondsAfter(clock.now(), judged.retryAfterSeconds);
      if (asksAgain < givesUpAt(row)) return again(stored, judged.retryAfterSeconds, 'opening');
      return beginClosing(stored, run, [{ code: 'not-opened-in-time', message: judged.message }], 'failed');
    }
    if (judged.kind === 'denied') return beginClosing(stored, run, judged.decision.reasons, 'failed');
    const { stored: begun } = await changeRequest(
      requests,
      row.id,
      (current) =>
        // Revoked meanwhile, or begun by somebody else.
        current.state === 'scheduled'
          ? enterState(
              { ...current, recorded: Math.max(current.recorded, row.recorded) },
              'opening',
              { at: clock.now(), actor: run.actor, reasons: judged.fields.decision.reasons },
              { ...judged.fields, nextDue: clock.now().toISOString() },
            )
          : undefined,
      stored,
    );
    return resettle(begun, run);
  };

  async function tooLong(): Promise<Judged> {
    await clock.sleep(judgeWithin * 1000);
    return { kind: 'unavailable', retryAfterSeconds: 5, message: 'Azure did not answer in time.' };
  }
}
