import { clocksApart } from './acrossClocks.ts';
import type { BaselineRow } from './baseline.ts';
import { parseBaselineName } from './baselineRule.ts';
import { contentHash } from './canonicalJson.ts';
import type { PlannedBaseline } from './planBaselines.ts';
import { canonicalId } from './resourceId.ts';
import { readMeaning } from './securityRule.ts';
import type { BaselineMark, Stored } from './stores.ts';

/** Milliseconds for which a write may still come that was planned before a row was changed: 5 s and 20 s, and two clocks. */
const lateness = 25_000 + clocksApart;

/** The rows that the last write of the one who asks was planned from: whoever planned from older ones is refused by its ETag. */
export type WrittenFrom = readonly BaselineRow[];

/**
 * What is to be noted of baselines in an NSG that needs no write: which rules of each were read back as desired. Nothing
 * of one whose row says so already, or that is ending; nor while a write may still come that takes away what stands again:
 * it would be taken for somebody else's.
 */
export function baselineMarks(
  planned: readonly PlannedBaseline[],
  rows: readonly Stored<BaselineRow>[],
  { installation, now, writtenFrom = [] }: { installation: string; now: Date; writtenFrom?: WrittenFrom },
): BaselineMark[] {
  const versionWritten = new Map(writtenFrom.map((row) => [canonicalId(row.virtualMachineId), row.version]));
  const plannedOf = new Map(planned.map((one) => [canonicalId(one.virtualMachineId), one]));
  return rows.flatMap(({ row, etag }) => {
    const one = plannedOf.get(canonicalId(row.virtualMachineId));
    if (one === undefined || row.state === 'ending') return [];
    const isLate = row.standsSince === undefined || isPast(row.standsSince, now);
    if (!isLate && versionWritten.get(canonicalId(row.virtualMachineId)) !== row.version) return [];
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

/**
 * The rows of baselines that have ended and of which no rule is there, so that they may go. Of one that was not ending yet
 * in `writtenFrom` a write may still come, and would leave denies that no row speaks of.
 */
export function baselineRowsToRemove(
  planned: readonly PlannedBaseline[],
  rows: readonly Stored<BaselineRow>[],
  now: Date,
  writtenFrom: WrittenFrom = [],
): Stored<BaselineRow>[] {
  const endingIn = writtenFrom.filter(({ state }) => state === 'ending');
  const without = new Set(endingIn.map(({ virtualMachineId }) => canonicalId(virtualMachineId)));
  const gone = new Set(
    planned
      .filter(({ state }) => state === 'gone')
      .map(({ virtualMachineId }) => canonicalId(virtualMachineId)),
  );
  return rows.filter(({ row }) => {
    const id = canonicalId(row.virtualMachineId);
    return row.state === 'ending' && gone.has(id) && (isPast(row.endingAt ?? '', now) || without.has(id));
  });
}

/** Whether no write can come any more that was planned before that instant; an unreadable one is never past. */
function isPast(instant: string, now: Date): boolean {
  return now.getTime() >= Date.parse(instant) + lateness;
}
