import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { InventoryCall, InventoryPage } from '../core/inventory.ts';
import type { NsgDocument } from '../core/network.ts';
import { listingOf, type Listing } from '../core/listing.ts';
import { subscriptionOf } from '../core/resourceId.ts';
import type { Dependencies } from './dependencies.ts';

/** NSGs as they were listed, and whether none is missing. */
export interface ListedNsgs {
  nsgs: readonly NsgDocument[];
  isWhole: boolean;
}

/**
 * Lists machines and interfaces of these subscriptions; `nsgs` are those of the same subscriptions, and all of them if
 * `isWhole`. A list that fails, or that there are no reads left for, leaves its subscription incomplete.
 * Never rejects.
 */
export async function readListing(
  { inventory, log }: Pick<Dependencies, 'inventory' | 'log'>,
  subscriptionIds: readonly string[],
  { nsgs, isWhole }: ListedNsgs,
  correlationId: string,
): Promise<Listing> {
  /** Every item, and the subscriptions of which there are all. */
  async function readAll<Item>(
    list: (call: InventoryCall) => AsyncIterable<InventoryPage<Item>>,
  ): Promise<{ items: Item[]; complete: Set<string> }> {
    const items: Item[] = [];
    const affordable = subscriptionIds.filter((id) => inventory.readsLeft(id) > 0);
    const complete = new Set(affordable);
    try {
      for await (const page of list({ correlationId, subscriptionIds: affordable })) {
        if (page.kind === 'page') items.push(...page.items);
        else {
          complete.delete(page.subscriptionId.toLowerCase());
          notListed(page.message, page.subscriptionId);
        }
      }
      return { items, complete };
    } catch (error) {
      notListed(causeOf(error));
      return { items, complete: new Set() };
    }
  }

  function notListed(cause: string, subscriptionId?: string): void {
    log.warn('targets-not-listed', { correlationId, cause, subscriptionId });
  }

  const [virtualMachines, networkInterfaces] = await Promise.all([
    readAll((call) => inventory.virtualMachines(call)),
    readAll((call) => inventory.networkInterfaces(call)),
  ]);
  return listingOf({
    virtualMachines: virtualMachines.items,
    networkInterfaces: networkInterfaces.items,
    nsgs,
    complete: {
      virtualMachines: virtualMachines.complete,
      networkInterfaces: networkInterfaces.complete,
      nsgs: new Set(isWhole ? subscriptionIds : []),
    },
  });
}

/** The subscriptions that these grants speak of. */
export function subscriptionsOfGrants(grants: readonly Pick<AccessRequest, 'found' | 'targets'>[]): string[] {
  const ids = grants.flatMap(({ found = [], targets }) => [
    ...found.flatMap(({ virtualMachineId, networkInterfaceId }) => [virtualMachineId, networkInterfaceId]),
    ...targets.map(({ nsgId }) => nsgId),
  ]);
  return [...new Set(ids.map(subscriptionOf).filter((id) => id !== ''))];
}
