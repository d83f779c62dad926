import { isDesired } from './accessRequest.ts';
import type { LiveRow } from './accessRequest.ts';
import type { BaselineRow } from './baseline.ts';
import { problemsOfInstallation } from './installation.ts';
import type { Installation } from './installation.ts';
import { checkRow } from './liveRow.ts';
import type { Json, JsonObject } from './network.ts';
import { foreignDenies, isBaseline, readRules } from './nsgBody.ts';
import type { PlacedRule, NsgRules } from './nsgBody.ts';
import { ownedRules, rawRule } from './ownedRule.ts';
import type { UnplacedRule } from './ownedRule.ts';
import { baselineCandidates, keepBaselines, plannedBaseline, seatBaselines } from './planBaselines.ts';
import type { BaselineCandidate, PlannedBaseline } from './planBaselines.ts';
import type { Reason } from './reason.ts';
import { roomsBeside } from './room.ts';
import type { Room } from './room.ts';
import { readMeaning } from './securityRule.ts';
import { trafficMeets, trafficOfBox, trafficOfRule } from './traffic.ts';
import type { Traffic } from './traffic.ts';
import { wantedRules } from './wantedRule.ts';
import type { Wanted } from './wantedRule.ts';

export interface PlanInput {
  /** The whole NSG as it was read. */
  body: JsonObject;
  /** Every live row of this NSG, in any order. */
  rows: LiveRow[];
  /** Every baseline row of it, in any order. Denies of ours that none of them names stay exactly as they are. */
  baselines?: readonly BaselineRow[];
  now: Date;
  installation: Installation;
}

export interface Plan {
  /** The new complete list of rules; undefined when there is nothing to do. */
  securityRules?: Json[];
  /** Desired grants that get no rule, with why. */
  refused: { requestId: string; reason: Reason }[];
  /**
   * Grants all of whose rules are in the body that was read, exactly as desired and settled. One of which every rule was
   * accepted as deleted is among them: nothing more is to come of it.
   */
  admitted: string[];
  /** Request ids with any owned rule in the body that was read that may admit, right or wrong. */
  present: string[];
  /** What becomes of each baseline that has a row. */
  baselines: PlannedBaseline[];
}

interface Candidate {
  requestId: string;
  wanted: Wanted[];
  present: PlacedRule[];
}

/**
 * What the rules of one NSG should become at an instant, or that there is nothing to do.
 * Pure and idempotent: planning the planned body changes nothing, and the order of the rows does not matter. Throws if
 * the installation, a desired row or the body is malformed, or if a request or a machine has two rows.
 *
 * Where room is short, what stands keeps its place, then grants that are open are completed, then baselines, then new
 * grants: to shut comes before to open. A baseline that finds no room takes none from anybody.
 */
export function plan({ body, rows, baselines = [], now, installation }: PlanInput): Plan {
  const problems = problemsOfInstallation(installation);
  if (problems.length > 0) throw new Error(problems.join(' '));
  const nsgRules = readRules(body, installation.id);
  const candidates = desiredRows(rows, now).map((row) => candidateOf(row, nsgRules, installation.id));
  const denies = baselineCandidates(baselines, nsgRules, installation.id);
  const untouched = withoutRow(nsgRules, denies, installation);
  const rooms = roomsBeside([...nsgRules.foreign, ...untouched], installation);
  // Before anything moves: else a new grant could take the slot of a rule that has merely to be rewritten.
  for (const right of [true, false]) keepPlaces(candidates, rooms.allow, right);
  keepBaselines(denies, rooms);
  const admitted = candidates.filter((candidate) => isAdmitted(candidate, nsgRules));
  const blockerOf = blockerFinder(nsgRules, installation);
  const queue = completeOpen(candidates, rooms.allow, blockerOf);
  seatBaselines(denies, rooms);
  const refused = seatNew(queue, rooms.allow, blockerOf);
  const securityRules = compose({ candidates, denies, untouched, nsgRules });
  const unchanged =
    securityRules.length === nsgRules.rules.length &&
    securityRules.every((rule, index) => rule === nsgRules.rules[index]);
  return {
    ...(unchanged && !mustRewrite(nsgRules) ? {} : { securityRules }),
    refused,
    admitted: admitted.map((candidate) => candidate.requestId),
    present: presentIn(nsgRules),
    baselines: denies.map((one) => plannedBaseline(one, nsgRules)),
  };
}

/** Baselines in the body that no row speaks of. */
function withoutRow(
  { owned }: NsgRules,
  denies: readonly BaselineCandidate[],
  installation: Installation,
): PlacedRule[] {
  const known = new Set(denies.flatMap(({ present }) => present));
  return owned.filter((rule) => !known.has(rule) && isBaseline(rule, installation));
}

/** A rule that denies opens nothing: a close that could not take its rule away has left it. */
function presentIn({ byRequest }: NsgRules): string[] {
  return [...byRequest]
    .filter(([, rules]) => rules.some(({ head }) => head.access !== 'deny'))
    .map(([requestId]) => requestId)
    .sort();
}

function desiredRows(rows: LiveRow[], now: Date): LiveRow[] {
  const seen = new Set<string>();
  for (const { requestId } of rows) {
    if (seen.has(requestId)) throw new Error(`Request ${requestId} has two live rows for one NSG`);
    seen.add(requestId);
  }
  const desired = rows.filter((row) => isDesired(row, now));
  desired.forEach(checkRow);
  return desired.sort(byRequestId);
}

