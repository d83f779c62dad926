import type { BaselineRow } from './baseline.ts';
import { baselineRules, nameOfMachine } from './baselineRule.ts';
import { contentHash } from './canonicalJson.ts';
import type { Drift } from './driftFinding.ts';
import { covers, extentOf } from './extent.ts';
import type { Installation } from './installation.ts';
import type { JsonObject } from './network.ts';
import { readRules } from './nsgBody.ts';
import { rawRule } from './ownedRule.ts';
import { canonicalId } from './resourceId.ts';
import { readMeaning, sameMeaning } from './securityRule.ts';

export interface BaselineDriftInput {
  /** The whole NSG as it was read. */
  body: JsonObject;
  /** Its baseline rows, read after it. */
  baselines: readonly BaselineRow[];
  /** Its baseline rows as they were before the NSG was read; absent where that is not known. */
  earlier?: readonly BaselineRow[];
  installation: Installation;
}

/**
 * Tells what others have done to rules of baselines that were read back as they are desired now: one that is gone, refuses
 * less or stands where it comes too late was removed; one that refuses more was changed. Both are put right by the plan.
 * Where the desired form has changed since, or somebody's write is under way, nothing is told. Pure.
 */
export function decideBaselineDrift({ body, baselines, earlier, installation }: BaselineDriftInput): Drift[] {
  const { owned, provisioningState } = readRules(body, installation.id);
  if (provisioningState !== 'Succeeded') return [];
  const byName = new Map(owned.map((rule) => [rule.head.name.toLowerCase(), rule]));
  const earlierOf = earlier && new Map(earlier.map((row) => [canonicalId(row.virtualMachineId), row]));
  return baselines
    .filter(({ state, seen }) => state === 'standing' && seen !== undefined)
    .flatMap((row) =>
      baselineRules(row, installation.id).flatMap((rule, index): Drift[] => {
        const desired = readMeaning(rawRule(rule, 0));
        const hash = contentHash(desired);
        if (row.seen?.[index + 1] !== hash) return [];
        const current = byName.get(rule.name);
        const meaning = current && readMeaning(current.raw);
        const { first, last } = installation.baselineBand;
        const isInBand =
          current !== undefined && current.head.priority >= first && current.head.priority <= last;
        if (meaning !== undefined && isInBand && sameMeaning(meaning, desired)) return [];
        const refusesAll =
          meaning?.access === 'deny' && isInBand && covers(extentOf(meaning), extentOf(desired));
        const known = earlierOf?.get(canonicalId(row.virtualMachineId));
        const event = refusesAll ? 'rule-tampered' : 'baseline-removed';
        const form =
          meaning === undefined ? 'absent' : `${contentHash(meaning)} ${isInBand ? 'in' : 'out of'} its band`;
        return [
          {
            event,
            rule: rule.name,
            virtualMachineId: row.virtualMachineId,
            key: `${event} ${rule.name} ${form}`,
            reasons: [{ code: 'change-reverted', message: sentence(row, refusesAll, meaning !== undefined) }],
            sure: known?.state === 'standing' && known.seen?.[index + 1] === hash,
          },
        ];
      }),
    );
}

function sentence({ virtualMachineId }: BaselineRow, refusesAll: boolean, isThere: boolean): string {
  const of = `this rule of the baseline of ${nameOfMachine(virtualMachineId)}`;
  if (refusesAll) return `Somebody changed ${of} so that it refuses more. It was put right.`;
  return isThere
    ? `Somebody changed ${of} so that it kept less shut. It was put back.`
    : `Somebody deleted ${of}: what it kept shut was open to whoever other rules let in. It was put back.`;
}
