import { causeOf } from '../core/cause.ts';
import type { InstallationMarker } from '../core/stores.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { Orchestrations } from './contracts.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { applyBaselines, readBaselineState, type ApplyCall, type BaselineState } from './applyBaselines.ts';
import { endLostByLists, isLookedFor } from './endLost.ts';
import { guidOf } from './guid.ts';
import { createPurge } from './purgeInstances.ts';
import { readListing, subscriptionsOfGrants } from './readListing.ts';
import type { Reconcile } from './reconcileResult.ts';
import { recordPolicies } from './recordPolicy.ts';
import { sealTrail } from './sealTrail.ts';
import type { Step } from './step.ts';
import { createNsgSweep, type NsgSweep } from './sweepNsgs.ts';
import { createRequestSweep, type HoldUp } from './sweepRequests.ts';
import { walkRequests, type Walk } from './walkRequests.ts';

/** What one sweep did, for the log. */
export interface SweepReport {
  /** Requests that were looked at. */
  seen: number;
  stepped: number;
  restarted: number;
  removed: number;
  failed: number;
  /** Grants whose machine is not what it was made for. */
  ended: number;
  /** Requests and NSGs that the time limit or the read budget did not reach; the next sweep begins with all of them again. */
  left: number;
  /** Pages of NSGs that were asked for: one read of ARM each. */
  pages: number;
  /** NSGs on them. */
  listed: number;
  /** Of these, the ones that are known or hold a rule of ours. */
  judged: number;
  /** NSGs that were read singly, and written where that was due. */
  reconciled: number;
  /** Of these, the ones that came to no end. */
  unsettled: number;
  /** Histories of finished orchestrations that were deleted. */
  purged: number;
  /** It could read everything and looked at everything: it has written the heartbeat. */
  complete: boolean;
}

export type Sweep = (orchestrations: Orchestrations) => Promise<SweepReport>;

export interface SweepParts {
  step: Step;
  reconcile: Reconcile;
  /** How often the sweep runs. */
  periodSeconds: number;
  /** How long before its end a grant is said to end soon; 0: never. */
  warnSeconds: number;
}

/** Leftovers are looked for in every NSG that can be seen once in so many seconds. */
const listEvery = 15 * 60;
/** Seconds after which no further grant is ended whose machine is gone; the function's own time-out is five minutes. */
const endLostWithin = 210;

/**
 * Makes the sweep, which trusts no orchestration and no event: it goes by rows, by what Azure shows, and by the clock. It
 * closes itself what is past its end, on every NSG that is known and on every other that a list shows with a rule of
 * ours, wakes or replaces orchestrations, seals the audit and purges. Nothing to do is nothing written but the heartbeat.
 *
 * One sweep serves one process: it remembers what was rung, what rests, and when everything was listed last. Tables that
 * cannot be read stop only what needs them: it is logged, and the heartbeat is missing.
 */
