import type { Inventory, InventoryCall, InventoryPage } from '../../core/inventory.ts';
import { list, type ListPage, type ListSettings } from './list.ts';
import { readInterface, readMachine, readNsg, readVirtualNetwork } from './listedResources.ts';
import type { SendRaw } from './rawRequest.ts';
import type { ReaderGroups } from './readerGroups.ts';
import type { Unlisted } from './unlisted.ts';

export const subscriptionsVersion = '2022-12-01';
const computeVersion = '2024-07-01';
/** The list of subscriptions belongs to none; the pipeline is chosen by an id, and this one is nobody's. */
export const noSubscription = '00000000-0000-0000-0000-000000000000';

/** One type of resource, and how an item of its lists is read: undefined where it cannot be. */
interface Kind<Item> {
  type: string;
  apiVersion: string;
  read: (item: Record<string, unknown>) => Item | undefined;
}

/** Lists as raw JSON, page by page, subscription by subscription, and by the groups where only these may be read. */
export function createInventory(
  send: SendRaw,
  settings: ListSettings & { apiVersion: string },
  readsLeft: Inventory['readsLeft'],
  { groups, unlisted }: { groups: ReaderGroups; unlisted: Unlisted },
): Inventory {
  async function* subscriptions({ correlationId }: InventoryCall): AsyncGenerator<ListPage> {
    yield* list(send, settings, {
      subscriptionId: noSubscription,
      path: '/subscriptions',
      apiVersion: subscriptionsVersion,
      correlationId,
    });
  }

  async function* each<Item>(call: InventoryCall, kind: Kind<Item>): AsyncGenerator<InventoryPage<Item>> {
    for await (const subscriptionId of idsOf(call)) {
      if (typeof subscriptionId === 'string') yield* inSubscription(subscriptionId, call, kind);
      else yield subscriptionId;
    }
  }

  async function* inSubscription<Item>(
    subscriptionId: string,
    { correlationId, subscriptionIds }: InventoryCall,
    { type, apiVersion, read }: Kind<Item>,
  ): AsyncGenerator<InventoryPage<Item>> {
    const isChosen = subscriptionIds !== undefined || groups.namesIn(subscriptionId) !== undefined;
    for (const scope of groups.pathsOf(subscriptionId)) {
      const path = `${scope}/providers/${type}`;
      for await (const page of list(send, settings, { subscriptionId, path, apiVersion, correlationId })) {
        if (page.kind === 'failed') {
          // Of everything that this identity sees, a subscription in which it may not list is no part: that is told.
          if (page.status === 403 && !isChosen) unlisted.note(subscriptionId, type, page.message);
          else yield failed(subscriptionId, page);
          continue;
        }
        unlisted.forget(subscriptionId, type);
        const items = page.items.map(read);
        yield { kind: 'page', items: items.filter((item) => item !== undefined) };
        // One that cannot be read may be the one that is looked for.
        if (items.includes(undefined)) {
          yield failed(subscriptionId, { message: 'Azure listed something that cannot be read.' });
        }
      }
    }
  }

  /** Ids of subscriptions, or why they are not known. */
  async function* idsOf(call: InventoryCall): AsyncGenerator<string | ReturnType<typeof failed>> {
    if (call.subscriptionIds !== undefined) return yield* call.subscriptionIds;
    const awaited = new Set(groups.subscriptionIds);
    const seen = new Set<string>();
    let isWhole = true;
    for await (const page of subscriptions(call)) {
      if (page.kind === 'failed') {
        isWhole = false;
        yield failed('', page);
        continue;
      }
      for (const { subscriptionId } of page.items) {
        if (!isSubscriptionId(subscriptionId)) continue;
        awaited.delete(subscriptionId.toLowerCase());
        seen.add(subscriptionId.toLowerCase());
        yield subscriptionId;
      }
    }
    if (isWhole) unlisted.keepOnly(seen);
    // Somebody wants them read: that Azure does not show them is no reason to say nothing of them.
    yield* awaited;
  }

  return {
    nsgs: (call) =>
      each(call, {
        type: 'Microsoft.Network/networkSecurityGroups',
        apiVersion: settings.apiVersion,
        read: readNsg,
      }),
    networkInterfaces: (call) =>
      each(call, {
        type: 'Microsoft.Network/networkInterfaces',
        apiVersion: settings.apiVersion,
        read: readInterface,
      }),
    virtualMachines: (call) =>
      each(call, {
        type: 'Microsoft.Compute/virtualMachines',
        apiVersion: computeVersion,
        read: readMachine,
      }),
    virtualNetworks: (call) =>
      each(call, {
        type: 'Microsoft.Network/virtualNetworks',
        apiVersion: settings.apiVersion,
        read: readVirtualNetwork,
      }),
    readsLeft,
  };
}

function isSubscriptionId(id: unknown): id is string {
  return typeof id === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

function failed(
  subscriptionId: string,
  { message, retryAfterSeconds }: { message: string; retryAfterSeconds?: number },
): Extract<InventoryPage<never>, { kind: 'failed' }> {
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { kind: 'failed', subscriptionId, message, ...retry };
}
