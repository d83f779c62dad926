import type {
  Inventory,
  InventoryCall,
  InventoryPage,
  ListedAddress,
  ListedInterface,
  ListedVirtualMachine,
  ListedVirtualNetwork,
} from '../../core/inventory.ts';
import { canonicalPrefix } from '../../core/address.ts';
import type { JsonObject, NsgDocument } from '../../core/network.ts';
import { list, type ListPage, type ListSettings } from './list.ts';
import { isRecord } from './problem.ts';
import type { SendRaw } from './rawRequest.ts';

export const subscriptionsVersion = '2022-12-01';
const computeVersion = '2024-07-01';
/** The list of subscriptions belongs to none; the pipeline is chosen by an id, and this one is nobody's. */
export const noSubscription = '00000000-0000-0000-0000-000000000000';

/** Lists as raw JSON, page by page, subscription by subscription. */
export function createInventory(
  send: SendRaw,
  settings: ListSettings & { apiVersion: string },
  readsLeft: Inventory['readsLeft'],
): Inventory {
  async function* subscriptions({ correlationId }: InventoryCall): AsyncGenerator<ListPage> {
    yield* list(send, settings, {
      subscriptionId: noSubscription,
      path: '/subscriptions',
      apiVersion: subscriptionsVersion,
      correlationId,
    });
  }

  async function* each<Item>(
    call: InventoryCall,
    kind: { type: string; apiVersion: string; read: (item: Record<string, unknown>) => Item | undefined },
  ): AsyncGenerator<InventoryPage<Item>> {
    const { correlationId } = call;
    const ofSubscription = (subscriptionId: string) =>
      list(send, settings, {
        subscriptionId,
        path: `/subscriptions/${subscriptionId}/providers/${kind.type}`,
        apiVersion: kind.apiVersion,
        correlationId,
      });
    for await (const subscriptionId of idsOf(call)) {
      if (typeof subscriptionId !== 'string') {
        yield subscriptionId;
        continue;
      }
      for await (const page of ofSubscription(subscriptionId)) {
        if (page.kind === 'failed') {
          // Of everything that this identity sees, a subscription in which it may not list is no part.
          const isUnseen = page.status === 403 && call.subscriptionIds === undefined;
          if (!isUnseen) yield failed(subscriptionId, page);
          continue;
        }
        const items = page.items.map(kind.read);
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
    for await (const page of subscriptions(call)) {
      if (page.kind === 'failed') yield failed('', page);
      else yield* page.items.map(({ subscriptionId }) => subscriptionId).filter(isSubscriptionId);
    }
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

function readNsg(item: Record<string, unknown>): NsgDocument | undefined {
  const { id, etag, properties } = item;
  if (typeof id !== 'string' || typeof etag !== 'string' || etag === '' || !isRecord(properties)) return;
  const state = properties['provisioningState'];
  return {
    id,
    etag,
    provisioningState: typeof state === 'string' ? state : '',
    // It came out of JSON.parse.
    body: item as JsonObject,
  };
}

function readInterface({ id, properties }: Record<string, unknown>): ListedInterface | undefined {
  if (typeof id !== 'string' || !isRecord(properties)) return undefined;
  const virtualMachineId = idIn(properties['virtualMachine']);
  const nsgId = idIn(properties['networkSecurityGroup']);
  const configurations = properties['ipConfigurations'] ?? [];
  if (!Array.isArray(configurations)) return undefined;
  return {
    id,
    ...(virtualMachineId === undefined ? {} : { virtualMachineId }),
    ...(nsgId === undefined ? {} : { nsgId }),
    addresses: configurations.flatMap(readAddress),
  };
}

/** None where the configuration has no address yet. */
function readAddress(configuration: unknown): ListedAddress[] {
  const properties = isRecord(configuration) ? configuration['properties'] : undefined;
  const address = isRecord(properties) ? properties['privateIPAddress'] : undefined;
  if (!isRecord(properties) || typeof address !== 'string') return [];
  const subnetId = idIn(properties['subnet']);
  const pools = properties['loadBalancerBackendAddressPools'];
  return [
    {
      address,
      ...(subnetId === undefined ? {} : { subnetId }),
      ...(Array.isArray(pools) && pools.length > 0 ? { isBalanced: true } : {}),
    },
  ];
}

function readMachine(item: Record<string, unknown>): ListedVirtualMachine | undefined {
  const { id, location, properties } = item;
  if (typeof id !== 'string' || !isRecord(properties)) return undefined;
  const vmId = properties['vmId'];
  if (typeof vmId !== 'string') return undefined;
  const tags = readTags(item['tags']);
  const osType = memberOf(memberOf(properties['storageProfile'], 'osDisk'), 'osType');
  return {
    id,
    vmId,
    ...(typeof location === 'string' ? { location } : {}),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(typeof osType === 'string' ? { osType } : {}),
  };
}

function readTags(tags: unknown): Record<string, string> {
  if (!isRecord(tags)) return {};
  return Object.fromEntries(
    Object.entries(tags).filter((tag): tag is [string, string] => typeof tag[1] === 'string'),
  );
}

function readVirtualNetwork({ id, properties }: Record<string, unknown>): ListedVirtualNetwork | undefined {
  const subnets = memberOf(properties, 'subnets') ?? [];
  if (typeof id !== 'string' || !Array.isArray(subnets)) return undefined;
  return { id, subnets: subnets.flatMap(readSubnet) };
}

/** Azure shows one prefix in the singular field, several in the plural one. */
function readSubnet(subnet: unknown): ListedVirtualNetwork['subnets'] {
  const id = idIn(subnet);
  const name = memberOf(subnet, 'name');
  if (id === undefined || typeof name !== 'string') return [];
  const one = memberOf(memberOf(subnet, 'properties'), 'addressPrefix');
  const many = memberOf(memberOf(subnet, 'properties'), 'addressPrefixes');
  const texts = [one, ...(Array.isArray(many) ? (many as unknown[]) : [])].filter(
    (text) => typeof text === 'string',
  );
  return [{ id, name, prefixes: texts.flatMap((text) => canonicalPrefix(text) ?? []) }];
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function idIn(reference: unknown): string | undefined {
  const id = isRecord(reference) ? reference['id'] : undefined;
  return typeof id === 'string' ? id : undefined;
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
