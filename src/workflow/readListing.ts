import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import type { InventoryCall, InventoryPage } from '../core/inventory.ts';
import type { NsgDocument } from '../core/network.ts';
import type { Listing } from '../core/targetState.ts';
import { canonicalId } from '../core/virtualMachineId.ts';
import type { Dependencies } from './dependencies.ts';

/** NSGs as they were listed, and whether none is missing. */
export interface ListedNsgs {
  nsgs: readonly NsgDocument[];
  isWhole: boolean;
}

/**
 * Lists machines and interfaces of the subscriptions that these grants speak of; `nsgs` are those of the same subscriptions,
 * and all of them if `isWhole`. A list that fails, or that there are no reads left for, leaves its subscription incomplete.
 * Never rejects.
 */
export async function readListing(
  { inventory, log }: Pick<Dependencies, 'inventory' | 'log'>,
  grants: readonly Pick<AccessRequest, 'found' | 'targets'>[],
  { nsgs, isWhole }: ListedNsgs,
  correlationId: string,
): Promise<Listing> {
  const subscriptionIds = subscriptionsOf(grants);

  /** Passes every item on; returns the subscriptions of which all were. */
  async function readAll<Item>(
    list: (call: InventoryCall) => AsyncIterable<InventoryPage<Item>>,
    take: (item: Item) => void,
  ): Promise<Set<string>> {
    const affordable = subscriptionIds.filter((id) => inventory.readsLeft(id) > 0);
    const complete = new Set(affordable);
    try {
      for await (const page of list({ correlationId, subscriptionIds: affordable })) {
        if (page.kind === 'page') page.items.forEach(take);
        else {
          complete.delete(page.subscriptionId.toLowerCase());
          notListed(page.message, page.subscriptionId);
        }
      }
      return complete;
    } catch (error) {
      notListed(causeOf(error));
      return new Set();
    }
  }

  function notListed(cause: string, subscriptionId?: string): void {
    log.warn('targets-not-listed', { correlationId, cause, subscriptionId });
  }

  const virtualMachines: MapOf<'virtualMachines'> = new Map();
  const networkInterfaces: MapOf<'networkInterfaces'> = new Map();
  const [listedMachines, listedInterfaces] = await Promise.all([
    readAll(
      (call) => inventory.virtualMachines(call),
      (machine) => virtualMachines.set(canonicalId(machine.id), machine),
    ),
    readAll(
      (call) => inventory.networkInterfaces(call),
      (one) => networkInterfaces.set(canonicalId(one.id), one),
    ),
  ]);
  return {
    ...{ virtualMachines, networkInterfaces },
    subnetsOfNsgs: new Map(nsgs.map((nsg) => [canonicalId(nsg.id), subnetsOf(nsg)])),
    complete: {
      ...{
        virtualMachines: listedMachines,
        networkInterfaces: listedInterfaces,
        nsgs: new Set(isWhole ? subscriptionIds : []),
      },
    },
  };
}

type MapOf<Name extends 'virtualMachines' | 'networkInterfaces'> =
  Listing[Name] extends ReadonlyMap<string, infer Item> ? Map<string, Item> : never;

function subscriptionsOf(grants: readonly Pick<AccessRequest, 'found' | 'targets'>[]): string[] {
  const ids = grants.flatMap(({ found = [], targets }) => [
    ...found.flatMap(({ virtualMachineId, networkInterfaceId }) => [virtualMachineId, networkInterfaceId]),
    ...targets.map(({ nsgId }) => nsgId),
  ]);
  return [...new Set(ids.flatMap((id) => canonicalId(id).split('/')[2] ?? []))];
}

function subnetsOf({ body }: NsgDocument): Set<string> {
  const { properties } = body;
  const subnets =
    typeof properties === 'object' && properties !== null && !Array.isArray(properties)
      ? properties['subnets']
      : undefined;
  const ids = (Array.isArray(subnets) ? subnets : []).flatMap((subnet) =>
    typeof subnet === 'object' && subnet !== null && !Array.isArray(subnet) ? (subnet['id'] ?? []) : [],
  );
  return new Set(ids.flatMap((id) => (typeof id === 'string' ? canonicalId(id) : [])));
}
