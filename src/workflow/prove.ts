import type { LiveRow } from '../core/accessRequest.ts';
import { describeDifference } from '../core/guard/describeDifference.ts';
import { guard } from '../core/guard/guard.ts';
import { guardRemoval } from '../core/guard/guardRemoval.ts';
import { liveGrants } from '../core/guard/liveGrants.ts';
import type { Installation } from '../core/installation.ts';
import type { Json, JsonObject } from '../core/network.ts';
import { planBody, readInventory } from '../core/nsgBody.ts';
import { parseOwnedName } from '../core/ownedRule.ts';
import type { Plan } from '../core/plan.ts';
import type { Reason } from '../core/reason.ts';

/** Elementary steps: four times what opening 200 grants among 1,000 rules takes, and still a small part of one write. */
const budget = 1_000_000;

export interface Unproven {
  before: JsonObject;
  securityRules: Json[];
  rows: readonly LiveRow[];
  /** The instant that was planned for. */
  now: Date;
  plan: Plan;
  installation: Installation;
}

export type Proof =
  /** May be written; `changes` says who can newly reach what. */
  | { kind: 'proven'; body: JsonObject; changes: string[] }
  /** The plan is not proven; this body takes away what must go, and nothing else. */
  | { kind: 'removal-only'; body: JsonObject; changes: string[]; reason: Reason; violations: string[] }
  /** Nothing may be written. */
  | { kind: 'refused'; reason: Reason; violations: string[] };

/**
 * Lets no write leave that has not been proven, packet by packet, by code that shares nothing with the planner. What is
 * not proven opens nothing; what has ended is still taken away, by a body of which that is easy to prove.
 */
export function prove({ before, securityRules, rows, now, plan, installation }: Unproven): Proof {
  const declined = new Set(plan.refused.map(({ requestId }) => requestId));
  const grants = liveGrants(rows, now, declined);
  const body = planBody(before, securityRules);
  const result = guard({
    before,
    after: body,
    installation: installation.id,
    lastAllowPriority: installation.allowBand.last,
    grants,
    budget,
  });
  if (result.verdict === 'proven') {
    return { kind: 'proven', body, changes: describeDifference(result.difference) };
  }

  const violations =
    result.verdict === 'refused'
      ? result.violations.map(({ kind, message }) => `${kind}: ${message}`)
      : ['The proof would take longer than it may.'];
  const reason: Reason = {
    code: 'write-not-proven',
    message:
      'The write was not sent: it could not be proven that it opens what was granted and nothing else.',
  };
  const removal = planBody(
    before,
    withoutEnded(before, new Set(grants.map(({ requestId }) => requestId)), installation),
  );
  const proof = guardRemoval({ before, after: removal, installation: installation.id, grants });
  return proof.verdict === 'proven' && proof.removed.length > 0
    ? { kind: 'removal-only', body: removal, changes: proof.removed, reason, violations }
    : { kind: 'refused', reason, violations };
}

/** The rules as they are, without those of ours that belong to no live grant. */
function withoutEnded(before: JsonObject, live: ReadonlySet<string>, installation: Installation): Json[] {
  const { rules, owned } = readInventory(before, installation.id);
  const ended = new Set(
    owned
      .filter(({ head }) => !live.has(parseOwnedName(head.name, installation.id)?.requestId ?? ''))
      .map(({ raw }) => raw),
  );
  return rules.filter((rule) => !ended.has(rule));
}
