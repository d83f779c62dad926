import { isDesired, isRunning, type AccessRequest } from '../core/accessRequest.ts';
import { enterState, enteredAt } from '../core/journal.ts';
import type { Reason } from '../core/reason.ts';
import { changesOnPath } from '../core/seenChanges.ts';
import type { Stored } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import { createCloseMoved } from './closeMoved.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { createFindMoved } from './findMoved.ts';
import { waitingForSweep } from './heartbeat.ts';
import type { Reconcile } from './reconcileResult.ts';
import { createPathReconciler, isShut, readBackOf, refusalOf, seenIn, waitOf } from './reconcilePath.ts';
import { settle, type AlreadyRead, type SeenOnPath } from './settle.ts';

/** What a step says to its caller: when it wants to be called next. */
export type StepResult =
  | { kind: 'done' }
  /** Nothing is due before this instant, ISO 8601. */
  | { kind: 'wait'; until: string }
  /** What was due could not be finished. */
  | { kind: 'again'; afterSeconds: number; phase: 'opening' | 'closing' };

export type Step = (requestId: string, actor: 'sallyport' | 'sweep') => Promise<StepResult>;

/** A request's row, and what its live rows say was last read back of it. */
interface Held extends Stored<AccessRequest> {
  seen: SeenOnPath;
}

/** One call of the step. */
interface Run {
  actor: 'sallyport' | 'sweep';
  began: Date;
  known: AlreadyRead;
}

/**
 * Reads a request's row, does what is due, and says when to be called next. Deciding and acting are one step, and every
 * step may run twice, at once, or never: the row's state and the clock decide, nothing that the caller remembers.
 */
