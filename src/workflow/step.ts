import { isDesired, type AccessRequest } from '../core/accessRequest.ts';
import type { Reason } from '../core/reason.ts';
import { createAwaitApproval } from './awaitApproval.ts';
import { createCloseGrant } from './closeGrant.ts';
import { limits, type Dependencies } from './dependencies.ts';
import { createHold, isOver, type Held, type Run } from './heldRequest.ts';
import { createOpenGrant } from './openGrant.ts';
import { createPathReconciler } from './reconcilePath.ts';
import type { Reconcile } from './reconcileResult.ts';
import { createStartScheduled } from './startScheduled.ts';
import type { StepResult } from './stepResult.ts';

export type Step = (requestId: string, actor: 'sallyport' | 'sweep') => Promise<StepResult>;

/**
 * Reads a request's row, does what is due, and says when to be called next. Deciding and acting are one step, and every
 * step may run twice, at once, or never: the row's state and the clock decide, nothing that the caller remembers.
 */
export function createStep(dependencies: Dependencies, reconcileNsg: Reconcile): Step {
  const { requests, clock, log } = dependencies;
  const reconcilePath = createPathReconciler(dependencies, reconcileNsg);
  const hold = createHold(dependencies);
  const closing = createCloseGrant(dependencies, reconcilePath, hold);
  const awaitApproval = createAwaitApproval(dependencies, hold);
  const startScheduled = createStartScheduled(dependencies, hold, closing);
  const openGrant = createOpenGrant(dependencies, reconcilePath, hold, closing);

  return async function step(requestId, actor) {
    const run: Run = { actor, began: clock.now(), known: { rows: new Map() } };
    let stored = await requests.get(requestId);
    if (stored === undefined) {
      log.error('step-without-row', { requestId });
      return { kind: 'done' };
    }
    // Durable timers fire up to a second early; an instant that near is waited out here, and the row read again.
    const left = Date.parse(nextInstant(stored.row)) - clock.now().getTime();
    if (left > 0 && left <= limits.waitOut * 1000) {
      await clock.sleep(left);
      stored = (await requests.get(requestId)) ?? stored;
    }
    let held = await hold.resettle(stored, run);
    // pending or scheduled → opening → active or closing → final: each round enters one state at most.
    for (let round = 0; round < 5; round += 1) {
      const progress = await advance(held, run);
      if ('kind' in progress) return progress;
      held = progress;
    }
    throw new Error(`Request ${requestId} kept changing while a step was under way.`);
  };

  /** Does what is due in the row's state: says when to call again, or returns the row in its next state. */
  async function advance(stored: Held, run: Run): Promise<StepResult | Held> {
    const { row } = stored;
    switch (row.state) {
      case 'opening':
        if (isOver(row, clock.now())) return closing.beginClosing(stored, run, [ended(row)], 'failed');
        // The clock of whoever wrote the row may be ahead of this one.
        if (!isDesired(row, clock.now())) return { kind: 'wait', until: row.start };
        return openGrant(stored, run);
      case 'active':
        if (isOver(row, clock.now())) return closing.beginClosing(stored, run, [ended(row)], 'closed');
        // It was extended, and whoever did it may have died before its live rows held the new end.
        if (row.nextDue !== row.end) return hold.awaitEnd(stored, run);
        return { kind: 'wait', until: row.end };
      case 'closing':
        return closing.close(stored, run);
      case 'closed':
      case 'failed':
      case 'denied':
      case 'expired':
        return closing.finish(stored);
      case 'pending':
        return awaitApproval(stored, run);
      case 'scheduled':
        return startScheduled(stored, run);
    }
  }
}

function ended(row: AccessRequest): Reason {
  return { code: 'ended', message: `The time that was granted ended at ${row.end}.` };
}

/** The instant that a request waits for in its state. */
function nextInstant({ state, start, end, approval }: AccessRequest): string {
  if (state === 'pending') return approval?.expiresAt ?? end;
  return state === 'opening' || state === 'scheduled' ? start : end;
}
