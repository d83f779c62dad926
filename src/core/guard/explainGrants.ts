import { readGrant } from './grant.ts';
import type { LiveGrant } from './grant.ts';
import type { JsonObject } from './json.ts';
import { createOpaqueSets } from './opaqueSets.ts';
import { sampleOf } from './packet.ts';
import type { Packet } from './packet.ts';
import { mergeRules, readBody } from './rule.ts';
import type { Owner } from './rule.ts';
import { countSteps, OverBudget } from './steps.ts';
import { spaces } from './traffic.ts';
import { cellsOfRules, firstDoubt } from './verdicts.ts';

export type GrantState =
  | { requestId: string; state: 'admitted' }
  | {
      requestId: string;
      state: 'blocked';
      /** Absent where no rule at all decides. `azure` is a default rule: nothing admits the grant. */
      blockedBy?: { rule: string; owner: Owner };
      /** A packet of the grant; with memberships in opaque sets if it is blocked for some of them only. */
      sample: Packet;
    }
  /** The budget was spent before. */
  | { requestId: string; state: 'not-checked' };

export interface ExplainInput {
  /** The NSG as it was read or is to be written. */
  body: JsonObject;
  installation: string;
  grants: readonly LiveGrant[];
  /** Elementary steps for all grants together. */
  budget: number;
}

/**
 * Says of every grant whether the body admits all of its packets, whatever the opaque sets hold, or which rule does
 * not: the first in the order of evaluation. Throws as `guard` does.
 */
export function explainGrants({ body, installation, grants, budget }: ExplainInput): GrantState[] {
  const sets = createOpaqueSets();
  const steps = countSteps(budget);
  const read = readBody(body);
  const rules = mergeRules(read, read, installation, sets);
  // A grant names ports; whether it lets packets in that have none is not known, and not what was asked for.
  const ported = spaces.filter((space) => space.ported);
  const lists = ported.map((space) => ({ space, list: cellsOfRules(rules, space, sets) }));
  return grants.map((grant): GrantState => {
    const { requestId } = grant;
    const claim = readGrant(grant, sets);
    try {
      for (const { space, list } of lists) {
        for (const cell of claim.cells(space)) {
          const doubt = firstDoubt(cell, list, steps);
          if (doubt === undefined) continue;
          const { rule, region } = doubt;
          const blockedBy = rule === undefined ? {} : { blockedBy: { rule: rule.name, owner: rule.owner } };
          return { requestId, state: 'blocked', ...blockedBy, sample: sampleOf(space, region, sets) };
        }
      }
      return { requestId, state: 'admitted' };
    } catch (error) {
      if (error instanceof OverBudget) return { requestId, state: 'not-checked' };
      throw error;
    }
  });
}
