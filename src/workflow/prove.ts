import type { LiveRow } from '../core/accessRequest.ts';
import type { BaselineRow } from '../core/baseline.ts';
import { withFlushValue, type FlushChange } from '../core/flushConnection.ts';
import { describeDifference } from '../core/guard/describeDifference.ts';
import type { GrantedBox, LiveGrant } from '../core/guard/grant.ts';
import { guard, type GuardInput, type GuardResult } from '../core/guard/guard.ts';
import { guardRemoval } from '../core/guard/guardRemoval.ts';
import { liveGrants } from '../core/guard/liveGrants.ts';
import { standingBaselines } from '../core/guard/standingBaselines.ts';
import type { Violation } from '../core/guard/violation.ts';
import type { Installation } from '../core/installation.ts';
import type { Json, JsonObject } from '../core/network.ts';
import { planBody, readRules, type PlacedRule } from '../core/nsgBody.ts';
import { parseOwnedName } from '../core/ownedRule.ts';
import type { Plan } from '../core/plan.ts';
import type { Reason } from '../core/reason.ts';

/** Elementary steps: four times what opening 200 grants among 1,000 rules takes, and still a small part of one write. */
const budget = 1_000_000;

export interface Unproven {
  before: JsonObject;
  securityRules: Json[];
  rows: readonly LiveRow[];
  baselines?: readonly BaselineRow[];
  /** The instant that was planned for. */
  now: Date;
  plan: Plan;
  installation: Installation;
  /** What the write does about `flushConnection`, where it does anything. */
  flush?: FlushChange | undefined;
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
export function prove(unproven: Unproven): Proof {
  const { before, securityRules, rows, baselines = [], now, plan, installation, flush } = unproven;
  const declined = new Set(plan.refused.map(({ requestId }) => requestId));
  const grants = liveGrants(rows, now, declined);
  const { standing, keys } = standingBaselines(baselines);
  const recorded = recordedFlush(flush, rows, grants);
  const body = bodyOf(before, securityRules, flush);
  const result = guard({
    before,
    after: body,
    installation: installation.id,
    lastAllowPriority: installation.allowBand.last,
    grants,
    baselines: standing,
    decided: keys,
    ...recorded,
    budget,
  });
  if (result.verdict === 'proven') {
    return { kind: 'proven', body, changes: describeDifference(result.difference) };
  }

  const violations = violationsOf(result);
  const reason: Reason = {
    code: 'write-not-proven',
    message:
      'The write was not sent: it could not be proven that it opens what was granted and nothing else.',
  };
  const kept = withoutExcess({ before, securityRules, rows, now, installation, grants });
  // What has ended is closed also where it is the change of `flushConnection` that is not proven.
  for (const change of flush === undefined ? [undefined] : [flush, undefined]) {
    const removal = bodyOf(before, kept, change);
    const proof = guardRemoval({
      before,
      after: removal,
      installation: installation.id,
      grants,
      ...recorded,
    });
    if (proof.verdict === 'proven' && proof.removed.length > 0) {
      return { kind: 'removal-only', body: removal, changes: proof.removed, reason, violations };
    }
  }
  return { kind: 'refused', reason, violations };
}

function bodyOf(before: JsonObject, securityRules: Json[], flush: FlushChange | undefined): JsonObject {
  const body = planBody(before, securityRules);
  return flush === undefined ? body : withFlushValue(body, flush.to);
}

/** What the guard may believe of `flushConnection`: the record, and whose end may switch it on by the guard's own reading. */
function recordedFlush(
  flush: FlushChange | undefined,
  rows: readonly LiveRow[],
  grants: readonly LiveGrant[],
): Pick<GuardInput, 'flush'> {
  if (flush === undefined) return {};
  const live = new Set(grants.map(({ requestId }) => requestId));
  const ended = rows.filter((row) => row.flushConnection === true && !live.has(row.requestId));
  const endedWithFlush = new Set(ended.map(({ requestId }) => requestId));
  return { flush: { former: flush.former, endedWithFlush } };
}

/** What is to be done to one owned allow rule whose grant has ended, beside everything else that stands. */
export type UnprovenClose = Pick<Unproven, 'before' | 'rows' | 'now' | 'installation'> & { rule: PlacedRule };

/**
 * Lets one rule be deleted only if that is proven to take nothing from a live grant and nothing of somebody else's.
 * Returns what speaks against it, as sentences; nothing if it may be sent.
 */
export function proveRuleDelete({ before, rows, now, installation, rule }: UnprovenClose): string[] {
  const after = planBody(before, readRules(before, installation.id).rules.toSpliced(rule.index, 1));
  const result = guardRemoval({
    before,
    after,
    installation: installation.id,
    grants: liveGrants(rows, now),
  });
  return result.verdict === 'proven' ? [] : sentencesOf(result.violations);
}

/**
 * Lets one rule be turned into another only if deleting it is proven, and if the other one, alone beside the foreign
 * rules, is proven to refuse nothing but what `nobody` sends. Returns what speaks against it, as sentences.
 *
 * That is enough: a packet that the new rule does not match is decided as if the old one had been deleted, and one that
 * it matches is within `nobody`, which the guard is told as a baseline. The other owned rules, of which some may have
 * ended too and wait for their turn, change neither.
 */
export function proveRuleDeny(close: UnprovenClose, deny: JsonObject, nobody: GrantedBox): string[] {
  const { before, installation } = close;
  const foreign = readRules(before, installation.id).foreign.map(({ raw }) => raw);
  const result = guard({
    before: planBody(before, foreign),
    after: planBody(before, [...foreign, deny]),
    installation: installation.id,
    lastAllowPriority: installation.allowBand.last,
    grants: [],
    baselines: [nobody],
    budget,
  });
  const problems = proveRuleDelete(close);
  return result.verdict === 'proven' ? problems : [...problems, ...violationsOf(result)];
}

function violationsOf(result: Exclude<GuardResult, { verdict: 'proven' }>): string[] {
  return result.verdict === 'refused'
    ? sentencesOf(result.violations)
    : ['The proof would take longer than it may.'];
}

function sentencesOf(violations: readonly Violation[]): string[] {
  return violations.map(({ kind, message }) => `${kind}: ${message}`);
}

/** Rules of live grants that are looked at one by one for a removal; what is left goes with the next write. */
const mostSuspects = 50;

/**
 * The rules as they are, without the allows of ours that belong to no live grant, and without those that the plan does
 * not keep as they are and that admit more than their grant.
 */
function withoutExcess({
  before,
  securityRules,
  grants,
  ...read
}: Omit<Unproven, 'plan'> & { grants: readonly LiveGrant[] }): Json[] {
  const { rules, owned } = readRules(before, read.installation.id);
  const live = new Set(grants.map(({ requestId }) => requestId));
  const isLive = ({ head }: PlacedRule) =>
    live.has(parseOwnedName(head.name, read.installation.id)?.requestId ?? '');
  // A deny that a close left behind opens nothing, and removing one is not what the short proof can judge.
  const allows = owned.filter(({ head }) => head.access === 'allow');
  const kept = new Set(securityRules);
  const suspects = allows.filter((rule) => isLive(rule) && !kept.has(rule.raw)).slice(0, mostSuspects);
  const gone = new Set(
    [
      ...allows.filter((rule) => !isLive(rule)),
      ...suspects.filter((rule) => proveRuleDelete({ before, ...read, rule }).length === 0),
    ].map(({ raw }) => raw),
  );
  return rules.filter((rule) => !gone.has(rule));
}
