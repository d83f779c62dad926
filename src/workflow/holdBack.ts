import { isDesired, type LiveRow } from '../core/accessRequest.ts';
import { isMarked, type BaselineRow } from '../core/baseline.ts';
import type { Installation } from '../core/installation.ts';
import type { JsonObject } from '../core/network.ts';
import { readRules } from '../core/nsgBody.ts';
import { ownedRules } from '../core/ownedRule.ts';
import type { plan } from '../core/plan.ts';
import type { Reason } from '../core/reason.ts';
import type { Stored } from '../core/stores.ts';
import { subscriptionOf } from '../core/resourceId.ts';
import type { OpenStanding } from '../core/writeBudget.ts';
import type { Dependencies } from './dependencies.ts';

/** How long what opens has to wait. */
export interface Wait {
  afterSeconds: number;
  reason: Reason;
}

/** Grants that are not open yet, and wait for writes that Azure takes again. */
export interface Held extends Wait {
  requestIds: ReadonlySet<string>;
}

export interface Holding {
  body: JsonObject;
  rows: readonly Stored<LiveRow>[];
  baselines?: readonly BaselineRow[];
  now: Date;
  installation: Installation;
  standing: OpenStanding;
}

/**
 * Whether all that an NSG's rows want is to open, and that has to wait: then nothing need be read of it, and the reads are
 * left to closes. Where anything is open somebody may have widened it, and rows that cannot be read say nothing.
 */
export async function waitsUnread(
  { live, budget, clock }: Pick<Dependencies, 'live' | 'budget' | 'clock'>,
  nsgId: string,
): Promise<Wait | undefined> {
  const standing = budget.standing(subscriptionOf(nsgId));
  if (standing.opens === 'now') return undefined;
  try {
    const { grants: rows, baselines } = await live.allOfNsg(nsgId);
    // One that is to stand, or to go, waits for nobody.
    if (!baselines.every(({ row }) => isMarked(row))) return undefined;
    const now = clock.now();
    const waiting = rows.filter(({ row }) => row.state === 'opening' && isDesired(row, now));
    const shut = rows.filter(({ row }) => row.seen?.state === 'shut' && !isDesired(row, now));
    const isAll = waiting.length > 0 && waiting.length + shut.length === rows.length;
    return isAll ? waitFor(standing.retryAfterSeconds) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Which rows an NSG is planned with while what is left of the write budget is kept for closes: without the grants that are
 * not open yet, if nothing else has to be written. If something has, they go with that write and cost nothing.
 */
export function holdBack(
  { body, rows, baselines = [], now, installation, standing }: Holding,
  planner: typeof plan,
): { rows: readonly Stored<LiveRow>[]; held?: Held } {
  if (standing.opens === 'now') return { rows };
  const waits = opensIn({ body, now, installation });
  const others = rows.filter((one) => !waits(one));
  if (others.length === rows.length) return { rows };
  const rest = planner({ body, rows: others.map(({ row }) => row), baselines, now, installation });
  if (rest.securityRules !== undefined) return { rows };
  return {
    rows: others,
    held: {
      requestIds: new Set(rows.filter(waits).map(({ row }) => row.requestId)),
      ...waitFor(standing.retryAfterSeconds),
    },
  };
}

function waitFor(afterSeconds: number): Wait {
  const message = 'Azure limits our calls, and what is left is kept for closing.';
  return { afterSeconds, reason: { code: 'throttled', message } };
}

/**
 * The rows without the grants that are not open yet while the sweep is not seen to run: nothing is opened that nobody
 * would close, with whatever write. What is open stays as it is.
 */
export async function withoutUnwatched(
  { heartbeat, installation }: Pick<Dependencies, 'heartbeat' | 'installation'>,
  { body, rows, now }: Pick<Holding, 'body' | 'rows' | 'now'>,
): Promise<readonly Stored<LiveRow>[]> {
  const opens = opensIn({ body, now, installation });
  return !rows.some(opens) || (await heartbeat.isFresh()) ? rows : rows.filter((one) => !opens(one));
}

/** Whether a row wants rules of which none is there. */
function opensIn({ body, now, installation }: Pick<Holding, 'body' | 'now' | 'installation'>) {
  const { byRequest } = readRules(body, installation.id);
  return ({ row }: Stored<LiveRow>) =>
    isDesired(row, now) && !byRequest.has(row.requestId) && ownedRules(row, installation.id).length > 0;
}
