import { baselineBoxes } from './baselineBoxes.ts';
import { endBaseline, standBaseline } from './baseline.ts';
import type { BaselineBox, BaselineCause, BaselineRow } from './baseline.ts';
import { canonicalJson } from './canonicalJson.ts';
import type { Listing } from './listing.ts';
import { machineCauses, type BaselineProblem } from './machineCauses.ts';
import { createMachinePlaces, type MachinePlace } from './machinePlace.ts';
import type { Policy, Selector } from './policy.ts';
import { canonicalId, subscriptionOf } from './resourceId.ts';
import { selects } from './selector.ts';
import type { Reason } from './reason.ts';

/** What a row of a baseline is to say from now on. */
export type BaselineChange =
  /** There is none yet. */
  | { kind: 'insert'; nsgId: string; virtualMachineId: string; boxes: BaselineBox[]; causes: BaselineCause[] }
  /** `row` is the one that was read. */
  | { kind: 'stand'; row: BaselineRow; boxes: BaselineBox[]; causes: BaselineCause[] }
  | { kind: 'end'; row: BaselineRow };

export interface DesiredBaselines {
  changes: BaselineChange[];
  problems: BaselineProblem[];
  /** Machines that have left a policy and keep what it wanted of them, since when. */
  left: { policyId: string; virtualMachineId: string; at: string }[];
}

/**
 * What the rows of baselines are to become: policies × what lists show. Nothing to do is no changes; applied, it finds
 * nothing to do. What is not known changes nothing, and no row ends but by a decision that a policy records.
 *
 * `policies` holds the deleted ones that rows speak of too. `rows` are all rows of baselines there are, in any order.
 */
export function desiredBaselines({
  policies,
  listing,
  rows,
  now,
}: {
  policies: readonly Policy[];
  listing: Listing;
  rows: readonly BaselineRow[];
  now: Date;
}): DesiredBaselines {
  const placeOf = createMachinePlaces(listing);
  const rowsOf = new Map<string, BaselineRow[]>();
  for (const row of rows) {
    const key = canonicalId(row.virtualMachineId);
    rowsOf.set(key, [...(rowsOf.get(key) ?? []), row]);
  }
  const found: DesiredBaselines = { changes: [], problems: [], left: [] };
  for (const [key, virtualMachineId] of machinesOf(policies, listing, rows)) {
    const own = rowsOf.get(key) ?? [];
    const place = placeOf(virtualMachineId);
    const former = formerCauses(own);
    const { causes, problems } = machineCauses(policies, { virtualMachineId, place, former }, now);
    found.problems.push(...problems, ...placeProblems(virtualMachineId, place, causes));
    found.left.push(
      ...causes.flatMap(({ policyId, leftAt }) =>
        leftAt === undefined ? [] : [{ policyId, virtualMachineId, at: leftAt }],
      ),
    );
    found.changes.push(...changesOf({ virtualMachineId, place, causes }, own, listing));
  }
  return found;
}

/** The rows once these changes are written: what ends is ending. */
export function baselineRowsAfter(
  rows: readonly BaselineRow[],
  changes: readonly BaselineChange[],
  now: Date,
): BaselineRow[] {
  const changed = new Map(
    changes.flatMap((change): [BaselineRow, BaselineRow][] =>
      change.kind === 'insert'
        ? []
        : [
            [
              change.row,
              change.kind === 'end' ? endBaseline(change.row, now) : standBaseline(change.row, change, now),
            ],
          ],
    ),
  );
  const added = changes.flatMap((change): BaselineRow[] =>
    change.kind === 'insert'
      ? [
          {
            nsgId: change.nsgId,
            virtualMachineId: change.virtualMachineId,
            version: 1,
            state: 'standing',
            boxes: change.boxes,
            causes: change.causes,
          },
        ]
      : [],
  );
  return [...rows.map((row) => changed.get(row) ?? row), ...added];
}

/** The subscriptions that have to be listed to say what these policies and rows want. */
export function subscriptionsOfBaselines(
  policies: readonly Policy[],
  rows: readonly Pick<BaselineRow, 'virtualMachineId'>[],
): string[] {
  const ids = [
    ...policies
      .filter(({ isDeleted, baseline }) => isDeleted !== true && baseline.kind !== 'none')
      .flatMap(({ entries }) => entries.flatMap(({ selector }) => idsIn(selector))),
    ...rows.map(({ virtualMachineId }) => virtualMachineId),
  ];
  return [...new Set(ids.map(subscriptionOf).filter((id) => id !== ''))].sort();
}

