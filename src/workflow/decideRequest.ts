import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { startOf } from '../core/chosenStart.ts';
import { enterState, note, type Change } from '../core/journal.ts';
import type { Decision } from '../core/reason.ts';
import type { Counted, Matter, Outcome } from './decide.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { judgeAgain } from './judgeAgain.ts';
import type { JudgedRequest } from './judgeRequest.ts';
import { settle } from './settle.ts';

/**
 * Requests that wait for people. The last yes that is needed opens one, or schedules it, if what was right when it was asked
 * for is still so. `ring` is called after the row, where the decision leaves something to do.
 */
export function createRequestMatter(
  dependencies: Dependencies,
  ring: (row: AccessRequest) => Promise<void>,
): Matter {
  const { clock, log } = dependencies;

  return {
    waiting(row) {
      const { state, approval } = row;
      if (state !== 'pending' || approval === undefined) return undefined;
      return {
        approval,
        approve: (counted, change) => approve(row, counted, change),
        deny: (change) => enterState(row, 'denied', change, reasonOf(change)),
      };
    },

    async carryOut({ row }, seenAt) {
      let request = row;
      try {
        ({ request } = await settle(dependencies, row, seenAt));
      } catch (error) {
        const { id: requestId, correlationId } = row;
        log.error('decision-left-to-step', { requestId, correlationId, cause: causeOf(error) });
      }
      // One yes of several leaves nothing to do.
      if (row.state !== 'pending') await ring(row);
      return request;
    },
  };

  /** The last yes is followed by the next state: what was right when it was asked for is judged again. */
  async function approve(row: AccessRequest, counted: Counted, change: Change): Promise<Outcome> {
    const approved = note(row, 'approved', change, { approval: counted.approval });
    if (!counted.isComplete) return { kind: 'row', row: approved };
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
function refuse(approved: AccessRequest, decision: Decision, by: Omit<Change, 'reasons'>): Outcome {
  const change = { ...by, reasons: decision.reasons };
  return { kind: 'row', row: enterState(approved, 'denied', change, { decision, ...reasonOf(change) }) };
}

function reasonOf({ reasons: [reason] }: Change): Pick<AccessRequest, 'reason'> {
  return reason === undefined ? {} : { reason };
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
