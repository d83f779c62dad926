import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { startOf } from '../core/chosenStart.ts';
import { enterState, note, type Change } from '../core/journal.ts';
import { isSame, judgeApproval, ownRequest, type Judgement } from '../core/judgeApproval.ts';
import type { Decision, Reason } from '../core/reason.ts';
import type { Stored } from '../core/stores.ts';
import type { DecideResult, DecisionCall } from './contracts.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { findDecider } from './findDecider.ts';
import { judgeAgain } from './judgeAgain.ts';
import type { JudgedRequest } from './judgeRequest.ts';
import { settle } from './settle.ts';

type Counted = Extract<Judgement, { kind: 'counts' }>;
/** What a decision makes of the row, or why it makes nothing of it. */
type Outcome = { kind: 'row'; row: AccessRequest } | Exclude<DecideResult, { kind: 'decided' }>;

/**
 * Makes the function by which people decide on requests that wait for them. What somebody decided counts from the moment
 * at which the row says so, under its ETag: of two that decide at once the second is judged by what the first has left.
 * `ring` is called after that, where the decision leaves something to do.
 */
export function createDecideRequest(
  dependencies: Dependencies,
  ring: (row: AccessRequest) => Promise<void>,
): (call: DecisionCall) => Promise<DecideResult> {
  const { requests, clock, log } = dependencies;

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
      if (replaced !== 'changed') return finish(replaced, seenAt);
    }
    throw new Error(`Request ${id} was changed by others ten times in a row.`);
  };

  /** What comes after the row: records, live rows if it is opened, and the ring. The sweep makes up for what fails here. */
  async function finish({ row }: Stored<AccessRequest>, seenAt: Date): Promise<DecideResult> {
    let request = row;
    try {
      ({ request } = await settle(dependencies, row, seenAt));
    } catch (error) {
      log.error('decision-left-to-step', {
        requestId: row.id,
        correlationId: row.correlationId,
        cause: causeOf(error),
      });
    }
    // One yes of several leaves nothing to do.
    if (row.state !== 'pending') await ring(row);
    // Approved, and refused all the same.
    const isRefused = row.state === 'denied' && row.decision.outcome === 'denied';
    return isRefused ? { kind: 'denied', decision: row.decision } : { kind: 'decided', request };
  }

  async function decide(row: AccessRequest, call: DecisionCall, now: Date): Promise<Outcome> {
    const { correlationId, comment } = call;
    if (isSame(row.requester, call.caller.person)) return ownRequest;
    if (row.state !== 'pending' || row.approval === undefined) {
      const message = `This request is ${row.state}: there is nothing to decide.`;
      return { kind: 'conflict', code: 'not-pending', message };
    }
    const decider = await findDecider(dependencies, call.caller, row, row.approval, {
      correlationId,
      isFresh: true,
    });
    if ('kind' in decider) return decider;
    const judgement = judgeApproval({
      approval: row.approval,
      requester: row.requester,
      decider,
      comment,
      now,
    });
    if (judgement.kind !== 'counts') return judgement;
    const { objectId, displayName } = call.caller.person;
    const change: Change = {
      ...{ at: now, actor: objectId, actorName: displayName, reasons: [], comment, correlationId },
    };
    return call.decision === 'deny' ? deny(row, change) : approve(row, judgement, change);
  }

  function deny(row: AccessRequest, change: Change): Outcome {
    const reason: Reason = { code: 'denied-by-approver', message: 'Somebody who may decide has denied it.' };
    return { kind: 'row', row: enterState(row, 'denied', { ...change, reasons: [reason] }, { reason }) };
  }

  /** The last yes is followed by the next state: what was right when it was asked for is judged again. */
  async function approve(row: AccessRequest, judgement: Counted, change: Change): Promise<Outcome> {
    const approved = note(row, 'approved', change, { approval: judgement.approval });
    if (!judgement.isComplete) return { kind: 'row', row: approved };
    const judged = await judgeAgain(dependencies, approved, startOf(row, clock.now()));
    if (judged.kind === 'unavailable') return judged;
    const next = { at: clock.now(), actor: 'sallyport' };
    if (judged.kind === 'denied') return refuse(approved, judged.decision, next);
    if (row.chosenEnd !== undefined && next.at >= new Date(row.chosenEnd)) {
      const message = `It was asked for until ${row.chosenEnd}, which has passed: ask anew.`;
      const { policies } = row.decision;
      return refuse(approved, { outcome: 'denied', reasons: [{ code: 'ended', message }], policies }, next);
    }
    const { reasons } = judged.fields.decision;
    return { kind: 'row', row: begin(approved, judged, { ...next, reasons }) };
  }
}

/** Approved, and refused all the same. */
function refuse(approved: AccessRequest, decision: Decision, change: Omit<Change, 'reasons'>): Outcome {
  const { reasons } = decision;
  const [reason] = reasons;
  const fields = { decision, ...(reason === undefined ? {} : { reason }) };
  return { kind: 'row', row: enterState(approved, 'denied', { ...change, reasons }, fields) };
}

/** The request on its way: wanted from now on, or from its start. Its end is fixed here, before anything is written. */
function begin(row: AccessRequest, judged: JudgedRequest, change: Change): AccessRequest {
  const start = startOf(row, change.at);
  const seconds = (Date.parse(row.end) - Date.parse(row.start)) / 1000;
  const isLater = start > change.at;
  return enterState(row, isLater ? 'scheduled' : 'opening', change, {
    ...judged.fields,
    start: start.toISOString(),
    end: row.chosenEnd ?? secondsAfter(start, seconds).toISOString(),
    nextDue: start.toISOString(),
  });
}

/** Whether this very call has changed the row. */
function isDecidedBy({ journal }: AccessRequest, { caller }: DecisionCall, now: Date): boolean {
  return journal.some(
    ({ event, actor, at }) =>
      (event === 'approved' || event === 'denied') &&
      actor === caller.person.objectId &&
      at === now.toISOString(),
  );
}
