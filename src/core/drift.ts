import { finalStates, isDesired } from './accessRequest.ts';
import type { AcceptedRules, LiveRow } from './accessRequest.ts';
import { clocksApart } from './acrossClocks.ts';
import type { BaselineRow } from './baseline.ts';
import { parseBaselineName, shortKey } from './baselineRule.ts';
import type { Band } from './band.ts';
import { contentHash } from './canonicalJson.ts';
import { findingOf, type Drift, type OwnedEvent } from './driftFinding.ts';
import { covers, extentOf } from './extent.ts';
import type { JsonObject } from './network.ts';
import { isBaseline, readRules } from './nsgBody.ts';
import type { PlacedRule } from './nsgBody.ts';
import { ownedName, ownedRules, parseOwnedName, rawRule } from './ownedRule.ts';
import type { UnplacedRule } from './ownedRule.ts';
import { readMeaning, sameMeaning } from './securityRule.ts';
import type { RuleMeaning } from './securityRule.ts';

export interface DriftInput {
  /** The whole NSG as it was read. */
  body: JsonObject;
  /** Its live rows, read after it. */
  rows: readonly LiveRow[];
  /** Its live rows as they were before the NSG was read; absent where that is not known. */
  earlier?: readonly LiveRow[];
  now: Date;
  /** Installation id. */
  installation: string;
  /** What stands behind it and denies is a baseline: not a grant's, and no drift of one. */
  allowBand?: Band;
  /** Rows of its baselines: what has their names is judged by `decideBaselineDrift`. */
  baselines?: readonly BaselineRow[];
}

export interface DriftDecision {
  found: Drift[];
  /** Something is accepted that nobody may be blamed for yet: nothing is to be concluded from it before another look. */
  unsure: boolean;
  /** The rows with every change accepted that is to be accepted: what is to be planned with. */
  rows: LiveRow[];
}

/** Characters of JSON; what is spelled out longer is no form that anybody reads. */
const longestForm = 8000;

/**
 * Tells from an NSG and its live rows what others have done to the rules that carry our name.
 *
 * What was seen open and is now absent, or admits less, is accepted. What admits more than the grant, or has a name that
 * we did not give, is never ours, and the planner puts it right. What says exactly what was granted is never told of: a
 * write of ours that was planned from older rows says the same. Pure; throws on a malformed desired row or body.
 */
