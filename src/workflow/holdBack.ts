import { isDesired, type LiveRow } from '../core/accessRequest.ts';
import type { Installation } from '../core/installation.ts';
import type { JsonObject } from '../core/network.ts';
import { readInventory } from '../core/nsgBody.ts';
import { ownedRules } from '../core/ownedRule.ts';
import type { plan } from '../core/plan.ts';
import type { Reason } from '../core/reason.ts';
import type { Stored } from '../core/stores.ts';
import type { OpenStanding } from '../core/writeBudget.ts';

/** Grants that are not open yet, and wait for writes that Azure takes again. */
export interface Held {
  requestIds: ReadonlySet<string>;
  afterSeconds: number;
  reason: Reason;
}

export interface Holding {
  body: JsonObject;
  rows: readonly Stored<LiveRow>[];
  now: Date;
  installation: Installation;
  standing: OpenStanding;
}

/**
 * Which rows an NSG is planned with while what is left of the write budget is kept for closes: without the grants that are
 * not open yet, if nothing else has to be written. If something has, they go with that write and cost nothing.
 */
export function holdBack(
  { body, rows, now, installation, standing }: Holding,
  planner: typeof plan,
): { rows: readonly Stored<LiveRow>[]; held?: Held } {
  if (standing.opens === 'now') return { rows };
  const { byRequest } = readInventory(body, installation.id);
  const waits = ({ row }: Stored<LiveRow>) =>
    isDesired(row, now) && !byRequest.has(row.requestId) && ownedRules(row, installation.id).length > 0;
  const others = rows.filter((one) => !waits(one));
  if (others.length === rows.length) return { rows };
  const rest = planner({ body, rows: others.map(({ row }) => row), now, installation });
  if (rest.securityRules !== undefined) return { rows };
  return {
    rows: others,
    held: {
      requestIds: new Set(rows.filter(waits).map(({ row }) => row.requestId)),
      afterSeconds: standing.retryAfterSeconds,
      reason: { code: 'throttled', message: 'Azure limits our calls, and what is left is kept for closing.' },
    },
  };
}
