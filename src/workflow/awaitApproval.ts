import { enterState } from '../core/journal.ts';
import type { Reason } from '../core/reason.ts';
import { changeRequest } from './changeRequest.ts';
import type { Dependencies } from './dependencies.ts';
import type { Held, Hold, Run } from './heldRequest.ts';
import type { StepResult } from './stepResult.ts';

/** Does what is due for a request that waits for people: says when to call again, or returns it in its next state. */
export type AwaitApproval = (stored: Held, run: Run) => Promise<StepResult | Held>;

/** Makes the function that ends a request nobody has approved in time. People decide by themselves, and ring. */
export function createAwaitApproval(
  { requests, clock }: Pick<Dependencies, 'requests' | 'clock'>,
  { resettle }: Hold,
): AwaitApproval {
  return async (stored, run) => {
    const { id, approval } = stored.row;
    // A row that says not until when waits for nobody.
    const until = approval?.expiresAt ?? clock.now().toISOString();
    if (clock.now() < new Date(until)) return { kind: 'wait', until };
    const reason: Reason = {
      code: 'approval-expired',
      message: `Not everybody who must approve had done so by ${until}.`,
    };
    const { stored: now } = await changeRequest(
      requests,
      id,
      (current) =>
        current.state === 'pending'
          ? enterState(
              { ...current, recorded: Math.max(current.recorded, stored.row.recorded) },
              'expired',
              { at: clock.now(), actor: run.actor, reasons: [reason] },
              { reason },
            )
          : undefined,
      stored,
    );
    return resettle(now, run);
  };
}
