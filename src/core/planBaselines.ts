import { checkBaseline } from './baseline.ts';
import type { BaselineRow } from './baseline.ts';
import { baselineRules, nameOfMachine, parseBaselineName, shortKey } from './baselineRule.ts';
import type { NsgRules, PlacedRule } from './nsgBody.ts';
import type { Reason } from './reason.ts';
import { canonicalId } from './resourceId.ts';
import type { Rooms } from './room.ts';
import { wantedRules } from './wantedRule.ts';
import type { Wanted } from './wantedRule.ts';

/** What a plan makes of the baseline of one row. */
export interface PlannedBaseline {
  virtualMachineId: string;
  /**
   * `standing`: all of its rules are in the body that was read, as desired and settled. `gone`: it is ending, and none of
   * its rules is there. `changing`: rules of it are written or removed, or not settled. `no-capacity`: not all of its
   * rules find room; what stands of them stays as it is.
   */
  state: 'standing' | 'gone' | 'changing' | 'no-capacity';
  /** Why there is no room. */
  reason?: Reason;
  /** Rules of it in the body that was read that are as desired. */
  right: PlacedRule[];
}

export interface BaselineCandidate {
  row: BaselineRow;
  wanted: Wanted[];
  /** Every rule of its name, whatever it says. */
  present: PlacedRule[];
  /** Denies of its name that are not as desired: they stay until what is desired has found its place. */
  stale: PlacedRule[];
  reason?: Reason;
}

/**
 * The baselines of an NSG in an order that does not depend on that of their rows. Throws if a row is malformed or a
 * machine has two. Where the names of two machines' rules would be the same, the second gets none and says so.
 */
export function baselineCandidates(
  rows: readonly BaselineRow[],
  nsgRules: NsgRules,
  installation: string,
): BaselineCandidate[] {
  const byKey = new Map<string, PlacedRule[]>();
  for (const rule of nsgRules.owned) {
    const key = parseBaselineName(rule.head.name, installation)?.key;
    if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), rule]);
  }
  const sorted = [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const taken = new Map<string, string>();
  return sorted.map((row) => {
    checkBaseline(row);
    const [key, id] = [shortKey(row.virtualMachineId), keyOf(row)];
    const holder = taken.get(key);
    if (holder === id) throw new Error(`${row.virtualMachineId} has two baseline rows for one NSG`);
    if (holder !== undefined) {
      const message = 'The names of its rules would be those of another virtual machine of this NSG.';
      return { row, wanted: [], present: [], stale: [], reason: { code: 'no-capacity', message } };
    }
    taken.set(key, id);
    const present = byKey.get(key) ?? [];
    const wanted = row.state === 'standing' ? wantedRules(baselineRules(row, installation), present) : [];
    return { row, wanted, present, stale: [] };
  });
}

/** Rules that are as desired keep their places; other denies of a baseline that stands take theirs for the time being. */
export function keepBaselines(candidates: readonly BaselineCandidate[], rooms: Rooms): void {
  for (const { wanted } of candidates) {
    for (const one of wanted) {
      if (one.current !== undefined && one.right) rooms.baseline.claim(one, one.current.head.priority);
    }
  }
  for (const candidate of candidates.filter(({ row }) => row.state === 'standing')) {
    const kept = new Set(candidate.wanted.filter(isSeated).map(({ current }) => current));
    candidate.stale = candidate.present.filter((rule) => rule.head.access === 'deny' && !kept.has(rule));
    candidate.stale.forEach((rule) => rooms.occupy(rule));
  }
}

/**
 * Gives the other rules of each baseline the lowest free places, those of one machine all or none. What is stale goes only
 * then: a deny is not taken away for want of room. One that finds none may find what another has left behind.
 */
export function seatBaselines(candidates: readonly BaselineCandidate[], rooms: Rooms): void {
  let waiting = candidates.filter(({ wanted, stale }) => stale.length > 0 || !wanted.every(isSeated));
  for (let before = Infinity; waiting.length < before;) {
    before = waiting.length;
    waiting = waiting.filter((candidate) => {
      candidate.stale.forEach((rule) => rooms.vacate(rule));
      const full = rooms.baseline.seatAll(candidate.wanted, ({ current }) => current?.head.priority);
      if (full === undefined) {
        candidate.stale = [];
        delete candidate.reason;
        return false;
      }
      candidate.stale.forEach((rule) => rooms.occupy(rule));
      candidate.reason = noRoom(candidate.row, full);
      return true;
    });
  }
}

/** What became of a candidate once everything has its place. */
export function plannedBaseline(
  { row, wanted, present, reason }: BaselineCandidate,
  nsgRules: NsgRules,
): PlannedBaseline {
  const { virtualMachineId } = row;
  const right = wanted.flatMap((one) =>
    one.current !== undefined && one.right && one.priority === one.current.head.priority ? [one.current] : [],
  );
  if (reason !== undefined) return { virtualMachineId, state: 'no-capacity', reason, right };
  if (row.state === 'ending') {
    return { virtualMachineId, state: present.length === 0 ? 'gone' : 'changing', right };
  }
  const isSettled = right.every(
    ({ head }) => (head.provisioningState ?? nsgRules.provisioningState) === 'Succeeded',
  );
  const isWhole = right.length === wanted.length && present.length === wanted.length;
  return { virtualMachineId, state: isWhole && isSettled ? 'standing' : 'changing', right };
}

function noRoom(row: BaselineRow, full: string): Reason {
  return {
    code: 'no-capacity',
    message: `The baseline of ${nameOfMachine(row.virtualMachineId)} has no room in this network security group: ${full}. Remove or move rules, or set a wider band for baselines.`,
  };
}

function isSeated({ priority }: Wanted): boolean {
  return priority !== undefined;
}

function keyOf({ virtualMachineId }: BaselineRow): string {
  return canonicalId(virtualMachineId);
}
