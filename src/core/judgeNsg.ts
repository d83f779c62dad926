import type { LiveRow } from './accessRequest.ts';
import { isDesired } from './accessRequest.ts';
import { baselineMarks, baselineRowsToRemove } from './seenBaselines.ts';
import type { NsgRows } from './stores.ts';
import type { Installation } from './installation.ts';
import type { NsgDocument } from './network.ts';
import { readRules, type NsgRules } from './nsgBody.ts';
import { parseOwnedName } from './ownedRule.ts';
import { plan } from './plan.ts';
import { planWithoutRows, type WithoutRows } from './planWithoutRows.ts';

/** Whether an NSG as a list shows it wants a reconcile. */
export type NsgJudgement =
  | { due: false }
  /** `closesSince` is set where a rule stands that must go: since when, or since ever. */
  | { due: true; closesSince?: Date };

/**
 * Judges an NSG as it was listed by rows that were read after it, without reading it singly: an NSG with nothing to do
 * costs the sweep no call of its own. It only chooses what is reconciled, and the reconcile reads both again.
 *
 * A grant that is still to be opened is its orchestration's: it makes nothing due, and nothing that is due waits for it.
 * Somebody else's operation makes nothing due either. Throws as `plan` does.
 */
export function judgeNsg({
  nsg,
  rows,
  now,
  installation,
}: {
  nsg: NsgDocument;
  rows: NsgRows | WithoutRows;
  now: Date;
  installation: Installation;
}): NsgJudgement {
  const { body, provisioningState } = nsg;
  const nsgRules = readRules(body, installation.id);
  const hasFailed = provisioningState === 'Failed' || provisioningState === 'Canceled';
  if (typeof rows === 'string') {
    const { removed } = planWithoutRows({ body, tables: rows, now, installation });
    if (removed.length > 0) return { due: true, closesSince: new Date(0) };
    return { due: hasFailed && nsgRules.owned.length > 0 };
  }
  const grants = rows.grants.map(({ row }) => row);
  const baselines = rows.baselines.map(({ row }) => row);
  if (grants.length + baselines.length + nsgRules.owned.length === 0) return { due: false };
  const begun = grants.filter(
    (row) => row.state !== 'opening' || nsgRules.byRequest.has(row.requestId) || !isDesired(row, now),
  );
  const planned = plan({ body, rows: begun, baselines, now, installation });
  if (planned.securityRules === undefined) {
    // What there is to note of baselines is noted by a reconcile, which reads the NSG itself.
    const notes = [
      ...baselineMarks(planned.baselines, rows.baselines, { installation: installation.id, now }),
      ...baselineRowsToRemove(planned.baselines, rows.baselines, now),
    ];
    return { due: notes.length > 0 && provisioningState === 'Succeeded' };
  }
  const closesSince = earliestEnd(nsgRules, grants, now, installation.id);
  return { due: true, ...(closesSince === undefined ? {} : { closesSince }) };
}

/** Since when the owned allow stands that should be gone longest; what no row speaks of may stand since ever. */
function earliestEnd(
  { owned }: NsgRules,
  rows: readonly LiveRow[],
  now: Date,
  installation: string,
): Date | undefined {
  const byRequest = new Map(rows.map((row) => [row.requestId, row]));
  const ends = owned
    .filter(({ head }) => head.access !== 'deny')
    .map(({ head }) => byRequest.get(parseOwnedName(head.name, installation)?.requestId ?? ''))
    .filter((row) => row === undefined || !isDesired(row, now))
    .map((row) => Math.min(Date.parse(row?.end ?? '') || 0, now.getTime()));
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}