export function createSweep(
  dependencies: Dependencies,
  { step, reconcile, periodSeconds, warnSeconds }: SweepParts,
): Sweep {
  const { nsgs: records, sweepState, clock, log, newId } = dependencies;
  const sweepNsgs = createNsgSweep(dependencies, reconcile, periodSeconds);
  const sweepRequests = createRequestSweep(dependencies, step, warnSeconds);
  const purge = createPurge();
  let listedAt: Date | undefined;

  return async function sweep(orchestrations) {
    const began = clock.now();
    const correlationId = guidOf(newId());
    const [{ marker, walk, known, unsettled, isLost, isRead }, baselines] = await Promise.all([
      readTables(began),
      attempt(() => readBaselineState(dependencies), tellUnapplied),
    ]);
    const isDue = listedAt === undefined || began >= secondsAfter(listedAt, listEvery);
    const all = isLost || !isRead || isDue;
    const nsgs = await sweepNsgs({
      began,
      correlationId,
      known,
      records: unsettled,
      all,
      subscriptionIds: baselines?.subscriptionIds ?? [],
      ...(isLost ? { withoutRows: 'lost' as const } : {}),
    });
    let isMarked = marker !== undefined;
    if (all && nsgs.isWhole && isRead) {
      await attempt(async () => {
        isMarked ||= await judgeUnmarked(nsgs, began);
        if (isMarked) await sweepState.listed(began.toISOString());
        listedAt = began;
      }, tellUnnoted);
    }
    const requests = await sweepRequests(walk.requests, orchestrations, { began, holdUpOf: holdUpBy(nsgs) });
    const grants = walk.requests.flatMap(({ stored }) => stored?.row ?? []);
    const subscriptionIds = [
      ...new Set([
        ...subscriptionsOfGrants(grants.filter(isLookedFor)),
        ...(baselines?.subscriptionIds ?? []),
      ]),
    ];
    const listing = await readListing(dependencies, subscriptionIds, nsgs, correlationId);
    const notAfter = secondsAfter(began, endLostWithin);
    const ended = await endLostByLists(dependencies, grants, listing, {
      actor: 'sweep',
      correlationId,
      notAfter,
      close: ({ id }) => step(id, 'sweep'),
    });
    // What stands without tables is touched by nobody; and what is set before they have their marker looks like that.
    if (marker !== undefined)
      await applyBaselinesBy(baselines, { correlationId, listing, ...nsgs, notAfter });

    const left = walk.left + requests.left + nsgs.left;
    const isComplete = isRead && isMarked && walk.isWhole && !nsgs.isBlind && left === 0;
    const beaten = isComplete ? await attempt(() => beat(began), tellUnnoted) : undefined;
    if (beaten !== undefined) await ringWaiting(walk, orchestrations);
    // Nothing waits for these: what could not be recorded, sealed or purged is met again by a later sweep.
    await recordPolicies(dependencies, baselines?.policies ?? []);
    await attempt(
      () => sealTrail(dependencies),
      (cause) => log.error('seal-failed', { cause }),
    );
    const purged = await attempt(
      () => purgeBy(marker, orchestrations),
      (cause) => log.error('purge-failed', { cause }),
    );
    return {
      seen: walk.requests.length + walk.failed - requests.left,
      stepped: requests.stepped,
      restarted: requests.restarted,
      removed: requests.removed,
      failed: requests.failed + walk.failed,
      ended,
      left,
      pages: nsgs.pages,
      listed: nsgs.nsgs.length,
      judged: nsgs.judged,
      reconciled: nsgs.reconciled,
      unsettled: nsgs.unsettled.size,
      purged: purged ?? 0,
      complete: beaten !== undefined,
    };
  };

  /**
   * The marker, the requests that have not ended, and the NSGs that have live rows or are remembered: each as far as it
   * can be read. At once, for what does not answer takes its time.
   */
  async function readTables(began: Date) {
    const tell = (cause: string) => log.error('sweep-blind: closing by what can be read', { cause });
    const [marker, walk, unsettled, remembered] = await Promise.all([
      attempt(async () => ({ found: await sweepState.marker() }), tell),
      attempt(() => walkRequests(dependencies, began), tell),
      attempt(() => records.unsettled(), tell),
      attempt(() => records.nsgIds(), tell),
    ]);
    const targets = walk?.requests.flatMap(({ stored }) => stored?.row.targets ?? []) ?? [];
    const ids = [...(remembered ?? []), ...targets.map(({ nsgId }) => nsgId)];
    return {
      marker: marker?.found,
      walk: walk ?? nothingWalked,
      known: [...new Map(ids.map((id) => [canonicalId(id), id])).values()],
      unsettled: unsettled ?? [],
      isLost: marker !== undefined && marker.found === undefined,
      isRead: [marker, walk, unsettled, remembered].every((part) => part !== undefined),
    };
  }

  /**
   * Every NSG was listed and there is no marker: it is made where there is nothing of ours, and where nobody has ever
   * found something. Otherwise the tables are lost, and a person must say what is to become of what is there.
   */
  async function judgeUnmarked({ owning }: NsgSweep, began: Date): Promise<boolean> {
    const lostSince = await sweepState.lostSince();
    if (owning > 0 || lostSince !== undefined) {
      await sweepState.sayLost(began.toISOString());
      log.error('tables-lost: run installation:adopt', { networkSecurityGroups: owning, since: lostSince });
      return false;
    }
    await sweepState.insertMarker({ madeAt: began.toISOString(), madeBy: 'sallyport' });
    return true;
  }

  async function beat(began: Date): Promise<true> {
    await sweepState.beat(began.toISOString());
    return true;
  }

  /** Those that wait for the heartbeat need not wait for their own timer as well. */
  async function ringWaiting({ requests }: Walk, orchestrations: Orchestrations): Promise<void> {
    for (const { stored } of requests) {
      if (stored?.row.state !== 'opening' || stored.row.waiting?.reason === undefined) continue;
      await attempt(
        () => orchestrations.ring(stored.row.instance),
        (cause) => log.error('ring-left-to-sweep', { requestId: stored.row.id, cause }),
      );
    }
  }

  async function purgeBy(
    marker: InstallationMarker | undefined,
    orchestrations: Orchestrations,
  ): Promise<number> {
    return marker === undefined ? 0 : purge(orchestrations, new Date(marker.madeAt), clock.now());
  }

  /** Nothing that has to be closed waits for it; what has not settled is met again by the next sweep. */
  async function applyBaselinesBy(state: BaselineState | undefined, call: ApplyCall): Promise<void> {
    if (state === undefined) return;
    const isUpdating = state.policies.some(({ row }) => row.provisioning.state === 'updating');
    if (state.subscriptionIds.length === 0 && !isUpdating) return;
    await attempt(() => applyBaselines(dependencies, reconcile, state, call), tellUnapplied);
  }

  function tellUnapplied(cause: string): void {
    log.error('baselines-not-applied', { cause });
  }

  function tellUnnoted(cause: string): void {
    log.error('sweep-not-noted', { cause });
  }
}

async function attempt<T>(work: () => Promise<T>, tell: (cause: string) => void): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    tell(causeOf(error));
    return undefined;
  }
}

const nothingWalked: Walk = { requests: [], failed: 0, left: 0, isWhole: false };

function holdUpBy({ unsettled, resting }: NsgSweep): HoldUp {
  return (nsgId) => {
    const key = canonicalId(nsgId);
    if (unsettled.has(key)) return 'unsettled';
    return resting.has(key) ? 'resting' : undefined;
  };
}
