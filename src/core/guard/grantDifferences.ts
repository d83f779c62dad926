import { indexCells } from './cellIndex.ts';
import { differenceOf, isAdmittedNewly, isRefusedNewly } from './difference.ts';
import type { Difference } from './difference.ts';
import { readGrant } from './grant.ts';
import type { LiveGrant } from './grant.ts';
import type { JsonObject } from './json.ts';
import { createOpaqueSets } from './opaqueSets.ts';
import { cut, touches } from './region.ts';
import type { Cell, Region } from './region.ts';
import { mergeReadRules, readBody } from './rule.ts';
import { countSteps, OverBudget } from './steps.ts';
import type { Steps } from './steps.ts';
import { spaces } from './traffic.ts';
import { decidedOtherwise, listOfRules } from './verdicts.ts';
import type { Decided } from './verdicts.ts';

export interface ReadTwice {
  /** The whole NSG as it was read first, and as it was read later. */
  before: JsonObject;
  after: JsonObject;
  installation: string;
  /** Whose packets are asked for, live or ended. */
  grants: readonly LiveGrant[];
  /** Elementary steps for all grants together. */
  budget: number;
}

/**
 * Of everything that changed between two readings of an NSG, whoever changed it, what lies in the boxes of each grant:
 * by request id. Packets of several grants are told of each. Exact as the guard is; undefined beyond the budget.
 * Throws an Error if a grant is malformed or a body is none.
 */
export function grantDifferences({
  before,
  after,
  installation,
  grants,
  budget,
}: ReadTwice): Map<string, Difference> | undefined {
  const sets = createOpaqueSets();
  const steps = countSteps(budget);
  const claims = grants.map((grant) => readGrant(grant, sets));
  const rules = mergeReadRules(readBody(before), readBody(after), installation, sets);
  const found = new Map(grants.map(({ requestId }) => [requestId, new Array<Decided>()]));
  try {
    for (const space of spaces) {
      const asked = claims.flatMap((claim) => {
        const of = found.get(claim.requestId);
        return of === undefined ? [] : claim.cells(space).map((cell) => ({ cell, of }));
      });
      if (asked.length === 0) continue;
      const index = indexCells(() => asked.map(({ cell }) => cell));
      for (const one of decidedOtherwise(listOfRules(rules, space, sets), space, steps)) {
        if (!isAdmittedNewly(one) && !isRefusedNewly(one)) continue;
        const left = new Map<Decided[], Region[]>();
        index.find(one.region, 0, steps, (position) => {
          const met = asked[position];
          if (met !== undefined) left.set(met.of, take(met, one, left.get(met.of) ?? [one.region], steps));
          return false;
        });
      }
    }
  } catch (error) {
    if (error instanceof OverBudget) return undefined;
    throw error;
  }
  return new Map([...found].map(([requestId, decided]) => [requestId, differenceOf(decided, sets)]));
}

/** Adds what of these regions is in the grant's cell, and returns what is not: its cells may overlap. */
function take(
  { cell, of }: { cell: Cell; of: Decided[] },
  decided: Decided,
  regions: Region[],
  steps: Steps,
): Region[] {
  return regions.flatMap((region) => {
    if (!touches(region, cell, steps)) return [region];
    const { inner, rest } = cut(region, cell, steps);
    of.push({ ...decided, region: inner });
    return rest;
  });
}