export function decideDrift(input: DriftInput): DriftDecision {
  const { body, rows, earlier, now, installation, allowBand, baselines = [] } = input;
  const shut = new Set(baselines.map(({ virtualMachineId }) => shortKey(virtualMachineId)));
  const nsgRules = readRules(body, installation);
  const isSettled = nsgRules.provisioningState === 'Succeeded';
  const rowOf = new Map(rows.map((row) => [row.requestId, row]));
  const earlierOf = earlier && new Map(earlier.map((row) => [row.requestId, row]));
  const found: Drift[] = [];
  const accepted = new Map<string, AcceptedRules>();
  let unsure = false;

  for (const placed of nsgRules.owned) {
    const isBase =
      shut.has(parseBaselineName(placed.head.name, installation)?.key ?? '') ||
      (allowBand !== undefined && isBaseline(placed, { id: installation, allowBand }));
    if (!isBase) judgeRule(placed);
  }
  for (const row of rows) if (isDesired(row, now)) findDeleted(row);
  return {
    found,
    unsure,
    rows: rows.map((row) => {
      const changes = accepted.get(row.requestId);
      return changes === undefined ? row : { ...row, accepted: { ...row.accepted, ...changes } };
    }),
  };

  function judgeRule(placed: PlacedRule): void {
    const { head } = placed;
    const name = parseOwnedName(head.name, installation);
    const meaning = readMeaning(placed.raw);
    const tell = (event: OwnedEvent, sure: boolean) =>
      found.push({ ...findingOf(event, head.name, name?.requestId, meaning), sure });
    if (name === undefined) return void tell('rule-tampered', earlier !== undefined);
    const { requestId, number } = name;
    const row = rowOf.get(requestId);
    const mayAdmit = head.access !== 'deny';
    if (row === undefined) {
      if (mayAdmit) tell('leftover-closed', earlierOf !== undefined && !earlierOf.has(requestId));
      return;
    }
    if (finalStates.has(row.state)) {
      if (mayAdmit) tell('late-open-reverted', finalStates.has(earlierOf?.get(requestId)?.state ?? 'active'));
      return;
    }
    const box = row.boxes[number - 1];
    if (box === undefined) {
      // A row that could not be read has no boxes; it says nothing of its rules.
      if (row.boxes.length > 0) tell('rule-tampered', earlier !== undefined);
      return;
    }
    const granted = meaningOf({ name: head.name, description: '', box });
    if (mayAdmit && !admitsWithin(granted, meaning)) return void tell('rule-widened', earlier !== undefined);
    if (isDesired(row, now) && !sameMeaning(granted, meaning)) judgeLess(placed, row, number, meaning);
  }

  /** A rule that lies within its grant and does not say what was granted. */
  function judgeLess(placed: PlacedRule, row: LiveRow, number: number, meaning: RuleMeaning): void {
    const { requestId } = row;
    const before = desiredMeaning(row, number);
    if (before !== undefined && sameMeaning(before, meaning)) return;
    const admitsNothing = placed.head.access === 'deny';
    if (before === undefined || !(admitsNothing || admitsWithin(before, meaning))) {
      if (!admitsNothing && wasSeen(earlierOf?.get(requestId) ?? row, number, before)) {
        found.push({
          ...findingOf('rule-widened', placed.head.name, requestId, meaning),
          sure: earlier !== undefined,
        });
      }
      return;
    }
    accept(row, number, before, 'rule-narrowed', placed.head.name, formOf(placed, meaning));
  }

  function findDeleted(row: LiveRow): void {
    const present = new Set(
      (nsgRules.byRequest.get(row.requestId) ?? []).map(
        ({ head }) => parseOwnedName(head.name, installation)?.number,
      ),
    );
    // A worker whose clock lags behind may have taken away what another had opened a moment too early.
    const isNew = row.state === 'opening' && now.getTime() < Date.parse(row.start) + clocksApart;
    for (const [index] of row.boxes.entries()) {
      const number = index + 1;
      if (present.has(number) || isNew) continue;
      const before = desiredMeaning(row, number);
      if (before === undefined) continue;
      const rule = ownedName(installation, row.requestId, number);
      accept(row, number, before, 'rule-deleted', rule, 'absent');
    }
  }

  /** What was not seen open is not accepted but written again: the write may have failed. */
  function accept(
    row: LiveRow,
    number: number,
    before: RuleMeaning,
    event: 'rule-deleted' | 'rule-narrowed',
    rule: string,
    form: AcceptedRules[string],
  ): void {
    if (!wasSeen(row, number, before)) return;
    const { requestId } = row;
    accepted.set(requestId, { ...accepted.get(requestId), [number]: form });
    const known = earlierOf?.get(requestId);
    const sure = known !== undefined && wasSeen(known, number, before);
    unsure ||= !sure;
    // Not written again, and nobody is blamed: a worker whose clock is ahead may have ended it, and what an operation
    // that is under way leaves is not known.
    const isEnding = now.getTime() >= Date.parse(row.end) - clocksApart;
    if (!isSettled || (event === 'rule-deleted' && isEnding)) return;
    found.push({
      ...findingOf(event, rule, requestId, form === 'absent' ? undefined : readMeaning({ properties: form })),
      accepted: { number, form },
      sure,
    });
  }

  function desiredMeaning(row: LiveRow, number: number): RuleMeaning | undefined {
    const name = ownedName(installation, row.requestId, number);
    const rule = ownedRules(row, installation).find((one) => one.name === name);
    return rule && meaningOf(rule);
  }
}

/** Whether this very form of the rule was read back as open. */
function wasSeen({ seen }: LiveRow, number: number, meaning: RuleMeaning | undefined): boolean {
  if (seen?.state !== 'open') return false;
  const hash = seen.rules[number];
  return meaning === undefined ? hash === undefined : hash === contentHash(meaning);
}

function meaningOf(rule: UnplacedRule): RuleMeaning {
  return readMeaning(rawRule(rule, 0));
}

/** Whether a rule admits something, and nothing beyond the other one. */
function admitsWithin(outer: RuleMeaning, inner: RuleMeaning): boolean {
  return inner.access === 'allow' && covers(extentOf(outer), extentOf(inner));
}

/**
 * What is kept of a narrowed rule: nothing of one that was turned into a deny, which left there would shut other grants,
 * nor of one that is too long to be kept.
 */
function formOf({ raw }: PlacedRule, meaning: RuleMeaning): AcceptedRules[string] {
  if (meaning.access !== 'allow') return 'absent';
  const { properties } = raw as { properties: JsonObject };
  const form = Object.fromEntries(
    Object.entries(properties).filter(
      ([name]) => !['provisioningState', 'priority', 'description'].includes(name),
    ),
  );
  return JSON.stringify(form).length > longestForm ? 'absent' : form;
}
