import { readGrant } from './grant.ts';
import type { Claim, LiveGrant } from './grant.ts';
import { foreignChanges } from './integrity.ts';
import type { JsonObject } from './json.ts';
import type { RecordedFlush } from './recordedFlush.ts';
import { createOpaqueSets } from './opaqueSets.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import { regionOf, without } from './region.ts';
import { mergeRules, readBody, requestOf } from './rule.ts';
import type { Rule } from './rule.ts';
import { countSteps } from './steps.ts';
import { cellsIn, spaces } from './traffic.ts';
import type { Violation } from './violation.ts';

export interface RemovalInput {
  before: JsonObject;
  after: JsonObject;
  installation: string;
  /** The grants that are live now; none where rows cannot be read or are lost. */
  grants: readonly LiveGrant[];
  /** As for `guard`. */
  flush?: RecordedFlush;
}

export type RemovalResult =
  | { verdict: 'proven'; /** Names of rules. */ removed: string[] }
  | { verdict: 'refused'; violations: Violation[] };

/**
 * Whether a write does nothing but remove owned allow rules that a live grant does not need as they are. For closes that
 * `guard` could not judge within its budget; this is linear in the rules and has none. Without an allow rule a
 * packet meets a later rule or none, so it is never newly admitted. Leftovers may stay: they go with the next write.
 * Throws as `guard` does.
 */
export function guardRemoval({ before, after, installation, grants, flush }: RemovalInput): RemovalResult {
  const sets = createOpaqueSets();
  const [old, next] = [readBody(before), readBody(after)];
  const live = new Map(grants.map((grant) => [grant.requestId, readGrant(grant, sets)]));
  const violations = foreignChanges(old, next, installation, flush);
  const removed: string[] = [];
  const refuse = (kind: Violation['kind'], message: string, rule: string) =>
    violations.push({ kind, message, rule });
  for (const rule of mergeRules(old, next, installation, sets)) {
    if (rule.owner !== 'installation' || (rule.inBefore && rule.inAfter)) continue;
    if (rule.inAfter) {
      refuse('not-a-removal', `The rule ${rule.name} would be added or changed, not removed.`, rule.name);
      continue;
    }
    if (rule.access !== 'allow') {
      refuse('not-a-removal', `The rule ${rule.name}, which is no allow, would be removed.`, rule.name);
      continue;
    }
    const grant = live.get(requestOf(rule.name, installation) ?? '');
    if (grant !== undefined && !grant.declined && isWithin(rule, grant, sets)) {
      refuse('live-grant-lost', `The rule ${rule.name} of a live grant would be removed.`, rule.name);
    }
    removed.push(rule.name);
  }
  return violations.length > 0 ? { verdict: 'refused', violations } : { verdict: 'proven', removed };
}

/** Whether a rule admits nothing beyond its grant: drift that made it wider may be removed at once. */
function isWithin(rule: Rule, grant: Claim, sets: OpaqueSets): boolean {
  const unlimited = countSteps(Infinity);
  return spaces.every((space) => {
    const regions = cellsIn(space, rule.traffic, sets).map(regionOf);
    return without(regions, grant.cells(space), unlimited).length === 0;
  });
}
