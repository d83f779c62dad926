import { isRunning, type AccessRequest, type IdempotentCall } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { awaitExtension, extend, obstacleToExtension } from '../core/extension.ts';
import { isSame } from '../core/judgeApproval.ts';
import type { Change } from '../core/journal.ts';
import type { Decision, Reason } from '../core/reason.ts';
import type { Stored } from '../core/stores.ts';
import { changeRequest } from './changeRequest.ts';
import type { ExtendResult, ExtensionCall } from './contracts.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { waitingForSweep } from './heartbeat.ts';
import { idempotentCall } from './idempotentCall.ts';
import { judgeExtension } from './judgeExtension.ts';
import { recordDenied, recordJournal } from './recordJournal.ts';
import type { Reconcile } from './reconcileResult.ts';
import type { PersonQuota } from './personQuota.ts';
import { settle } from './settle.ts';

/** Seconds for which the answer waits for Azure to hold the new end: it is in the rows, and the sweep brings it there. */
const reconcileWait = 10;

/**
 * Makes the function by which the requester gets more time for a grant that runs. The row's change is what counts, under
 * its ETag: a close that came first wins, and what was judged for another end is judged again. No orchestration is rung:
 * the timer of the old end fires, and its step says when to call next.
 */
export function createExtendGrant(
  dependencies: Dependencies,
  quota: PersonQuota,
  reconcile: Reconcile,
): (call: ExtensionCall) => Promise<ExtendResult> {
  const { requests, heartbeat, clock, newId } = dependencies;
  const carryOut = createCarryOut(dependencies, reconcile);

  return async (asked) => {
    const retryAfterSeconds = quota.exhausted(asked.person.objectId, clock.now());
    if (retryAfterSeconds > 0) return { kind: 'too-many-refusals', retryAfterSeconds };
    const over = quota.call(asked.person.objectId, clock.now());
    if (over !== undefined) return over;
    // Without a key of its own the call has one all the same: it finds by it what it has written unseen.
    const { id, person, idempotencyKey: key, bodyHash } = asked;
    const call: IdempotentCall =
      key === undefined
        ? { key: newId(), bodyHash }
        : idempotentCall('extend', id, person, { key, bodyHash });
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const seenAt = clock.now();
      const stored = await requests.get(asked.id);
      if (stored === undefined || !isSame(stored.row.requester, asked.person)) return { kind: 'not-found' };
      const earlier = stored.row.journal.find((entry) => entry.call?.key === call.key);
      if (earlier?.call !== undefined) {
        if (earlier.call.bodyHash !== call.bodyHash) return { kind: 'key-reused' };
        // Whoever asks again may have asked before the rows were brought up to date.
        return finish(stored, seenAt);
      }
      const obstacle = obstacleToExtension(stored.row, seenAt);
      if (obstacle !== undefined) return { kind: 'conflict', reason: obstacle };
      // What is open stays open for longer only if somebody looks after it.
      if (!(await heartbeat.isFresh())) {
        return { kind: 'unavailable', retryAfterSeconds: 30, message: waitingForSweep.message };
      }
      const { row } = stored;
      const end = secondsAfter(new Date(row.end), asked.durationSeconds).toISOString();
      const { justification, correlationId } = asked;
      const judged = await judgeExtension(dependencies, {
        ...{ row, end, justification, correlationId },
        isFresh: attempt === 0,
      });
      if (judged.kind === 'unavailable') return judged;
      if (judged.kind === 'denied') return deny(row, asked, judged.decision);
      // Judged at leisure; the end is the end.
      const late = obstacleToExtension(row, clock.now());
      if (late !== undefined) return { kind: 'conflict', reason: late };
      const { objectId: actor, displayName: actorName } = asked.person;
      const change: Change = {
        ...{ at: clock.now(), actor, actorName, correlationId, call },
        comment: justification,
        reasons: [extendedReason(row.end, end)],
      };
      const { approval: rules, authorizedAt } = judged;
      const next =
        rules.length > 0
          ? awaitExtension(row, { end, justification, rules }, { ...change, reasons: [] })
          : { ...extend(row, end, change), authorizedAt };
      const replaced = await requests.replace(next, stored.etag);
      if (replaced !== 'changed') return finish(replaced, seenAt);
    }
    throw new Error(`Request ${asked.id} was changed by others ten times in a row.`);
  };

  async function finish(stored: Stored<AccessRequest>, seenAt: Date): Promise<ExtendResult> {
    const request = await carryOut(stored, seenAt);
    return { kind: request.extension === undefined ? 'extended' : 'waiting', request };
  }

  async function deny(row: AccessRequest, asked: ExtensionCall, decision: Decision): Promise<ExtendResult> {
    quota.count(asked.person.objectId, clock.now());
    const { duration, durationSeconds, justification, correlationId, bodyHash } = asked;
    const { requester, virtualMachines } = row;
    const submission = { duration, durationSeconds, justification, correlationId, bodyHash, requester };
    // Apart from the request: its row must not grow with whatever is asked of it.
    await recordDenied(
      {
        id: newId(),
        at: clock.now().toISOString(),
        submission: { ...submission, virtualMachines: [] },
        decision,
        extensionOf: { id: row.id, virtualMachines },
      },
      dependencies.audit,
    );
    return { kind: 'denied', decision };
  }
}

/**
 * Makes the function that brings records, live rows and Azure up to a row that was extended, or waits to be. Never rejects:
 * what fails here the step and the sweep make up for, for something is due until the live rows hold the new end.
 */
export function createCarryOut(
  dependencies: Dependencies,
  reconcile: Reconcile,
): (stored: Stored<AccessRequest>, seenAt: Date) => Promise<AccessRequest> {
  const { requests, audit, clock, log } = dependencies;

  return async (stored, seenAt) => {
    const { row } = stored;
    try {
      if (!isRunning(row)) return row;
      if (row.extension !== undefined) {
        await recordJournal(row, audit, clock.now());
        return row;
      }
      const { request } = await settle(dependencies, row, seenAt);
      if (row.state === 'active' && row.nextDue !== row.end) await awaitEnd(stored, request.recorded);
      await bringToAzure(row);
      return row;
    } catch (error) {
      const { id: requestId, correlationId } = row;
      log.error('extension-left-to-sweep', { requestId, correlationId, cause: causeOf(error) });
      return row;
    }
  };

  /** The live rows hold the new end: nothing is due before it. */
  async function awaitEnd(stored: Stored<AccessRequest>, recorded: number): Promise<void> {
    const { id, version } = stored.row;
    await changeRequest(
      requests,
      id,
      (current) =>
        current.state === 'active' && current.version === version
          ? { ...current, recorded: Math.max(current.recorded, recorded), nextDue: current.end }
          : undefined,
      stored,
    );
  }

  /** The end stands in the description of each rule; nobody's packet waits for it. */
  async function bringToAzure({ targets, correlationId }: AccessRequest): Promise<void> {
    const reconciled = Promise.all(
      targets.map(({ nsgId }) =>
        reconcile(nsgId, { correlationId, purpose: 'open' }).catch((error: unknown) => {
          log.error('reconcile-failed', { nsgId, correlationId, cause: causeOf(error) });
        }),
      ),
    );
    await Promise.race([reconciled, clock.sleep(reconcileWait * 1000)]);
  }
}

/** What an extension did, for journal and audit. */
export function extendedReason(from: string, to: string): Reason {
  return { code: 'extended', message: `Its end moved from ${from} to ${to}.` };
}
