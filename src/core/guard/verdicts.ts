import { cut, regionOf, touches, without } from './region.ts';
import type { Cell, Region } from './region.ts';
import type { Rule } from './rule.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import type { Steps } from './steps.ts';
import { cellsIn } from './traffic.ts';
import type { Space } from './traffic.ts';

/** One rule's cell in one space. */
export interface RuleCell {
  rule: Rule;
  cell: Cell;
}

/** Packets that another rule decides after the write than before it; undefined is no rule at all, which refuses. */
export interface Decided {
  space: Space;
  region: Region;
  before: Rule | undefined;
  after: Rule | undefined;
}

/** The cells of rules in one space, in the rules' order. */
export function cellsOfRules(rules: Rule[], space: Space, sets: OpaqueSets): RuleCell[] {
  return rules.flatMap((rule) => cellsIn(space, rule.traffic, sets).map((cell) => ({ rule, cell })));
}

/**
 * Every packet of one space that is decided by another rule after the write than before it, in regions without common
 * packets. Only packets of a rule that stands in one of the two bodies alone can be: all others meet the same rules.
 */
export function decidedOtherwise(list: RuleCell[], space: Space, steps: Steps): Decided[] {
  const found: Decided[] = [];
  const walked: Cell[] = [];
  for (const { rule, cell } of list) {
    if (rule.inBefore && rule.inAfter) continue;
    const regions = without([regionOf(cell)], walked, steps);
    for (const region of regions)
      walk({ space, region, before: undefined, after: undefined }, list, found, steps);
    walked.push(cell);
  }
  return found;
}

interface Walker extends Decided {
  /** Where in the list it goes on, and what was decided already. */
  next: number;
  open: { before: boolean; after: boolean };
}

/** Follows packets down both lists of rules at once until each has met its first match in both. */
function walk(start: Decided, list: RuleCell[], found: Decided[], steps: Steps): void {
  const waiting: Walker[] = [{ ...start, next: 0, open: { before: true, after: true } }];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const { open, region } = one;
    const index = open.before || open.after ? nextMatch(one, list, steps) : -1;
    const item = list[index];
    if (item === undefined) {
      // Whoever met no rule at all is refused, before as after.
      if (!(open.before && open.after)) {
        found.push({ space: one.space, region, before: one.before, after: one.after });
      }
      continue;
    }
    const { inner, rest } = cut(region, item.cell, steps);
    const next = index + 1;
    for (const beside of rest) waiting.push({ ...one, region: beside, next });
    const before = open.before && item.rule.inBefore;
    const after = open.after && item.rule.inAfter;
    // The same rule decides in both: nothing changes for these.
    if (before && after) continue;
    waiting.push({
      ...one,
      region: inner,
      next,
      before: before ? item.rule : one.before,
      after: after ? item.rule : one.after,
      open: { before: open.before && !before, after: open.after && !after },
    });
  }
}

/** Index of the next cell that decides some of these packets in a body where they are not decided yet; else -1. */
function nextMatch({ open, region, next }: Walker, list: RuleCell[], steps: Steps): number {
  for (let index = next; index < list.length; index++) {
    const item = list[index];
    if (item === undefined) break;
    const { rule, cell } = item;
    const decides = (open.before && rule.inBefore) || (open.after && rule.inAfter);
    if (decides && touches(region, cell, steps)) return index;
  }
  return -1;
}

/** The first rule of the body to write that does not surely admit these packets, with the packets; undefined if all do. */
export function firstDoubt(
  start: Cell,
  list: RuleCell[],
  steps: Steps,
): { region: Region; rule: Rule | undefined } | undefined {
  let left = [regionOf(start)];
  for (const { rule, cell } of list) {
    const [met] = left.filter((region) => touches(region, cell, steps));
    if (met === undefined) continue;
    if (rule.access !== 'allow') return { region: cut(met, cell, steps).inner, rule };
    left = without(left, [cell], steps);
    if (left.length === 0) return undefined;
  }
  const [region] = left;
  return region === undefined ? undefined : { region, rule: undefined };
}
