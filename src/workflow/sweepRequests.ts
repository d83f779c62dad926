import { finalStates, type AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { isReviewOpen } from '../core/breakGlass.ts';
import { warnOfEnd } from '../core/endingSoon.ts';
import { note } from '../core/journal.ts';
import type { Stored, UnendedRow } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import type { Orchestrations } from './contracts.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { givesUpAt } from './openGrant.ts';
import { recordJournal } from './recordJournal.ts';
import { settle } from './settle.ts';
import type { Step } from './step.ts';
import type { WalkedRequest } from './walkRequests.ts';

/** What the sweep did with the requests. */
export interface RequestSweep {
  stepped: number;
  restarted: number;
  removed: number;
  failed: number;
  left: number;
}

/** Whether an NSG came to no end in this sweep, or rests. */
export type HoldUp = (nsgId: string) => 'unsettled' | 'resting' | undefined;

/** Seconds after which no further request is begun; the function's own time-out is five minutes. */
const timeLimit = 180;
/** Requests whose NSG is held up: seconds after the sweep began until they are waited for, and how many at a time. */
const heldUntil = 50;
const heldWorkers = 32;
/** What runs has this long to answer a ring, in seconds, before it counts as stuck. */
const ringPatience = 30;
/** Rings are forgotten beyond this many: an instance that is forgotten is merely rung once more. */
const mostRings = 10_000;

/**
 * Makes the sweep's look at requests: does what is overdue itself, wakes what sleeps, gives a new orchestration to what
 * has none or has one that does not answer, and puts away the rows of what has ended. One request's failure does not stop
 * the others, and those whose NSG is held up come last.
 */
export function createRequestSweep(
  dependencies: Pick<Dependencies, 'requests' | 'live' | 'audit' | 'clock' | 'log'>,
  step: Step,
  warnSeconds: number,
) {
  const { requests, live, audit, clock, log } = dependencies;
  /** Instances that were rung, for which instant and when: who does not answer to that is replaced. */
  const rung = new Map<string, { nextDue: string; at: string }>();

  return async function sweepRequests(
    walked: readonly WalkedRequest[],
    orchestrations: Orchestrations,
    { began, holdUpOf }: { began: Date; holdUpOf: HoldUp },
  ): Promise<RequestSweep> {
    const sweep: RequestSweep = { stepped: 0, restarted: 0, removed: 0, failed: 0, left: 0 };
    const [held, free] = [walked.filter(isHeldUp), walked.filter((each) => !isHeldUp(each))];
    await inParallel(free.sort(byEnd), (each) => attempt(each, true));
    // Whoever waits for an NSG that hangs waits long, and the next sweep, which closes what does not hang, for them: so
    // many of them at once, and no longer than a sweep may take. What is left behind goes on or is met again.
    const left = secondsAfter(began, heldUntil).getTime() - clock.now().getTime();
    if (held.length > 0 && left > 0) {
      const work = inParallel(held.sort(byEnd), (each) => attempt(each, false), heldWorkers);
      await Promise.race([work, clock.sleep(left)]);
    }
    return { ...sweep };

    function isHeldUp({ stored }: WalkedRequest): boolean {
      return stored?.row.targets.some(({ nsgId }) => holdUpOf(nsgId) !== undefined) ?? false;
    }

    async function attempt(each: WalkedRequest, counts: boolean): Promise<void> {
      if (clock.now() > secondsAfter(began, counts ? timeLimit : heldUntil)) {
        // Of what is held up, the NSG is what is told of.
        if (counts) sweep.left += 1;
        return;
      }
      try {
        await visit(each);
      } catch (error) {
        sweep.failed += 1;
        log.error('sweep-failed', { requestId: each.unended.requestId, cause: causeOf(error) });
      }
    }

    async function visit({ unended, stored, seenAt }: WalkedRequest): Promise<void> {
      if (stored === undefined) {
        // Nothing was granted yet.
        if (isOld(unended.createdAt, limits.keepOrphan)) await removeRows(unended.requestId, []);
        return;
      }
      const { row: request } = stored;
      if (finalStates.has(request.state)) {
        await putAway(unended, request);
        return;
      }
      const isClosing = request.state === 'closing';
      if (isClosing && request.targets.some(({ nsgId }) => holdUpOf(nsgId) === 'resting')) return;
      if (isDue(request)) await stepOne(request.id);
      else if (isOverdue(request.nextDue)) await wake(stored, seenAt);
      else await warn(stored);
    }

    /** Whether the sweep does itself what is due: what ends a request, and opens nothing. */
    function isDue(request: AccessRequest): boolean {
      const { state } = request;
      if (state === 'pending') return isOverdue(request.nextDue);
      const givenUp = state === 'opening' && clock.now() > givesUpAt(request);
      return isOverdue(request.end) || givenUp || (state === 'closing' && isOverdue(request.nextDue));
    }

    /** Removes the rows of what has ended, once late writers are not to be expected and nothing is left to do with it. */
    async function putAway(unended: UnendedRow, request: AccessRequest): Promise<void> {
      if (unended.endedAt === undefined) {
        await stepOne(request.id);
      } else if (request.recorded < request.journal.length) {
        // Somebody has reviewed it since: what is sealed is not all any more.
        await live.markUnsealed(request.id);
        await stepOne(request.id);
      } else if (
        unended.sealed === true &&
        !isReviewOpen(request) &&
        isOld(unended.endedAt, limits.keepEnded)
      ) {
        await removeRows(
          request.id,
          request.targets.map(({ nsgId }) => nsgId),
        );
      }
    }

    /** Says once that a grant ends in a few minutes: in its journal, which the audit is made from, and in the log. */
    async function warn(stored: Stored<AccessRequest>): Promise<void> {
      const update = (row: AccessRequest) =>
        warnOfEnd(row, { now: clock.now(), seconds: warnSeconds, actor: 'sweep' });
      if (update(stored.row) === undefined) return;
      const { stored: now, changed } = await changeRequest(requests, stored.row.id, update, stored);
      if (!changed) return;
      const { id, end, correlationId } = now.row;
      log.info('ending-soon', { requestId: id, end, correlationId });
      await recordJournal(now.row, audit, clock.now());
    }

    async function stepOne(requestId: string): Promise<void> {
      await step(requestId, 'sweep');
      sweep.stepped += 1;
    }

    /** Rings the orchestration of an overdue request; starts a successor where it is gone or did not answer. */
    async function wake(stored: Stored<AccessRequest>, seenAt: Date): Promise<void> {
      const { row } = stored;
      const previous = row.instance;
      const isRunning = (await orchestrations.status(previous)) === 'running';
      const ring = rung.get(previous);
      const isSilent = ring?.nextDue === row.nextDue && isOld(ring.at, ringPatience);
      if (isRunning && !isSilent) {
        if (rung.size >= mostRings) rung.clear();
        if (ring?.nextDue !== row.nextDue) {
          rung.set(previous, { nextDue: row.nextDue, at: clock.now().toISOString() });
        }
        await orchestrations.ring(previous);
        return;
      }
      rung.delete(previous);
      const { stored: now } = await changeRequest(
        requests,
        row.id,
        (current) =>
          current.instance === previous && !finalStates.has(current.state)
            ? note(
                current,
                'orchestration-restarted',
                { at: clock.now(), actor: 'sweep', reasons: [isRunning ? silent : missing] },
                { instance: nextInstance(current), nextDue: clock.now().toISOString() },
              )
            : undefined,
        stored,
      );
      if (now.row.instance === previous) return;
      await settle(dependencies, now.row, seenAt);
      await orchestrations.start(now.row.instance, now.row.id);
      sweep.restarted += 1;
    }

    async function removeRows(requestId: string, nsgIds: string[]): Promise<void> {
      for (const nsgId of nsgIds) await live.remove(nsgId, requestId);
      await live.removeUnended(requestId);
      sweep.removed += 1;
    }
  };

  function isOverdue(instant: string): boolean {
    return isOld(instant, limits.overdue);
  }

  function isOld(instant: string, seconds: number): boolean {
    return clock.now() > secondsAfter(new Date(instant), seconds);
  }
}

const missing = {
  code: 'orchestration-missing',
  message: 'The orchestration of this request was not running; a new one was started.',
} as const;
const silent = {
  code: 'orchestration-silent',
  message: 'The orchestration of this request did nothing when it was called; a new one was started.',
} as const;

/** The longest overdue first. */
function byEnd(a: WalkedRequest, b: WalkedRequest): number {
  return (a.stored?.row.end ?? '').localeCompare(b.stored?.row.end ?? '');
}

/** `<id>`, then `<id>-2`, `<id>-3` …: a finished instance is never started again under its own name. */
function nextInstance(request: AccessRequest): string {
  const [, number] = request.instance.split('-');
  return `${request.id}-${Number(number ?? 1) + 1}`;
}
