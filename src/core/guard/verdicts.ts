import { indexCells } from './cellIndex.ts';
import type { CellIndex } from './cellIndex.ts';
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

/** What decides in one space: cells in the rules' order, and how to find those that a region touches. */
export interface RuleList {
  cells: RuleCell[];
  index: CellIndex;
}

/** The cells of rules in one space, in the rules' order. */
export function cellsOfRules(rules: Rule[], space: Space, sets: OpaqueSets): RuleCell[] {
  return rules.flatMap((rule) => cellsIn(space, rule.traffic, sets).map((cell) => ({ rule, cell })));
}

/** The same, to be searched often. */
export function listOfRules(rules: Rule[], space: Space, sets: OpaqueSets): RuleList {
  const cells = cellsOfRules(rules, space, sets);
  return { cells, index: indexCells(() => cells.map(({ cell }) => cell)) };
}

/**
 * Every packet of one space that is decided by another rule after the write than before it, in regions without common
 * packets. Only packets of a rule that stands in one of the two bodies alone can be: all others meet the same rules.
 */
export function decidedOtherwise(list: RuleList, space: Space, steps: Steps): Decided[] {
  const found: Decided[] = [];
  const { cells, index } = list;
  cells.forEach(({ rule, cell }, own) => {
    if (rule.inBefore && rule.inAfter) return;
    const walked: Cell[] = [];
    index.find(cell, 0, steps, (position) => {
      const earlier = position < own ? cells[position] : undefined;
      if (earlier !== undefined && !(earlier.rule.inBefore && earlier.rule.inAfter))
        walked.push(earlier.cell);
      return position >= own;
    });
    for (const region of without([regionOf(cell)], walked, steps)) {
      walk({ space, region, before: undefined, after: undefined }, list, found, steps);
    }
  });
  return found;
}

interface Walker extends Decided {
  /** Where in the list it goes on, and what was decided already. */
  next: number;
  open: { before: boolean; after: boolean };
}

/** Follows packets down both lists of rules at once until each has met its first match in both. */
function walk(start: Decided, list: RuleList, found: Decided[], steps: Steps): void {
  const waiting: Walker[] = [{ ...start, next: 0, open: { before: true, after: true } }];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const { open, region } = one;
    const index = open.before || open.after ? nextMatch(one, list, steps) : -1;
    const item = list.cells[index];
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
function nextMatch({ open, region, next }: Walker, { cells, index }: RuleList, steps: Steps): number {
  return index.find(region, next, steps, (position) => {
    const item = cells[position];
    if (item === undefined) return false;
    const { rule, cell } = item;
    const decides = (open.before && rule.inBefore) || (open.after && rule.inAfter);
    return decides && touches(region, cell, steps);
  });
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
