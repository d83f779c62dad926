import type { NsgDocument } from './network.ts';

/** One address of a network interface. */
export interface ListedAddress {
  /** As Azure shows it. */
  address: string;
  subnetId?: string;
  /** It is in the backend pool of a load balancer, whose probe may ask for a port there. */
  isBalanced?: true;
}

/** A network interface as a list shows it. */
export interface ListedInterface {
  id: string;
  virtualMachineId?: string;
  nsgId?: string;
  addresses: ListedAddress[];
}

/** A virtual machine as a list shows it. */
export interface ListedVirtualMachine {
  id: string;
  /** Azure's own id of this very machine. */
  vmId: string;
  location?: string;
  /** Left out where there are none. */
  tags?: Record<string, string>;
  /** `Linux` or `Windows`, as Azure spells it. */
  osType?: string;
}

/** A virtual network as a list shows it: its subnets with their names and canonical prefixes. */
export interface ListedVirtualNetwork {
  id: string;
  subnets: { id: string; name: string; prefixes: string[] }[];
}

/** One page of a list, or the end of what one subscription gave: the others are listed all the same. */
export type InventoryPage<Item> =
  | { kind: 'page'; items: Item[] }
  | { kind: 'failed'; subscriptionId: string; message: string; retryAfterSeconds?: number };

export interface InventoryCall {
  correlationId: string;
  /** Only these subscriptions; left out, every one that this identity may list in. */
  subscriptionIds?: readonly string[];
}

/** Lists of what there is, by the page: one read for many resources. Nothing is decided to be absent after a `failed`. */
export interface Inventory {
  /** A failed list of subscriptions is a `failed` with an empty subscriptionId. */
  nsgs(call: InventoryCall): AsyncIterable<InventoryPage<NsgDocument>>;
  networkInterfaces(call: InventoryCall): AsyncIterable<InventoryPage<ListedInterface>>;
  virtualMachines(call: InventoryCall): AsyncIterable<InventoryPage<ListedVirtualMachine>>;
  virtualNetworks(call: InventoryCall): AsyncIterable<InventoryPage<ListedVirtualNetwork>>;
  /** How many reads of a subscription may be spent now without touching what is kept for closes. */
  readsLeft(subscriptionId: string): number;
}
