import { isRunning, type AccessRequest } from '../core/accessRequest.ts';
import { reasonsOfFlows } from '../core/flushConnection.ts';
import { enterState, enteredAt, wasNeverWanted } from '../core/journal.ts';
import type { Reason } from '../core/reason.ts';
import { changesOnPath } from '../core/seenChanges.ts';
import type { Stored } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import { createCloseMoved } from './closeMoved.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { createFindMoved } from './findMoved.ts';
import { isOver, type Held, type Hold, type Run } from './heldRequest.ts';
import { isShut, readBackOf, seenIn, type ReconcilePath } from './reconcilePath.ts';
import type { SeenOnPath } from './settle.ts';
import type { StepResult } from './stepResult.ts';

export interface CloseGrant {
  /** The row that says that it is closing, and why; whoever was first keeps the say. */
  beginClosing: (
    stored: Stored<AccessRequest>,
    run: Run,
    reasons: readonly Reason[],
    outcome: 'closed' | 'failed',
  ) => Promise<Held>;
  close: (stored: Held, run: Run) => Promise<StepResult>;
  finish: (stored: Stored<AccessRequest>) => Promise<StepResult>;
}

/** How a grant ends: the intent, the close, the outcome. */
export function createCloseGrant(
  dependencies: Dependencies,
  reconcilePath: ReconcilePath,
  { resettle, again }: Hold,
): CloseGrant {
  const { requests, live, clock, log } = dependencies;
  const closeMoved = createCloseMoved(dependencies, createFindMoved(dependencies), reconcilePath);
  return { beginClosing, close, finish };

  /** Records the intent to close; whoever was first keeps the say about reason and outcome. */
  async function beginClosing(
    stored: Stored<AccessRequest>,
    run: Run,
    reasons: readonly Reason[],
    outcome: 'closed' | 'failed',
  ): Promise<Held> {
    const [reason] = reasons;
    const { stored: now } = await changeRequest(
      requests,
      stored.row.id,
      (current) =>
        current.state === 'scheduled' ||
        // Whoever has extended it in this very moment was first: its time is not over any more.
        (isRunning(current) && (reason?.code !== 'ended' || isOver(current, clock.now())))
          ? enterState(
              { ...current, recorded: Math.max(current.recorded, stored.row.recorded) },
              'closing',
              { at: clock.now(), actor: run.actor, reasons: [...reasons] },
              { outcome, ...(reason === undefined ? {} : { reason }), nextDue: clock.now().toISOString() },
            )
          : undefined,
      stored,
    );
    return resettle(now, run);
  }

  /** Closes on every NSG of the path; only a read-back that shows none of its rules says closed. */
  async function close(stored: Held, run: Run): Promise<StepResult> {
    const { row } = stored;
    // Its row never said that it was wanted, so nobody can have written a rule for it, nor can anybody who comes late.
    if (wasNeverWanted(row)) return becomeFinal(stored, run, new Map());
    const wasActive = enteredAt(row, 'active') !== undefined;
    // Whoever wrote for somebody else has closed this one too, and has read it back. What was noted is carried over to a
    // newer row under its ETag: somebody who lets it in meanwhile notes that first, or finds the newer row.
    if (wasActive && row.targets.every(({ nsgId }) => stored.seen.get(nsgId)?.state === 'shut')) {
      return becomeFinal(stored, run, stored.seen);
    }
    const settledAt = clock.now();
    const onPath = await reconcilePath(row, 'close', run.began);
    const results = await closeMoved(row, onPath, run.began);
    const open = results.find((result) => !isShut(result, row.id));
    if (open !== undefined) {
      log.error('close-unfinished', {
        requestId: row.id,
        correlationId: row.correlationId,
        result: open.kind,
        ...('reason' in open ? { code: open.reason.code } : {}),
      });
      return again(stored, open.kind === 'again' ? open.afterSeconds : 10, 'closing');
    }

    // A write that was planned before the live rows changed may still arrive: a grant that was never seen active is not
    // called closed by a read that is earlier than that. The row changed earlier than its live rows, perhaps by far.
    if (!wasActive) {
      const conclusive =
        row.conclusiveAfter ?? secondsAfter(settledAt, limits.freshness + limits.writeTimeout).toISOString();
      const readAt = results.map((result) => seenIn(result)?.readAt ?? settledAt);
      if (readAt.some((instant) => instant <= new Date(conclusive))) {
        await changeRequest(requests, row.id, (current) => ({
          ...current,
          conclusiveAfter: current.conclusiveAfter ?? conclusive,
          nextDue: conclusive,
        }));
        return { kind: 'wait', until: conclusive };
      }
    }

    const gone = results.find((result) => result.kind === 'gone')?.reason;
    return becomeFinal(stored, run, readBackOf(results, row), gone);
  }

  /** Records the outcome of what was read back as shut. */
  async function becomeFinal(
    stored: Held,
    run: Run,
    readBack: SeenOnPath,
    gone?: Reason,
  ): Promise<StepResult> {
    const { row } = stored;
    // What was never seen active may never have had a rule: that there is none says nothing.
    const wasUnseen =
      enteredAt(row, 'active') !== undefined && [...readBack.values()].some(({ goneBefore }) => goneBefore);
    const { stored: now } = await changeRequest(
      requests,
      row.id,
      (current) =>
        current.state === 'closing'
          ? enterState({ ...current, recorded: Math.max(current.recorded, row.recorded) }, current.outcome, {
              at: clock.now(),
              actor: run.actor,
              reasons: [
                ...(current.reason === undefined ? [] : [current.reason]),
                ...(gone === undefined ? [] : [gone]),
                ...(wasUnseen ? [closedUnseen] : []),
                ...reasonsOfFlows(current, readBack),
              ],
              changes: changesOnPath(current.targets, readBack),
              ...(wasUnseen ? { observedAt: clock.now() } : {}),
            })
          : undefined,
      stored,
    );
    return finish(await resettle(now, run));
  }

  /** Completes the records of an ended request; its rows stay a while, for late writers to meet. */
  async function finish(stored: Stored<AccessRequest>): Promise<StepResult> {
    // The row carries what settle found out about the records; the stored one may be behind.
    const { recorded } = stored.row;
    if ((await requests.replace(stored.row, stored.etag)) === 'changed') {
      await changeRequest(requests, stored.row.id, (current) =>
        current.recorded < recorded ? { ...current, recorded } : undefined,
      );
    }
    await live.markEnded(stored.row.id, clock.now().toISOString());
    return { kind: 'done' };
  }
}

const closedUnseen: Reason = {
  code: 'closed-unseen',
  message:
    'Its rules were gone when a network security group was read; who took them away, and when, was not seen.',
};