function candidateOf(row: LiveRow, nsgRules: NsgRules, installation: string): Candidate {
  const present = nsgRules.byRequest.get(row.requestId) ?? [];
  const wanted = wantedRules(ownedRules(row, installation), present);
  return { requestId: row.requestId, wanted, present };
}

function keepPlaces(candidates: Candidate[], room: Room, right: boolean): void {
  for (const wanted of candidates.flatMap((candidate) => candidate.wanted)) {
    if (wanted.current !== undefined && wanted.right === right) {
      room.claim(wanted, wanted.current.head.priority);
    }
  }
}

/**
 * Completes the grants that are open already. One that cannot be completed gives up its places and queues with the new
 * ones, which are returned: all boxes of a grant are in the NSG or none.
 */
function completeOpen(candidates: Candidate[], room: Room, blockerOf: BlockerOf): Candidate[] {
  const queue: Candidate[] = [];
  for (const candidate of candidates) {
    if (candidate.present.length > 0) {
      // What stands keeps its place before a deny that came later; what has to be put back is judged like a new rule.
      const shut = candidate.wanted.filter(
        ({ priority, current }) => priority === undefined || current?.head.access === 'deny',
      );
      if (blockerOf(shut) === undefined && room.seatAll(candidate.wanted) === undefined) continue;
    }
    room.release(candidate.wanted);
    queue.push(candidate);
  }
  return queue;
}

function seatNew(queue: Candidate[], room: Room, blockerOf: BlockerOf): Plan['refused'] {
  const refused: Plan['refused'] = [];
  for (const { requestId, wanted } of queue) {
    const reason = blockerOf(wanted) ?? noCapacity(room.seatAll(wanted));
    if (reason !== undefined) refused.push({ requestId, reason });
  }
  return refused;
}

type BlockerOf = (wanted: Wanted[]) => Reason | undefined;

/**
 * A foreign deny before or inside the band refuses a grant even where a free slot would jump over it: whoever wrote it
 * there wanted it to come first. A grant that is open already is not judged again.
 */
function blockerFinder(nsgRules: NsgRules, { allowBand }: Installation): BlockerOf {
  const denies = foreignDenies(nsgRules, allowBand).map((rule) => ({
    head: rule.head,
    traffic: trafficOfRule(readMeaning(rule.raw)),
  }));
  return (wanted) => {
    const traffics = wanted.map(({ rule }) => trafficOf(rule));
    const blocker = denies.find((deny) => traffics.some((traffic) => trafficMeets(deny.traffic, traffic)));
    if (blocker === undefined) return undefined;
    const { name, priority } = blocker.head;
    return {
      code: 'blocked-by-foreign-rule',
      message: `The inbound deny rule "${name}" (priority ${priority}) comes before the rules of Sallyport and may match this access. Whoever owns it can narrow it, remove it or move it behind priority ${allowBand.last}; then ask again.`,
    };
  };
}

function trafficOf(rule: UnplacedRule): Traffic {
  return rule.accepted === undefined ? trafficOfBox(rule.box) : trafficOfRule(readMeaning(rawRule(rule, 0)));
}

function noCapacity(full: string | undefined): Reason | undefined {
  if (full === undefined) return undefined;
  return {
    code: 'no-capacity',
    message: `The network security group is full: ${full}. Ask again when other access has ended.`,
  };
}

/** What stays is as it was read and in its order, what is rewritten in its place, what is new at the end. */
function compose({
  candidates,
  denies,
  untouched,
  nsgRules,
}: {
  candidates: Candidate[];
  denies: BaselineCandidate[];
  untouched: PlacedRule[];
  nsgRules: NsgRules;
}): Json[] {
  // A rule that is rewritten and has no place yet stays as it is.
  const staying = [...untouched, ...denies.flatMap(({ stale }) => stale)];
  const successors = new Map<PlacedRule, Json>(staying.map((rule) => [rule, rule.raw]));
  const added: Json[] = [];
  for (const { rule, current, right, priority } of [...candidates, ...denies].flatMap((one) => one.wanted)) {
    if (priority === undefined) continue;
    const asRead = current !== undefined && right && current.head.priority === priority;
    const raw = asRead ? current.raw : rawRule(rule, priority);
    if (current === undefined) added.push(raw);
    else successors.set(current, raw);
  }
  const ours = new Map(nsgRules.owned.map((rule) => [rule.index, successors.get(rule)]));
  const kept = nsgRules.rules
    .map((raw, index) => (ours.has(index) ? ours.get(index) : raw))
    .filter((raw) => raw !== undefined);
  return [...kept, ...added];
}

function isAdmitted({ wanted, present }: Candidate, nsgRules: NsgRules): boolean {
  return (
    present.length === wanted.length &&
    wanted.every(
      ({ current, right, priority }) =>
        right &&
        priority !== undefined &&
        (current?.head.provisioningState ?? nsgRules.provisioningState) === 'Succeeded',
    )
  );
}

/**
 * A failed write may or may not have reached the hosts: the same content is written again. While the NSG is `Updating`
 * the rules' own states say nothing yet.
 */
function mustRewrite({ provisioningState, owned }: NsgRules): boolean {
  if (provisioningState === 'Failed' || provisioningState === 'Canceled') return true;
  return (
    provisioningState !== 'Updating' &&
    owned.some(({ head }) => (head.provisioningState ?? 'Succeeded') !== 'Succeeded')
  );
}

function byRequestId(a: LiveRow, b: LiveRow): number {
  return a.requestId < b.requestId ? -1 : 1;
}