export function createStep(dependencies: Dependencies, reconcileNsg: Reconcile): Step {
  const { requests, live, heartbeat, clock, log } = dependencies;
  const reconcilePath = createPathReconciler(dependencies, reconcileNsg);
  const closeMoved = createCloseMoved(dependencies, createFindMoved(dependencies), reconcilePath);

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
    let held = await resettle(stored, run);
    // opening → active or closing → closing → final: each round enters one state at most.
    for (let round = 0; round < 4; round += 1) {
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
        if (isOver(row, clock.now())) return beginClosing(stored, run, ended(row), 'failed');
        // The clock of whoever wrote the row may be ahead of this one.
        if (!isDesired(row, clock.now())) return { kind: 'wait', until: row.start };
        if (!(await heartbeat.isFresh())) return awaitSweep(stored);
        return open(stored, run);
      case 'active':
        if (isOver(row, clock.now())) return beginClosing(stored, run, ended(row), 'closed');
        return { kind: 'wait', until: row.end };
      case 'closing':
        return close(stored, run);
      case 'closed':
      case 'failed':
      case 'denied':
      case 'expired':
        return finish(stored);
      case 'pending':
      case 'scheduled':
        return { kind: 'wait', until: row.nextDue };
    }
  }

  /** Opens on every NSG of the path, or begins to close what was opened. */
  async function open(stored: Held, run: Run): Promise<StepResult | Held> {
    const { row } = stored;
    // Whoever wrote for somebody else has opened this one too, and has read it back.
    const isOpen = row.targets.every(({ nsgId }) => {
      const seen = stored.seen.get(nsgId);
      return seen?.state === 'open' && seen.version === row.version;
    });
    if (isOpen) return becomeActive(stored, run, stored.seen);

    const results = await reconcilePath(row, 'open', run.began);
    const blocking = results
      .map((result) => refusalOf(result, row.id))
      .find((reason) => reason !== undefined);
    if (blocking !== undefined) return beginClosing(stored, run, blocking, 'failed');
    if (results.every((result) => result.kind === 'converged' && result.admitted.has(row.id))) {
      return becomeActive(stored, run, readBackOf(results, row));
    }

    // Not open. The row may have changed meanwhile (a revocation, its end), and what happens next is then its say.
    const current = await requests.get(row.id);
    if (current === undefined) throw new Error(`Request ${row.id} lost its row.`);
    if (current.row.state !== 'opening' || isOver(current.row, clock.now())) return resettle(current, run);
    const waits = results.map((result) => waitOf(result, row.id)).filter((wait) => wait !== undefined);
    // A quota says itself when it is of use to ask again; nobody is left waiting for an instant that comes too late.
    const [quota] = waits
      .filter((wait) => wait.reason.code === 'throttled')
      .sort((one, other) => other.afterSeconds - one.afterSeconds);
    const unfinished = quota ?? waits[0];
    const askedAgain = secondsAfter(clock.now(), quota?.afterSeconds ?? 0);
    if (askedAgain >= givesUpAt(row)) {
      const reason: Reason = {
        code: quota === undefined ? 'not-opened-in-time' : 'throttled',
        message: unfinished?.reason.message ?? 'Azure did not show the rules in time.',
      };
      return beginClosing(current, run, reason, 'failed');
    }
    return again(current, unfinished?.afterSeconds ?? 1, 'opening');
  }

  /** Nothing is opened that nobody would close: the sweep rings when it is through. */
  async function awaitSweep({ row }: Stored<AccessRequest>): Promise<StepResult> {
    const at = clock.now().toISOString();
    const later = secondsAfter(clock.now(), limits.heartbeatPause).toISOString();
    const until = later < row.end ? later : row.end;
    await changeRequest(requests, row.id, (current) =>
      current.state === 'opening'
        ? { ...current, waiting: { at, reason: waitingForSweep }, nextDue: until }
        : undefined,
    );
    return { kind: 'wait', until };
  }

  async function becomeActive(stored: Stored<AccessRequest>, run: Run, readBack: SeenOnPath): Promise<Held> {
    const { stored: now } = await changeRequest(
      requests,
      stored.row.id,
      (current) =>
        // Seen open, but revoked or past its end by now: no answer may say that it is active.
        current.state === 'opening' && isDesired(current, clock.now())
          ? enterState(
              { ...current, recorded: Math.max(current.recorded, stored.row.recorded) },
              'active',
              {
                at: clock.now(),
                actor: run.actor,
                reasons: [],
                changes: changesOnPath(current.targets, readBack),
              },
              { nextDue: current.end },
            )
          : undefined,
      stored,
    );
    return resettle(now, run, readBack);
  }

  /** Records the intent to close; whoever was first keeps the say about reason and outcome. */
  async function beginClosing(
    stored: Stored<AccessRequest>,
    run: Run,
    reason: Reason,
    outcome: 'closed' | 'failed',
  ): Promise<Held> {
    const { stored: now } = await changeRequest(
      requests,
      stored.row.id,
      (current) =>
        isRunning(current)
          ? enterState(
              { ...current, recorded: Math.max(current.recorded, stored.row.recorded) },
              'closing',
              { at: clock.now(), actor: run.actor, reasons: [reason] },
              { outcome, reason, nextDue: clock.now().toISOString() },
            )
          : undefined,
      stored,
    );
    return resettle(now, run);
  }

  /** Closes on every NSG of the path; only a read-back that shows none of its rules says closed. */
  async function close(stored: Held, run: Run): Promise<StepResult> {
    const { row } = stored;
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
              ],
              changes: changesOnPath(current.targets, readBack),
              ...(wasUnseen ? { observedAt: clock.now() } : {}),
            })
          : undefined,
      stored,
    );
    return finish(await resettle(now, run));
  }

  /** What is over goes straight to `closing`, in which nothing waits for an audit that is down. */
  async function resettle(
    stored: Stored<AccessRequest>,
    { began, known }: Run,
    readBack?: SeenOnPath,
  ): Promise<Held> {
    if (isOver(stored.row, clock.now())) return { ...stored, seen: new Map() };
    const { request, seen } = await settle(dependencies, stored.row, began, readBack, known);
    return { ...stored, row: request, seen };
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

  async function again(
    stored: Stored<AccessRequest>,
    afterSeconds: number,
    phase: 'opening' | 'closing',
  ): Promise<StepResult> {
    await setNextDue(stored, secondsAfter(clock.now(), afterSeconds));
    return { kind: 'again', afterSeconds, phase };
  }

  async function setNextDue(stored: Stored<AccessRequest>, due: Date): Promise<void> {
    await changeRequest(requests, stored.row.id, ({ waiting, ...current }) => ({
      ...current,
      ...(waiting === undefined ? {} : { waiting: { at: waiting.at } }),
      nextDue: due.toISOString(),
    }));
  }
}

const closedUnseen: Reason = {
  code: 'closed-unseen',
  message:
    'Its rules were gone when a network security group was read; who took them away, and when, was not seen.',
};

function ended(row: AccessRequest): Reason {
  return { code: 'ended', message: `The time that was granted ended at ${row.end}.` };
}

/** Whether a grant that may be open is past its end. */
function isOver(row: AccessRequest, now: Date): boolean {
  return isRunning(row) && now.getTime() >= Date.parse(row.end);
}

/** When an opening ends failed for want of success; while it waited for the sweep it was not tried. */
export function givesUpAt({ start, waiting }: Pick<AccessRequest, 'start' | 'waiting'>): Date {
  const since = waiting !== undefined && waiting.at > start ? waiting.at : start;
  return secondsAfter(new Date(since), limits.openWithin);
}

/** The instant that an opening or active grant waits for; its end when that is all there is. */
function nextInstant({ state, start, end }: AccessRequest): string {
  return state === 'opening' ? start : end;
}
