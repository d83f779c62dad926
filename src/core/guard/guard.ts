import { indexCells } from './cellIndex.ts';
import type { CellIndex } from './cellIndex.ts';
import { differenceOf, isAdmittedNewly, isRefusedNewly } from './difference.ts';
import type { Difference } from './difference.ts';
import { readBaseline, readGrant } from './grant.ts';
import type { Baseline, Claim, LiveGrant } from './grant.ts';
import { foreignChanges, misplacedDenies, sharedPlaces } from './integrity.ts';
import type { JsonObject } from './json.ts';
import type { RecordedFlush } from './recordedFlush.ts';
import { createOpaqueSets } from './opaqueSets.ts';
import type { OpaqueSets } from './opaqueSets.ts';
import { sampleOf } from './packet.ts';
import { regionOf, within, without } from './region.ts';
import type { Cell, Region } from './region.ts';
import { mergeRules, readBody, requestOf } from './rule.ts';
import type { Rule } from './rule.ts';
import { countSteps, OverBudget } from './steps.ts';
import type { Steps } from './steps.ts';
import { isIn, portlessInPorts, spaces } from './traffic.ts';
import type { Space } from './traffic.ts';
import { decidedOtherwise, listOfRules } from './verdicts.ts';
import type { Decided, RuleCell, RuleList } from './verdicts.ts';
import { violationOf } from './violation.ts';
import type { Violation, ViolationKind } from './violation.ts';

export interface GuardInput {
  /** The whole NSG as it was read, and as it is to be written. */
  before: JsonObject;
  after: JsonObject;
  /** The installation id: says which rules are ours. */
  installation: string;
  /** The last priority of the allow band: foreign denies up to it are not to be overridden. */
  lastAllowPriority: number;
  /** The grants that are live now; what else an owned rule admitted is ended, left over, or excess. */
  grants: readonly LiveGrant[];
  /** The baselines that stand now. */
  baselines?: readonly Baseline[];
  /** Keys of the baselines that a row decides on, standing or ending: no other deny of ours is to be touched. */
  decided?: ReadonlySet<string>;
  /** What is recorded of `flushConnection`; without it the member is as foreign as all else. */
  flush?: RecordedFlush;
  /** Elementary steps that may be taken. */
  budget: number;
}

export type GuardResult =
  | { verdict: 'proven'; difference: Difference; steps: number }
  | { verdict: 'refused'; violations: Violation[] }
  /** Neither proven nor disproven. */
  | { verdict: 'over-budget' };

/** What is known of one space, and where violations go. */
interface Case {
  space: Space;
  list: RuleList;
  /** What the live grant admits that an owned rule is named for. */
  own: (rule: string) => Cell[];
  /** What live grants admit, and of it what must not be lost. */
  granted: CellIndex;
  kept: CellIndex;
  /** What baselines keep shut. */
  shut: CellIndex;
  /** What foreign rules mean to refuse that no grant may jump over. */
  refusing: RuleCell[];
  lastAllowPriority: number;
  sets: OpaqueSets;
  steps: Steps;
  report: (kind: ViolationKind, problem: string, rule: string | undefined, region: Region) => void;
}

const maximumViolations = 20;

/**
 * Whether a write does what the live grants and baselines want of it and nothing else, for every packet and every
 * assignment of the opaque sets; with exactly what it changes. Pure. Why it is exact stands in docs/guard.md.
 * Throws an Error if what is our own is malformed: the installation id, a grant, a baseline, or a body that is none.
 * Whatever a rule says, it does not throw.
 */
export function guard(input: GuardInput): GuardResult {
  const { installation, lastAllowPriority } = input;
  if (!/^[a-z0-9]{1,12}$/.test(installation)) throw new Error('The installation id is malformed');
  const sets = createOpaqueSets();
  const [before, after] = [readBody(input.before), readBody(input.after)];
  const grants = input.grants.map((grant) => readGrant(grant, sets));
  const baselines = (input.baselines ?? []).map((box) => readBaseline(box, sets));
  const claims = new Map(grants.map((claim) => [claim.requestId, claim]));
  const kept = grants.filter(({ declined }) => !declined);
  const steps = countSteps(input.budget);
  const broken = [
    ...foreignChanges(before, after, installation, input.flush),
    ...sharedPlaces(after, installation),
    ...misplacedDenies(before, after, installation, {
      lastAllowPriority,
      decided: input.decided ?? new Set(),
    }),
  ];
  if (broken.length > 0) return refused(broken);

  const violations: Violation[] = [];
  const decided: Decided[] = [];
  try {
    const rules = mergeRules(before, after, installation, sets);
    const doubtful = sets.bitOf(portlessInPorts);
    const owned = rules.filter(({ owner }) => owner === 'installation');
    for (const space of spaces) {
      // Only owned rules change, and only they are judged.
      if (!owned.some(({ traffic }) => isIn(space, traffic))) continue;
      const list = listOfRules(rules, space, sets);
      const here: Case = {
        space,
        list,
        lastAllowPriority,
        sets,
        steps,
        own: (rule) => claims.get(requestOf(rule, installation) ?? '')?.cells(space) ?? [],
        granted: cellsOf(grants, space),
        kept: cellsOf(kept, space),
        shut: cellsOf(baselines, space),
        refusing: list.cells.filter(
          // A deny of port 445 is not written against the ICMP that a grant of port 22 may or may not let in.
          ({ rule, cell }) => mayRefuseGrants(rule, lastAllowPriority) && (cell.inside & doubtful) === 0n,
        ),
        report: (kind, problem, rule, region) =>
          violations.push(violationOf(kind, problem, rule, sampleOf(space, region, sets))),
      };
      const changed = decidedOtherwise(list, space, steps);
      checkOwnedAllows(here);
      changed.filter(isAdmittedNewly).forEach((one) => checkAdmitted(one, here));
      changed.filter(isRefusedNewly).forEach((one) => checkRefused(one, here));
      decided.push(...changed);
    }
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error;
    return violations.length > 0 ? refused(violations) : { verdict: 'over-budget' };
  }
  if (violations.length > 0) return refused(violations);
  return { verdict: 'proven', difference: differenceOf(decided, sets), steps: steps.taken() };
}

