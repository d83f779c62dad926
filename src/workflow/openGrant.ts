import { isDesired, type AccessRequest } from '../core/accessRequest.ts';
import { enterState } from '../core/journal.ts';
import type { Reason } from '../core/reason.ts';
import { changesOnPath } from '../core/seenChanges.ts';
import type { Stored } from '../core/stores.ts';
import { reauthorizeRequester } from './authorize.ts';
import { changeRequest } from './changeRequest.ts';
import type { CloseGrant } from './closeGrant.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { waitingForSweep } from './heartbeat.ts';
import { isOver, type Held, type Hold, type Run } from './heldRequest.ts';
import { readBackOf, refusalOf, waitOf, type ReconcilePath } from './reconcilePath.ts';
import type { SeenOnPath } from './settle.ts';
import type { StepResult } from './stepResult.ts';

/** Does what is due for a grant that is opening and whose time has come: says when to call again, or returns its next state. */
export type OpenGrant = (stored: Held, run: Run) => Promise<StepResult | Held>;

export function createOpenGrant(
  dependencies: Pick<Dependencies, 'requests' | 'heartbeat' | 'authorization' | 'clock' | 'log'>,
  reconcilePath: ReconcilePath,
  { resettle, again }: Hold,
  { beginClosing }: Pick<CloseGrant, 'beginClosing'>,
): OpenGrant {
  const { requests, heartbeat, clock } = dependencies;
  return async (stored, run) => {
    if (!(await heartbeat.isFresh())) return awaitSweep(stored);
    const objections = await reauthorizeRequester(dependencies, stored.row);
    if ('kind' in objections) return awaitAnswer(stored, run, objections.retryAfterSeconds);
    return objections.length === 0 ? open(stored, run) : beginClosing(stored, run, objections, 'failed');
  };

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
    if (blocking !== undefined) return beginClosing(stored, run, [blocking], 'failed');
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
      return beginClosing(current, run, [reason], 'failed');
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

  /** Nothing is opened for somebody of whom Azure does not say that they still may. */
  async function awaitAnswer(stored: Held, run: Run, afterSeconds: number): Promise<StepResult | Held> {
    if (secondsAfter(clock.now(), afterSeconds) < givesUpAt(stored.row)) {
      return again(stored, afterSeconds, 'opening');
    }
    const message = 'Azure did not say in time whether the requester may still ask for this access.';
    return beginClosing(stored, run, [{ code: 'not-opened-in-time', message }], 'failed');
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
}

/** When an opening ends failed for want of success; while it waited for the sweep it was not tried. */
export function givesUpAt({ start, waiting }: Pick<AccessRequest, 'start' | 'waiting'>): Date {
  const since = waiting !== undefined && waiting.at > start ? waiting.at : start;
  return secondsAfter(new Date(since), limits.openWithin);
}
