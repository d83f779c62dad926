import { finalStates, type AccessRequest, type LiveRow } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { NetworkHint } from '../core/networkHint.ts';
import { canonicalId, subscriptionOf } from '../core/resourceId.ts';
import type { FollowHint, Orchestrations } from './contracts.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { endGrant, endLost } from './endLost.ts';
import { inParallel } from './inParallel.ts';
import { createPace } from './pace.ts';
import type { Reconcile } from './reconcileResult.ts';

/** At most one look at an NSG, and one at all hinted machines, begins in this many seconds. */
const pauseSeconds = 2;
/** A hint is followed for so long and no longer: Event Grid sends again what is not answered within 30 s. */
const patienceSeconds = 25;
/** What was looked at longer ago than this is forgotten: a later copy of its event costs a read. */
const rememberSeconds = 3600;

/**
 * Makes the function that follows hints: an NSG that we have grants on is reconciled, and grants on a machine that is not
 * what it was end. Whoever can send hints can make us look, at a bounded rate, and nothing else: what is done is decided
 * from rows and from what Azure itself answers. A hint never fails, for whoever sends it would send it again for ever;
 * what is missed is found by the sweep.
 */
export function createFollowHint(dependencies: Dependencies, reconcileNsg: Reconcile): FollowHint {
  const { requests, live, inventory, clock, log } = dependencies;
  const pace = createPace(clock, pauseSeconds);
  /** Canonical id → when what is known of it was asked for; what happened before that is known. */
  const lookedAt = new Map<string, Date>();
  /** Canonical ids of machines and interfaces that the next look is for. */
  let hinted = new Set<string>();
  /** Ids of the machines and interfaces of each request: they never change, and reading every row each time is much. */
  const resourcesOf = new Map<string, string[]>();

  return async (hint, { orchestrations, correlationId }) => {
    const key = canonicalId(hint.id);
    if (isKnown(key, hint)) return;
    if (hint.kind === 'nsg') {
      await pace(key, () => bounded(hint, () => lookAtNsg(hint, orchestrations, correlationId)));
      return;
    }
    hinted.add(key);
    await pace('machines', () => bounded(hint, () => lookAtMachines(orchestrations, correlationId)));
  };

  /** Reconciles the NSG; the grants of one that is no more end. */
  async function lookAtNsg(
    hint: NetworkHint,
    orchestrations: Orchestrations,
    correlationId: string,
  ): Promise<void> {
    const key = canonicalId(hint.id);
    const { grants, baselines } = await live.allOfNsg(hint.id);
    const rows = grants.map(({ row }) => row);
    const first = rows.find(({ state }) => !finalStates.has(state)) ?? baselines[0]?.row;
    // Our own writes raise events too: what was read back after them shows what there is to know.
    if (first === undefined || rows.some((row) => isSeenSince(row, hint)) || !hasReads(hint.id)) return;
    const result = await reconcileNsg(first.nsgId, { correlationId, purpose: 'open' });
    log.info('hint-followed', { nsgId: first.nsgId, correlationId, result: result.kind });
    if (result.kind === 'converged') remember(key, result.readAt);
    if (result.kind !== 'gone') return;
    await inParallel(
      rows.filter(({ state }) => !finalStates.has(state)),
      async ({ requestId }) => {
        await endGrant(dependencies, requestId, result.reason, callOf(orchestrations, correlationId));
      },
    );
  }

  /** Ends the grants on hinted machines, and behind hinted interfaces, that are not what they were. */
  async function lookAtMachines(orchestrations: Orchestrations, correlationId: string): Promise<void> {
    const now = clock.now();
    const wanted = hinted;
    hinted = new Set();
    const grants = await grantsOn(wanted);
    if (grants.length > 0) {
      const call = {
        ...callOf(orchestrations, correlationId),
        correlationId,
        notAfter: secondsAfter(now, patienceSeconds),
      };
      const ended = await endLost(dependencies, grants, call);
      log.info('hint-followed', { grants: grants.length, ended, correlationId });
    }
    // What is of no grant is asked for again with its next event: there may be any number of such names.
    const ours = new Set([...resourcesOf.values()].flat());
    for (const key of wanted) if (ours.has(key)) remember(key, now);
  }

  async function grantsOn(wanted: ReadonlySet<string>): Promise<AccessRequest[]> {
    const unended = (await live.unended()).filter(({ endedAt }) => endedAt === undefined);
    const known = new Set(unended.map(({ requestId }) => requestId));
    for (const requestId of resourcesOf.keys()) if (!known.has(requestId)) resourcesOf.delete(requestId);
    const grants: AccessRequest[] = [];
    await inParallel(unended, async ({ requestId }) => {
      const cached = resourcesOf.get(requestId);
      if (cached?.some((id) => wanted.has(id)) === false) return;
      const row = (await requests.get(requestId))?.row;
      if (row === undefined) return;
      const resources = (row.found ?? []).flatMap((found) => [
        canonicalId(found.virtualMachineId),
        canonicalId(found.networkInterfaceId),
      ]);
      resourcesOf.set(requestId, resources);
      if (resources.some((id) => wanted.has(id))) grants.push(row);
    });
    return grants;
  }

  function callOf(orchestrations: Orchestrations, correlationId: string) {
    return {
      actor: 'sallyport' as const,
      close: async ({ id, instance }: AccessRequest) => {
        try {
          await orchestrations.ring(instance);
        } catch (error) {
          log.error('ring-left-to-sweep', { requestId: id, correlationId, cause: causeOf(error) });
        }
      },
    };
  }

  /** Never rejects, and does not wait for what hangs. */
  async function bounded(hint: NetworkHint, work: () => Promise<void>): Promise<void> {
    const done = work().catch((error: unknown) => {
      log.error('hint-failed', { kind: hint.kind, id: hint.id, cause: causeOf(error) });
    });
    await Promise.race([done, clock.sleep(patienceSeconds * 1000)]);
  }

  function isKnown(key: string, { at }: NetworkHint): boolean {
    const looked = lookedAt.get(key);
    return looked !== undefined && looked >= at;
  }

  function remember(key: string, at: Date): void {
    const forgotten = secondsAfter(clock.now(), -rememberSeconds);
    for (const [other, looked] of lookedAt) if (looked < forgotten) lookedAt.delete(other);
    lookedAt.set(key, at);
  }

  function hasReads(nsgId: string): boolean {
    return inventory.readsLeft(subscriptionOf(nsgId)) > 0;
  }
}

function isSeenSince({ seen }: LiveRow, { at }: NetworkHint): boolean {
  return seen !== undefined && Date.parse(seen.readAt) >= at.getTime();
}
