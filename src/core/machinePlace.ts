import { canonicalPrefix } from './address.ts';
import type { ListedInterface, ListedVirtualMachine } from './inventory.ts';
import type { Listing } from './listing.ts';
import { canonicalId, subscriptionOf } from './resourceId.ts';

/** Where a machine is to be kept shut, as lists show it. */
export type MachinePlace =
  /** A list was not read to its end: nothing is decided. */
  | { kind: 'unknown' }
  /** It is in no list of its subscription. */
  | { kind: 'gone' }
  | {
      kind: 'there';
      machine: ListedVirtualMachine;
      /** Canonical id of an NSG → the machine's private addresses behind it, as canonical prefixes. */
      behind: ReadonlyMap<string, string[]>;
      /** Addresses before which no NSG stands. */
      bare: string[];
      /** Addresses that another machine has behind each of their NSGs, and that other's interface. */
      shared: { address: string; other: string }[];
    };

/** Makes the function that places machines, so that the interfaces are sorted by machine once. */
export function createMachinePlaces(listing: Listing): (virtualMachineId: string) => MachinePlace {
  const interfaces = new Map<string, ListedInterface[]>();
  for (const one of listing.networkInterfaces.values()) {
    if (one.virtualMachineId === undefined) continue;
    const key = canonicalId(one.virtualMachineId);
    interfaces.set(key, [...(interfaces.get(key) ?? []), one]);
  }
  return (virtualMachineId) => {
    const { virtualMachines, complete } = listing;
    const subscriptionId = subscriptionOf(virtualMachineId);
    const machine = virtualMachines.get(canonicalId(virtualMachineId));
    if (machine === undefined) {
      return complete.virtualMachines.has(subscriptionId) ? { kind: 'gone' } : { kind: 'unknown' };
    }
    // A machine has its interfaces in its own subscription.
    if (!complete.networkInterfaces.has(subscriptionId)) return { kind: 'unknown' };
    return placeOf(machine, interfaces.get(canonicalId(virtualMachineId)) ?? [], listing);
  };
}

function placeOf(
  machine: ListedVirtualMachine,
  interfaces: readonly ListedInterface[],
  listing: Listing,
): MachinePlace {
  const behind = new Map<string, string[]>();
  const bare: string[] = [];
  const shared: { address: string; other: string }[] = [];
  for (const one of interfaces) {
    for (const { address: text, subnetId } of one.addresses) {
      const address = canonicalPrefix(text);
      if (address === undefined) continue;
      // Only the list of NSGs tells which of them stands before a subnet.
      if (subnetId !== undefined && !listing.complete.nsgs.has(subscriptionOf(subnetId))) {
        return { kind: 'unknown' };
      }
      const nsgIds = nsgsBeforeAddress(one, subnetId, listing);
      if (nsgIds.length === 0) bare.push(address);
      let other: string | undefined;
      let isShut = false;
      for (const nsgId of nsgIds) {
        const twin = twinBehind(nsgId, address, machine.id, listing);
        other ??= twin;
        if (twin !== undefined) continue;
        isShut = true;
        behind.set(nsgId, [...(behind.get(nsgId) ?? []), address]);
      }
      if (!isShut && other !== undefined) shared.push({ address, other });
    }
  }
  return { kind: 'there', machine, behind, bare, shared };
}

/** Canonical ids of the NSGs before one address: that of its subnet, then that of its interface. */
export function nsgsBeforeAddress(
  { nsgId }: Pick<ListedInterface, 'nsgId'>,
  subnetId: string | undefined,
  { nsgsOfSubnet }: Pick<Listing, 'nsgsOfSubnet'>,
): string[] {
  const ofSubnet = subnetId === undefined ? [] : (nsgsOfSubnet.get(canonicalId(subnetId)) ?? []);
  return [...new Set([...ofSubnet, ...(nsgId === undefined ? [] : [canonicalId(nsgId)])])];
}

/**
 * An interface of another machine with this address behind the same NSG: a rule there speaks of both, and the other
 * machine's port is not ours to shut.
 */
function twinBehind(nsgId: string, address: string, machineId: string, listing: Listing): string | undefined {
  return (listing.interfacesAt.get(address) ?? []).find(
    (other) =>
      canonicalId(other.virtualMachineId ?? '') !== canonicalId(machineId) &&
      other.addresses.some(
        ({ address: text, subnetId }) =>
          canonicalPrefix(text) === address && nsgsBeforeAddress(other, subnetId, listing).includes(nsgId),
      ),
  )?.id;
}