/**
 * An owned rule that may admit lies within live grants as a whole, also where an earlier rule hides the excess: that
 * rule is somebody else's and may go without any write of ours.
 */
function checkOwnedAllows({ list, own, granted, steps, report }: Case): void {
  for (const { rule, cell } of list.cells) {
    if (rule.owner !== 'installation' || !rule.inAfter || rule.access === 'deny') continue;
    // Most rules are within the grant that they are named for: the others are looked through only for what is not.
    const [excess] = without([regionOf(cell)], own(rule.name), steps).flatMap((region) =>
      without([region], granted.near(region, steps), steps),
    );
    if (excess !== undefined) {
      report('owned-rule-too-wide', 'An owned rule would admit what no live grant admits', rule.name, excess);
    }
  }
}

function checkAdmitted({ region, after }: Decided, here: Case): void {
  const { list, refusing, shut, lastAllowPriority, steps, report } = here;
  if (after?.owner === 'installation') {
    for (const { rule, cell } of refusing) {
      const [met] = within(region, [cell], steps);
      if (met === undefined) continue;
      const problem = `The rule ${after.name} would admit what the rule ${JSON.stringify(rule.name)} of somebody else means to refuse`;
      report('foreign-deny-overridden', problem, rule.name, met);
    }
    return;
  }
  // Foreign rules are as they were: it was an owned deny that refused this, and it is gone or narrower.
  let opened = within(region, shut.near(region, steps), steps);
  if (opened.length > 0 && after?.owner === 'foreign' && (after.priority ?? Infinity) <= lastAllowPriority) {
    // The baseline has its rule and somebody else's comes before every place that it may have: theirs to decide.
    const denies = list.cells.filter(
      ({ rule }) => rule.owner === 'installation' && rule.inAfter && rule.access === 'deny',
    );
    opened = without(
      opened,
      denies.map(({ cell }) => cell),
      steps,
    );
  }
  if (opened[0] !== undefined) {
    report(
      'baseline-opened',
      'A packet would be admitted that a baseline keeps shut',
      after?.name,
      opened[0],
    );
  }
}

function checkRefused({ region, before, after }: Decided, here: Case): void {
  const { list, kept, shut, steps, report } = here;
  let lost = within(region, kept.near(region, steps), steps);
  if (lost.length > 0 && after?.owner !== 'installation') {
    // The grant has its rule and somebody else's comes first: theirs to decide, and no reason not to close another.
    const allows = list.cells.filter(
      ({ rule }) => rule.owner === 'installation' && rule.inAfter && rule.access === 'allow',
    );
    lost = without(
      lost,
      allows.map(({ cell }) => cell),
      steps,
    );
  }
  if (lost[0] !== undefined) {
    report('live-grant-lost', 'A packet of a live grant would be refused', before?.name, lost[0]);
  }
  if (before?.owner === 'installation') return;
  const [beside] = without([region], shut.near(region, steps), steps);
  if (beside !== undefined) {
    const problem = 'A packet would be refused that somebody else admits and no baseline refuses';
    report('refused-beside-baselines', problem, after?.name, beside);
  }
}

/** A foreign rule that may deny and stands where grants must not jump over it. */
function mayRefuseGrants({ owner, access, priority }: Rule, lastAllowPriority: number): boolean {
  return owner === 'foreign' && access !== 'allow' && !((priority ?? 0) > lastAllowPriority);
}

function cellsOf(claims: Claim[], space: Space): CellIndex {
  return indexCells(() => claims.flatMap((claim) => claim.cells(space)));
}

function refused(violations: Violation[]): GuardResult {
  return { verdict: 'refused', violations: violations.slice(0, maximumViolations) };
}
