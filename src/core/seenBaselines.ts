import { clocksApart } from './acrossClocks.ts';
import type { BaselineRow } from './baseline.ts';
import { parseBaselineName } from './baselineRule.ts';
import { contentHash } from './canonicalJson.ts';
import type { PlannedBaseline } from './planBaselines.ts';
import { canonicalId } from './resourceId.ts';
import { readMeaning } from './securityRule.ts';
import type { BaselineMark, Stored } from './stores.ts';

/**
 * What is to be noted of baselines in an NSG that needs no write: which rules of each were read back as desired. Nothing
 * of one whose row says so already, or that is ending.
 */
export function baselineMarks(
  planned: readonly PlannedBaseline[],
  rows: readonly Stored<BaselineRow>[],
  installation: string,
): BaselineMark[] {
  const plannedOf = new Map(planned.map((one) => [canonicalId(one.virtualMachineId), one]));
  return rows.flatMap(({ row, etag }) => {
    const one = plannedOf.get(canonicalId(row.virtualMachineId));
    if (one === undefined || row.state === 'ending') return [];
    const seen = Object.fromEntries(
      one.right.map(({ raw, head }) => [
        String(parseBaselineName(head.name, installation)?.number),
        contentHash(readMeaning(raw)),
      ]),
    );
    if (contentHash(seen) === contentHash(row.seen ?? {})) return [];
    return [{ virtualMachineId: row.virtualMachineId, etag, seen }];
  });
}

/** Milliseconds for which a write may still come that was planned before a row was ending: 5 s and 20 s, and two clocks. */
const lateness = 25_000 + clocksApart;

/**
 * The rows of baselines that have ended and of which no rule is there, so that they may go. `without` are the machines that
 * were ending when the NSG was last written by the one who asks: whoever planned from older rows is refused by its
 * ETag. Of others a write may still come, and would leave denies that no row speaks of.
 */
export function baselineRowsToRemove(
  planned: readonly PlannedBaseline[],
  rows: readonly Stored<BaselineRow>[],
  now: Date,
  without: ReadonlySet<string> = new Set(),
): Stored<BaselineRow>[] {
  const gone = new Set(
    planned
      .filter(({ state }) => state === 'gone')
      .map(({ virtualMachineId }) => canonicalId(virtualMachineId)),
  );
  return rows.filter(({ row }) => {
    const id = canonicalId(row.virtualMachineId);
    const isLate = now.getTime() >= Date.parse(row.endingAt ?? '') + lateness;
    return row.state === 'ending' && gone.has(id) && (isLate || without.has(id));
  });
}
