import { isRunning, type AccessRequest } from '../core/accessRequest.ts';
import { canonicalJson } from '../core/canonicalJson.ts';
import { extend } from '../core/extension.ts';
import { note, withoutExtension, type Change } from '../core/journal.ts';
import { isSame, judgeApproval, ownRequest, type Judgement } from '../core/judgeApproval.ts';
import type { Decision, Reason } from '../core/reason.ts';
import type { Stored } from '../core/stores.ts';
import type { DecideResult, DecisionCall } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { extendedReason } from './extendGrant.ts';
import { findDecider } from './findDecider.ts';
import { waitingForSweep } from './heartbeat.ts';
import { judgeExtension } from './judgeExtension.ts';

/** What a decision makes of the row, and why if it was approved and is refused all the same; or why it makes nothing of it. */
type Outcome =
  { kind: 'row'; row: AccessRequest; refusal?: Decision } | Exclude<DecideResult, { kind: 'decided' }>;

/**
 * Makes the function by which people decide on the extension of a grant that waits for them. The last yes that is needed
 * moves the end, if what was right when it was asked for is still so; until the grant's own end, and under its ETag.
 * `carryOut` brings records, live rows and Azure up to the row.
 */
export function createDecideExtension(
  dependencies: Dependencies,
  carryOut: (stored: Stored<AccessRequest>, seenAt: Date) => Promise<AccessRequest>,
): (call: DecisionCall) => Promise<DecideResult> {
  const { requests, heartbeat, clock, log } = dependencies;

  return async (call) => {
    const { id, correlationId } = call;
    const now = clock.now();
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const seenAt = clock.now();
      const stored = await requests.get(id);
      if (stored === undefined) return { kind: 'not-found' };
      // A change may have been written although the answer to it was lost.
      if (attempt > 0 && isDecidedBy(stored.row, call, now)) return finish(stored, seenAt);
      const outcome = await decide(stored.row, call, now);
      if (outcome.kind !== 'row') {
        log.info('decision-refused', { requestId: id, correlationId, kind: outcome.kind });
        return outcome;
      }
      const replaced = await requests.replace(outcome.row, stored.etag);
      if (replaced === 'changed') continue;
      const finished = await finish(replaced, seenAt);
      return outcome.refusal === undefined ? finished : { kind: 'denied', decision: outcome.refusal };
    }
    throw new Error(`Request ${id} was changed by others ten times in a row.`);
  };

  async function finish(stored: Stored<AccessRequest>, seenAt: Date): Promise<DecideResult> {
    return { kind: 'decided', request: await carryOut(stored, seenAt) };
  }

  async function decide(row: AccessRequest, call: DecisionCall, now: Date): Promise<Outcome> {
    const { correlationId, comment } = call;
    const { extension } = row;
    if (isSame(row.requester, call.caller.person)) return ownRequest;
    if (extension === undefined || !isRunning(row)) {
      const message = `This request is ${row.state}: there is nothing to decide.`;
      return { kind: 'conflict', code: 'not-pending', message };
    }
    const { approval } = extension;
    const decider = await findDecider(dependencies, call.caller, row, approval, {
      correlationId,
      isFresh: true,
    });
    if ('kind' in decider) return decider;
    const { requester } = row;
    const judgement = judgeApproval({ approval, requester, decider, comment, now: clock.now() });
    if (judgement.kind !== 'counts') return judgement;
    const { objectId, displayName } = call.caller.person;
    const change: Change = {
      ...{ at: now, actor: objectId, actorName: displayName, reasons: [], comment, correlationId },
    };
    if (call.decision === 'approve') return approve({ ...row, extension }, judgement, change);
    const reason: Reason = { code: 'denied-by-approver', message: 'Somebody who may decide has denied it.' };
    return { kind: 'row', row: withoutExtension(row, 'extension-denied', { ...change, reasons: [reason] }) };
  }

  async function approve(
    row: AccessRequest & Required<Pick<AccessRequest, 'extension'>>,
    { approval, isComplete }: Extract<Judgement, { kind: 'counts' }>,
    change: Change,
  ): Promise<Outcome> {
    const { end, justification } = row.extension;
    const approved = {
      ...note(row, 'extension-approved', change),
      extension: { ...row.extension, approval },
    };
    if (!isComplete) return { kind: 'row', row: approved };
    // What is open stays open for longer only if somebody looks after it.
    if (!(await heartbeat.isFresh())) {
      return { kind: 'unavailable', retryAfterSeconds: 30, message: waitingForSweep.message };
    }
    const { correlationId } = row;
    const judged = await judgeExtension(dependencies, {
      ...{ row, end, justification, correlationId },
      isFresh: true,
    });
    if (judged.kind === 'unavailable') return judged;
    const next = { at: clock.now(), actor: 'sallyport' };
    const known = new Set(approval.rules.map((rule) => canonicalJson(rule)));
    const refusal =
      judged.kind === 'denied'
        ? judged.decision
        : judged.approval.some((rule) => !known.has(canonicalJson(rule)))
          ? approvalChanged(row)
          : undefined;
    if (refusal !== undefined) {
      const { reasons } = refusal;
      const denied = withoutExtension(approved, 'extension-denied', { ...next, reasons });
      return { kind: 'row', row: denied, refusal };
    }
    if (next.at >= new Date(row.end)) {
      const message = `The grant ended at ${row.end}: it has to be asked for anew.`;
      return { kind: 'conflict', code: 'approval-expired', message };
    }
    const reasons = [extendedReason(row.end, end)];
    const authorizedAt = judged.kind === 'admitted' ? { authorizedAt: judged.authorizedAt } : {};
    return { kind: 'row', row: { ...extend(approved, end, { ...next, reasons }), ...authorizedAt } };
  }
}

function approvalChanged({ decision: { policies } }: AccessRequest): Decision {
  const message =
    'By now the policies want the approval of other people than when it was asked for: ask anew.';
  return { outcome: 'denied', reasons: [{ code: 'approval-changed', message }], policies };
}

/** Whether this very call has changed the row. */
function isDecidedBy({ journal }: AccessRequest, { caller }: DecisionCall, now: Date): boolean {
  return journal.some(
    ({ event, actor, at }) =>
      (event === 'extension-approved' || event === 'extension-denied') &&
      actor === caller.person.objectId &&
      at === now.toISOString(),
  );
}
