import type { AccessRequest } from '../core/accessRequest.ts';
import type { ApprovalRule } from '../core/approval.ts';
import { askAgain } from '../core/askAgain.ts';
import { canonicalJson } from '../core/canonicalJson.ts';
import { judgeRequest, type Judged } from './judgeRequest.ts';

/**
 * Judges a request again by what holds now: long may have passed since it was asked for. What it opens is what people saw
 * and approved, nothing else; where the policies want other people by now, or more of them, it has to be asked for anew.
 */
export async function judgeAgain(
  dependencies: Parameters<typeof judgeRequest>[0],
  row: AccessRequest,
  start: Date,
): Promise<Judged> {
  const judged = await judgeRequest(dependencies, {
    id: row.id,
    requester: row.requester,
    virtualMachines: askAgain(row),
    durationSeconds: (Date.parse(row.end) - Date.parse(row.start)) / 1000,
    justification: row.justification,
    correlationId: row.correlationId,
    start,
    granted: row.virtualMachines,
    isFresh: true,
  });
  if (judged.kind === 'unavailable') return judged;
  if (judged.kind === 'denied') {
    // The fields are those of a request that was taken apart; the sentences name what they speak of.
    const reasons = judged.decision.reasons.map(({ code, message }) => ({ code, message }));
    return { kind: 'denied', decision: { ...judged.decision, reasons } };
  }
  if (row.breakGlass !== undefined || areAmong(judged.approval, row.approval?.rules ?? [])) return judged;
  const message =
    'By now the policies want the approval of other people than when it was asked for: ask anew.';
  const decision = { ...judged.fields.decision, outcome: 'denied' as const };
  return { kind: 'denied', decision: { ...decision, reasons: [{ code: 'approval-changed', message }] } };
}

function areAmong(wanted: readonly ApprovalRule[], met: readonly ApprovalRule[]): boolean {
  const known = new Set(met.map((rule) => canonicalJson(rule)));
  return wanted.every((rule) => known.has(canonicalJson(rule)));
}
