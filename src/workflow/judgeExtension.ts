import type { AccessRequest } from '../core/accessRequest.ts';
import type { ApprovalRule } from '../core/approval.ts';
import { askAgain } from '../core/askAgain.ts';
import { formatDuration, parseDuration } from '../core/duration.ts';
import type { Decision, Reason } from '../core/reason.ts';
import { authorizeRequester } from './authorize.ts';
import { decideSubmission } from './decideSubmission.ts';
import type { Dependencies } from './dependencies.ts';
import type { Unavailable } from './preflight.ts';

/** A later end that somebody wants for a grant. */
export interface WantedEnd {
  row: AccessRequest;
  /** ISO 8601. */
  end: string;
  justification: string;
  correlationId: string;
  /** Azure is asked for rights now, whatever it said a moment ago. */
  isFresh: boolean;
}

export type JudgedExtension =
  | { kind: 'admitted'; approval: ApprovalRule[]; authorizedAt: string }
  | { kind: 'denied'; decision: Decision }
  | Unavailable;

/**
 * Judges a later end as if the whole grant, from its start to that end, were asked for now: the requester's right, and
 * what the policies say by now of ports, sources, time and justification. The path is not looked at: what is open there
 * is reconciled anyway.
 */
export async function judgeExtension(
  dependencies: Pick<Dependencies, 'authorization' | 'policies' | 'network' | 'budget' | 'clock' | 'log'>,
  { row, end, justification, correlationId, isFresh }: WantedEnd,
): Promise<JudgedExtension> {
  const now = dependencies.clock.now();
  const asking = {
    requester: row.requester,
    virtualMachines: askAgain(row),
    durationSeconds: (Date.parse(end) - Date.parse(row.start)) / 1000,
    justification,
    correlationId,
  };
  const forbidding = await authorizeRequester(dependencies, asking, { correlationId, isFresh });
  if ('kind' in forbidding) return forbidding;
  if (forbidding.length > 0) {
    return denied({ outcome: 'denied', reasons: forbidding, policies: [] });
  }
  const decided = await decideSubmission(dependencies, asking, now);
  if ('kind' in decided) return decided;
  const { decision, approval } = decided.deciding;
  if (decision.outcome !== 'denied') {
    return { kind: 'admitted', approval, authorizedAt: now.toISOString() };
  }
  const reasons = decision.reasons.map((reason) => tellWhatIsLeft(reason, row));
  return denied({ ...decision, reasons });
}

/** The fields are those of a request that was taken apart; of the body only duration and justification are there. */
function tellWhatIsLeft({ code, message, field, allowed }: Reason, row: AccessRequest): Reason {
  if (code !== 'duration-exceeds-policy') {
    return { code, message, ...(field === 'justification' ? { field, allowed } : {}) };
  }
  const maximum = parseDuration(typeof allowed === 'string' ? allowed : '');
  const lasts = (Date.parse(row.end) - Date.parse(row.start)) / 1000;
  const left = Math.floor((maximum.ok ? maximum.seconds : 0) - lasts);
  return left > 0
    ? {
        code,
        message: `From its start on the policy lets this grant last ${String(allowed)}: it can be extended by ${formatDuration(left)} at most.`,
        field: 'duration',
        allowed: formatDuration(left),
      }
    : {
        code,
        message: `This grant lasts as long as the policy allows, ${String(allowed)}: let it end and ask anew.`,
        field: 'duration',
      };
}

function denied(decision: Decision): JudgedExtension {
  return { kind: 'denied', decision: { ...decision, outcome: 'denied' } };
}
