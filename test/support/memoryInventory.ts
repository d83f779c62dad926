import type {
  Inventory,
  InventoryCall,
  InventoryPage,
  ListedInterface,
  ListedVirtualMachine,
  ListedVirtualNetwork,
} from '../../src/core/inventory.ts';
import type { JsonObject, NsgDocument, VirtualMachineNetwork } from '../../src/core/network.ts';
import type { Closability, Rights } from '../../src/core/rights.ts';
import type { OpenStanding, WriteBudget } from '../../src/core/writeBudget.ts';
import type { ListName } from '../contracts/inventory.ts';
import type { MemoryNetwork } from './memoryNetwork.ts';

/** Lists of a network in memory, and the hands to make them fail. */
export interface MemoryInventory extends Inventory {
  /** Pages of the list fail, in whatever subscription: after `skip` that do not, `times`, else once. */
  fail(
    list: ListName,
    failure?: { message?: string; retryAfterSeconds?: number },
    when?: { skip?: number; times?: number },
  ): void;
  /** Reads that lists may spend; 150 unless told otherwise. */
  setReadsLeft(reads: number): void;
  /** What lists show of a machine besides its id; it replaces what was said before. */
  describe(virtualMachineId: string, shown: Omit<ListedVirtualMachine, 'id' | 'vmId'>): void;
  /** Adds or replaces an interface besides the primary ones that the network knows. */
  addInterface(one: ListedInterface): void;
  addVirtualNetwork(one: ListedVirtualNetwork): void;
  /** Every page that was asked for, in order. */
  readonly pages: { list: ListName; subscriptionId: string; correlationId: string }[];
}

/** Lists what is in a network in memory: its NSGs, and its machines as interfaces and as virtual machines. */
export function createMemoryInventory(
  network: Pick<MemoryNetwork, 'documents' | 'machines'>,
  { pageSize = 100 }: { pageSize?: number } = {},
): MemoryInventory {
  const pages: MemoryInventory['pages'] = [];
  /** What the next pages of each list come to: undefined where nothing happens. */
  const plans: Record<ListName, ({ message: string; retryAfterSeconds?: number } | undefined)[]> = {
    nsgs: [],
    networkInterfaces: [],
    virtualMachines: [],
    virtualNetworks: [],
  };
  const shown = new Map<string, Omit<ListedVirtualMachine, 'id' | 'vmId'>>();
  const interfaces = new Map<string, ListedInterface>();
  const networks = new Map<string, ListedVirtualNetwork>();
  let reads = 150;

  async function* each<Item extends { id: string }>(
    list: ListName,
    { correlationId, subscriptionIds }: InventoryCall,
    all: () => Item[],
  ): AsyncGenerator<InventoryPage<Item>> {
    for (const subscriptionId of subscriptionIds ?? subscriptionsOf()) {
      const ofSubscription = all().filter(({ id }) => subscriptionOf(id) === subscriptionId.toLowerCase());
      for (let from = 0; from === 0 || from < ofSubscription.length; from += pageSize) {
        await Promise.resolve();
        pages.push({ list, subscriptionId, correlationId });
        const failure = plans[list].shift();
        if (failure !== undefined) {
          yield { kind: 'failed', subscriptionId, ...failure };
          break;
        }
        yield { kind: 'page', items: structuredClone(ofSubscription.slice(from, from + pageSize)) };
      }
    }
  }

  function subscriptionsOf(): string[] {
    const ids = [
      ...network.documents().map(({ id }) => id),
      ...network.machines().map(({ virtualMachineId }) => virtualMachineId),
    ];
    return [...new Set(ids.map(subscriptionOf))];
  }

  return {
    pages,
    nsgs: (call) =>
      each('nsgs', call, () => network.documents().map((nsg) => withSubnets(nsg, network.machines()))),
    networkInterfaces: (call) =>
      each('networkInterfaces', call, () => [...network.machines().map(interfaceOf), ...interfaces.values()]),
    virtualMachines: (call) =>
      each('virtualMachines', call, () =>
        network.machines().map((machine) => ({
          ...machineOf(machine),
          ...shown.get(machine.virtualMachineId.toLowerCase()),
        })),
      ),
    virtualNetworks: (call) => each('virtualNetworks', call, () => [...networks.values()]),
    describe(virtualMachineId, facts) {
      shown.set(virtualMachineId.toLowerCase(), facts);
    },
    addInterface(one) {
      interfaces.set(one.id.toLowerCase(), one);
    },
    addVirtualNetwork(one) {
      networks.set(one.id.toLowerCase(), one);
    },
    readsLeft: () => reads,
    fail(list, failure = {}, { skip = 0, times = 1 } = {}) {
      const plan = { message: 'Azure did not answer.', ...failure };
      plans[list].push(...Array.from({ length: skip }, () => undefined));
      plans[list].push(...Array.from({ length: times }, () => plan));
    },
    setReadsLeft(left) {
      reads = left;
    },
  };
}

function interfaceOf(machine: VirtualMachineNetwork): ListedInterface {
  const { networkInterfaceId, virtualMachineId, subnetId, addresses, nsgIds } = machine;
  // The subnet's comes first, the interface's last; where there is but one it is taken for the interface's.
  const nsgId = nsgIds.at(-1);
  return {
    id: networkInterfaceId,
    virtualMachineId,
    ...(nsgId === undefined ? {} : { nsgId }),
    addresses: addresses.map(({ address }) => ({ address, ...(subnetId === undefined ? {} : { subnetId }) })),
  };
}

/** The NSG as a list shows it, with the subnets that it stands before: those of machines that have another one behind it. */
function withSubnets(nsg: NsgDocument, machines: VirtualMachineNetwork[]): NsgDocument {
  const subnets = machines
    .filter(({ nsgIds }) => nsgIds.slice(0, -1).some((id) => id.toLowerCase() === nsg.id.toLowerCase()))
    .flatMap(({ subnetId }) => (subnetId === undefined ? [] : [{ id: subnetId }]));
  if (subnets.length === 0) return nsg;
  const properties = nsg.body['properties'] as JsonObject;
  return { ...nsg, body: { ...nsg.body, properties: { ...properties, subnets } } };
}

function machineOf({ virtualMachineId, vmId }: VirtualMachineNetwork): ListedVirtualMachine {
  return { id: virtualMachineId, vmId: vmId ?? virtualMachineId.toLowerCase() };
}

function subscriptionOf(id: string): string {
  return /^\/subscriptions\/([^/]+)/i.exec(id)?.[1]?.toLowerCase() ?? '';
}

/** Rights that a test gives and takes; whatever was not spoken of can be closed. */
export interface MemoryRights extends Rights {
  set(nsgId: string, closability: Closability): void;
  /** Ids that were asked about, in order. */
  readonly asked: string[];
}

export function createMemoryRights(): MemoryRights {
  const known = new Map<string, Closability>();
  const asked: string[] = [];
  return {
    asked,
    closability(nsgId) {
      asked.push(nsgId);
      return Promise.resolve(known.get(nsgId.toLowerCase()) ?? { kind: 'closable' });
    },
    set(nsgId, closability) {
      known.set(nsgId.toLowerCase(), closability);
    },
  };
}

/** A write budget that is as large as a test says; unlimited at first. */
export interface MemoryBudget extends WriteBudget {
  set(standing: OpenStanding): void;
}

export function createMemoryBudget(): MemoryBudget {
  let standing: OpenStanding = { opens: 'now' };
  return {
    standing: () => standing,
    set(next) {
      standing = next;
    },
  };
}