/** Every machine that a policy that sets a baseline names or may select, and every one that has a row. */
function machinesOf(
  policies: readonly Policy[],
  listing: Listing,
  rows: readonly BaselineRow[],
): Map<string, string> {
  const selectors = policies
    .filter(({ isDeleted, baseline }) => isDeleted !== true && baseline.kind !== 'none')
    .flatMap(({ entries }) => entries.map(({ selector }) => selector));
  const named = selectors.flatMap((selector) =>
    'virtualMachineIds' in selector ? selector.virtualMachineIds : [],
  );
  const byScope = selectors.filter((selector) => 'scopes' in selector);
  const selected = [...listing.virtualMachines.values()].filter(({ id, tags = {} }) =>
    byScope.some((selector) => selects(selector, { id, tags })),
  );
  const ids = [
    ...named,
    ...rows.map(({ virtualMachineId }) => virtualMachineId),
    ...selected.map(({ id }) => id),
  ];
  return new Map(ids.map((id) => [canonicalId(id), id]));
}

/** What the rows of one machine say together; after a crash one of them may be behind the others. */
function formerCauses(rows: readonly BaselineRow[]): BaselineCause[] {
  const newest = new Map<string, BaselineCause>();
  for (const cause of rows.filter(({ state }) => state === 'standing').flatMap(({ causes }) => causes)) {
    const key = canonicalId(cause.policyId);
    const other = newest.get(key);
    if (
      other === undefined ||
      other.version < cause.version ||
      (other.leftAt === undefined && cause.leftAt !== undefined && other.version === cause.version)
    ) {
      newest.set(key, cause);
    }
  }
  return [...newest.values()];
}

/** What keeps the policies that want it from protecting a machine that is there. */
function placeProblems(
  virtualMachineId: string,
  place: MachinePlace,
  causes: readonly BaselineCause[],
): BaselineProblem[] {
  if (place.kind !== 'there') return [];
  const reasons: Reason[] = [
    ...place.bare.map((address): Reason => ({
      code: 'no-network-security-group',
      message: `No network security group stands before ${address} of ${virtualMachineId}: put one before its subnet or its network interface.`,
    })),
    ...place.shared.map(({ address, other }): Reason => ({
      code: 'address-not-unique',
      message: `${other} has the private address ${address} of ${virtualMachineId} too, behind the same network security group: a rule there would shut both.`,
    })),
  ];
  return causes
    .filter(({ leftAt }) => leftAt === undefined)
    .flatMap(({ policyId }) => reasons.map((reason) => ({ policyId, virtualMachineId, reason })));
}

/** What the rows of one machine are to become. */
function changesOf(
  wanted: { virtualMachineId: string; place: MachinePlace; causes: BaselineCause[] },
  rows: readonly BaselineRow[],
  { nsgIds }: Listing,
): BaselineChange[] {
  const { virtualMachineId, place, causes } = wanted;
  const rowAt = new Map(rows.map((row) => [canonicalId(row.nsgId), row]));
  const boxesAt = new Map<string, BaselineBox[]>();
  if (place.kind === 'there') {
    for (const [nsgId, addresses] of place.behind) {
      // An NSG that was taken from one of its subnets may come to stand before it again.
      const kept = addressesOf(rowAt.get(nsgId)).filter((address) => place.bare.includes(address));
      boxesAt.set(nsgId, baselineBoxes(causes, [...new Set([...addresses, ...kept])]));
    }
  }
  // Where it is not known to be shut elsewhere, what stands at other NSGs stays: they may come to stand before it again.
  const hasMoved =
    place.kind === 'there' && boxesAt.size > 0 && place.bare.length === 0 && place.shared.length === 0;
  for (const [nsgId, row] of rowAt) {
    if (boxesAt.has(nsgId) || hasMoved || row.state === 'ending') continue;
    boxesAt.set(nsgId, baselineBoxes(causes, addressesOf(row)));
  }
  const changes: BaselineChange[] = [];
  for (const [nsgId, boxes] of boxesAt) {
    const row = rowAt.get(nsgId);
    if (boxes.length === 0) continue;
    if (row === undefined) {
      changes.push({ kind: 'insert', nsgId: nsgIds.get(nsgId) ?? nsgId, virtualMachineId, boxes, causes });
    } else if (
      row.state === 'ending' ||
      canonicalJson([row.boxes, row.causes]) !== canonicalJson([boxes, causes])
    ) {
      changes.push({ kind: 'stand', row, boxes, causes });
    }
  }
  for (const [nsgId, row] of rowAt) {
    if ((boxesAt.get(nsgId) ?? []).length === 0 && row.state === 'standing')
      changes.push({ kind: 'end', row });
  }
  return changes;
}

/** The addresses that a row keeps shut; none where it is ending or not there. */
function addressesOf(row: BaselineRow | undefined): string[] {
  return row?.state === 'standing' ? row.boxes.flatMap((box) => box.destinationAddressPrefixes) : [];
}

function idsIn(selector: Selector): string[] {
  return 'virtualMachineIds' in selector ? selector.virtualMachineIds : selector.scopes;
}
