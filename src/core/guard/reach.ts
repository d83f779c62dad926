import { packetsOf } from './difference.ts';
import type { Packets } from './difference.ts';
import { readBaseline } from './grant.ts';
import type { GrantedBox } from './grant.ts';
import type { JsonObject } from './json.ts';
import { createOpaqueSets } from './opaqueSets.ts';
import { cut, regionOf, touches, without } from './region.ts';
import type { Region } from './region.ts';
import { mergeRules, readBody } from './rule.ts';
import type { Owner, Rule } from './rule.ts';
import { countSteps, OverBudget } from './steps.ts';
import type { Steps } from './steps.ts';
import { spaces } from './traffic.ts';
import { cellsOfRules } from './verdicts.ts';

/** Packets that get through every NSG of a path. */
export interface Reach extends Packets {
  /** The rule of each NSG that lets them in, in the order of the path. */
  by: { rule: string; owner: Owner }[];
}

export interface ReachInput {
  /** The NSGs of the path, as they were read. */
  bodies: readonly JsonObject[];
  /** Packets to look at; tags and `*` may be sources. */
  box: GrantedBox;
  /** What of them is meant to get through: no part of the answer. */
  except?: readonly GrantedBox[];
  installation: string;
  /** Elementary steps for everything together. */
  budget: number;
}

/**
 * What of a box may get through every one of these NSGs, default rules included, less what is meant to: regions without
 * common packets. A rule whose access cannot be read may admit. Of the memberships only what Azure excludes by the tags'
 * meaning is left out: nobody is in the virtual network and in the internet. Undefined beyond the budget; throws if a box
 * is malformed or a body is none.
 */
export function reach({ bodies, box, except = [], installation, budget }: ReachInput): Reach[] | undefined {
  const sets = createOpaqueSets();
  const steps = countSteps(budget);
  const asked = readBaseline(box, sets);
  const meant = except.map((one) => readBaseline(one, sets));
  const path = bodies.map((body) => {
    const read = readBody(body);
    return mergeRules(read, read, installation, sets);
  });
  const apart = sets.bitOf('source in VirtualNetwork') | sets.bitOf('source in Internet');
  const found: Reach[] = [];
  try {
    // A box names ports; whether it lets packets in that have none is not known, and not what is asked.
    for (const space of spaces.filter(({ ported }) => ported)) {
      const cells = meant.flatMap((claim) => claim.cells(space));
      let passed = asked.cells(space).flatMap((cell, index, all): Passed[] => {
        const left = without([regionOf(cell)], [...all.slice(0, index), ...cells], steps);
        return left.map((region) => ({ region, by: [] }));
      });
      for (const rules of path) passed = letIn(passed, cellsOfRules(rules, space, sets), steps);
      for (const { region, by } of passed) {
        if ((region.inside & apart) === apart) continue;
        found.push({
          ...packetsOf(space, region, sets),
          by: by.map(({ name, owner }) => ({ rule: name, owner })),
        });
      }
    }
  } catch (error) {
    if (error instanceof OverBudget) return undefined;
    throw error;
  }
  return found;
}

interface Passed {
  region: Region;
  by: Rule[];
}

/** What of the regions one NSG lets in, and by which rule: the first that matches decides. */
function letIn(passed: Passed[], cells: ReturnType<typeof cellsOfRules>, steps: Steps): Passed[] {
  const admitted: Passed[] = [];
  for (const { region, by } of passed) {
    let left = [region];
    for (const { rule, cell } of cells) {
      if (left.length === 0) break;
      left = left.flatMap((one) => {
        if (!touches(one, cell, steps)) return [one];
        const { inner, rest } = cut(one, cell, steps);
        if (rule.access !== 'deny') admitted.push({ region: inner, by: [...by, rule] });
        return rest;
      });
    }
  }
  return admitted;
}
