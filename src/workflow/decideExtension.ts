import { isRunning, type AccessRequest, type Extension } from '../core/accessRequest.ts';
import { canonicalJson } from '../core/canonicalJson.ts';
import { extend } from '../core/extension.ts';
import { note, withoutExtension, type Change } from '../core/journal.ts';
import type { Reason } from '../core/reason.ts';
import type { Counted, Matter, Outcome } from './decide.ts';
import type { Dependencies } from './dependencies.ts';
import { extendedReason } from './extendGrant.ts';
import { waitingForSweep } from './heartbeat.ts';
import { judgeExtension } from './judgeExtension.ts';

/**
 * Extensions of grants that wait for people. The last yes that is needed moves the end, if what was right when it was asked
 * for is still so; until the grant's own end.
 */
export function createExtensionMatter(dependencies: Dependencies, carryOut: Matter['carryOut']): Matter {
  const { heartbeat, clock } = dependencies;

  return {
    waiting(row) {
      const { extension } = row;
      if (extension === undefined || !isRunning(row)) return undefined;
      return {
        approval: extension.approval,
        approve: (counted, change) => approve(row, extension, counted, change),
        deny: (change) => withoutExtension(row, 'extension-denied', change),
      };
    },
    carryOut,
  };

  async function approve(
    row: AccessRequest,
    extension: Extension,
    { approval, isComplete }: Counted,
    change: Change,
  ): Promise<Outcome> {
    const { end, justification } = extension;
    const approved = { ...note(row, 'extension-approved', change), extension: { ...extension, approval } };
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
    const refuse = (reasons: Reason[]): Outcome => ({
      kind: 'row',
      row: withoutExtension(approved, 'extension-denied', { ...next, reasons }),
    });
    if (judged.kind === 'denied') return refuse(judged.decision.reasons);
    const known = new Set(approval.rules.map((rule) => canonicalJson(rule)));
    if (judged.approval.some((rule) => !known.has(canonicalJson(rule)))) return refuse([approvalChanged]);
    if (next.at >= new Date(row.end)) {
      const message = `The grant ended at ${row.end}: it has to be asked for anew.`;
      return { kind: 'conflict', code: 'approval-expired', message };
    }
    const { authorizedAt } = judged;
    const reasons = [extendedReason(row.end, end)];
    return { kind: 'row', row: { ...extend(approved, end, { ...next, reasons }), authorizedAt } };
  }
}

const approvalChanged: Reason = {
  code: 'approval-changed',
  message: 'By now the policies want the approval of other people than when it was asked for: ask anew.',
};
