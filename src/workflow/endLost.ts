import { isRunning, type AccessRequest, type FoundVirtualMachine } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { Inventory } from '../core/inventory.ts';
import type { Listing } from '../core/listing.ts';
import { enterState } from '../core/journal.ts';
import type { ResolveRefusal, VirtualMachineNetwork } from '../core/network.ts';
import type { Reason } from '../core/reason.ts';
import { reasonToEnd, stateListed, stateResolved, type TargetState } from '../core/targetState.ts';
import { canonicalId, subscriptionOf } from '../core/resourceId.ts';
import { changeRequest } from './changeRequest.ts';
import type { Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { settle } from './settle.ts';

export interface EndLostCall {
  actor: 'sallyport' | 'sweep';
  correlationId: string;
  /** No machine is read and no grant is ended after this; whoever looks next goes on. */
  notAfter: Date;
  /** What comes after a grant's row and live rows say that it is closing. */
  close: (request: AccessRequest) => Promise<unknown>;
}

type EndLostDependencies = Pick<
  Dependencies,
  'requests' | 'live' | 'audit' | 'network' | 'inventory' | 'clock' | 'log'
>;

/** Reads that finding one machine costs where nothing is unusual. */
const readsPerMachine = 5;

/**
 * Reads the machines of these grants singly and ends each grant whose machine is not what it was made for: deleted, made
 * anew, behind another interface, address or NSG. What Azure does not say ends nothing. Returns how many were ended.
 */
export async function endLost(
  dependencies: EndLostDependencies,
  grants: readonly AccessRequest[],
  call: EndLostCall,
): Promise<number> {
  const { network, inventory, clock, log } = dependencies;
  const { correlationId, notAfter } = call;
  const resolved = new Map<string, VirtualMachineNetwork | ResolveRefusal>();
  const machines = new Map(
    grants.flatMap(({ found = [] }) =>
      found.map(({ virtualMachineId }) => [canonicalId(virtualMachineId), virtualMachineId]),
    ),
  );
  await inParallel([...machines], async ([key, id]) => {
    if (clock.now() > notAfter || !hasReads(inventory, id)) return;
    try {
      resolved.set(key, await network.resolveVirtualMachine(id, { correlationId }));
    } catch (error) {
      log.warn('target-unread', { virtualMachineId: id, correlationId, cause: causeOf(error) });
    }
  });

  let ended = 0;
  await inParallel(grants.filter(isRunning), async (grant) => {
    const reason = reasonOf(dependencies, grant, correlationId, (found) => {
      const network = resolved.get(canonicalId(found.virtualMachineId));
      return network === undefined ? { kind: 'unknown' } : stateResolved(found, network);
    });
    if (reason === undefined || clock.now() > notAfter) return;
    try {
      if (await endGrant(dependencies, grant.id, reason, call)) ended += 1;
    } catch (error) {
      // One that cannot be ended now keeps no other from it; whoever asked asks again.
      log.error('end-failed', { requestId: grant.id, correlationId, cause: causeOf(error) });
    }
  });
  return ended;
}

/**
 * The same for every running grant, from lists: only where a list shows something else than was found is the machine read
 * singly, for a list may lag behind.
 */
export async function endLostByLists(
  dependencies: EndLostDependencies,
  grants: readonly AccessRequest[],
  listing: Listing,
  call: EndLostCall,
): Promise<number> {
  const running = grants.filter(isLookedFor);
  const suspects = running.filter(
    (grant) =>
      reasonOf(dependencies, grant, call.correlationId, (found) => stateListed(grant, found, listing)) !==
      undefined,
  );
  return endLost(dependencies, suspects, call);
}

/** Whether lists are read for a grant. */
export function isLookedFor(grant: AccessRequest): boolean {
  return isRunning(grant) && grant.found !== undefined;
}

/** As `reasonToEnd`; a row that somebody has damaged ends nothing, and keeps nothing else from being looked at. */
function reasonOf(
  { log }: Pick<Dependencies, 'log'>,
  grant: AccessRequest,
  correlationId: string,
  stateOf: (found: FoundVirtualMachine) => TargetState,
): Reason | undefined {
  try {
    return reasonToEnd(grant, stateOf);
  } catch (error) {
    log.error('end-failed', { requestId: grant.id, correlationId, cause: causeOf(error) });
    return undefined;
  }
}

/** Writes that a running grant is closing, and has it closed. False where it was not running any more. */
export async function endGrant(
  dependencies: EndLostDependencies,
  requestId: string,
  reason: Reason,
  { actor, close }: Pick<EndLostCall, 'actor' | 'close'>,
): Promise<boolean> {
  const { requests, clock, log } = dependencies;
  const seenAt = clock.now();
  const { stored, changed } = await changeRequest(requests, requestId, (current) =>
    isRunning(current)
      ? enterState(
          current,
          'closing',
          { at: clock.now(), actor, reasons: [reason] },
          {
            outcome: current.state === 'active' ? 'closed' : 'failed',
            reason,
            nextDue: clock.now().toISOString(),
          },
        )
      : undefined,
  );
  if (!changed) return false;
  log.info('grant-ended', { requestId, code: reason.code, correlationId: stored.row.correlationId });
  try {
    await settle(dependencies, stored.row, seenAt);
  } finally {
    // Also when the live rows could not be written: the step writes them.
    await close(stored.row);
  }
  return true;
}

function hasReads(inventory: Inventory, virtualMachineId: string): boolean {
  return inventory.readsLeft(subscriptionOf(virtualMachineId)) >= readsPerMachine;
}
