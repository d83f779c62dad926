import type { AccessRequest, FoundVirtualMachine } from './accessRequest.ts';
import { canonicalPrefix, containsPrefix } from './address.ts';
import { nsgsBefore, prefixesOf, type Listing } from './listing.ts';
import type { ResolveRefusal, VirtualMachineNetwork } from './network.ts';
import type { Reason } from './reason.ts';
import { canonicalId, subscriptionOf } from './resourceId.ts';

/**
 * What a grant speaks of, as it is now. A rule names an address and not a machine: when the machine behind the address
 * is another, or the address is elsewhere, the rule would open what nobody was granted.
 */
export type TargetState =
  /** Nothing can be said: nothing is decided. */
  | { kind: 'unknown' }
  | { kind: 'lost'; reason: Reason }
  | {
      kind: 'there';
      /** Its private addresses, as canonical prefixes. */
      addresses: string[];
      /** Canonical ids of the NSGs before it; left out where that is not known. */
      nsgIds?: string[];
    };

type Grant = Pick<AccessRequest, 'found' | 'targets'>;

/** Why the grant must end now; undefined while everything that is known is as it was found. */
export function reasonToEnd(
  grant: Grant,
  stateOf: (found: FoundVirtualMachine) => TargetState,
): Reason | undefined {
  for (const found of grant.found ?? []) {
    const state = stateOf(found);
    if (state.kind === 'unknown') continue;
    if (state.kind === 'lost') return state.reason;
    const gone = spokenOf(grant, found).find((address) => !state.addresses.includes(address));
    if (gone !== undefined) return addressChanged(found, gone);
    if (state.nsgIds === undefined) continue;
    const before = found.nsgIds.map(canonicalId);
    const left = before.find((nsgId) => !state.nsgIds?.includes(nsgId));
    if (left !== undefined) return lost(`${left} does not stand before ${found.virtualMachineId} any more.`);
    const added = state.nsgIds.find((nsgId) => !before.includes(nsgId));
    if (added !== undefined) {
      return lost(`${added} now stands before ${found.virtualMachineId}, and nothing was opened there.`);
    }
  }
  return undefined;
}

/** What a single read of the machine says of it. */
export function stateResolved(
  found: FoundVirtualMachine,
  resolved: VirtualMachineNetwork | ResolveRefusal,
): TargetState {
  if ('refused' in resolved) {
    switch (resolved.refused) {
      case 'not-permitted':
      case 'throttled':
        return { kind: 'unknown' };
      case 'address-not-unique':
        return { kind: 'lost', reason: { code: 'address-not-unique', message: resolved.message } };
      case 'vm-not-found':
      case 'vm-not-supported':
      case 'no-network-security-group':
        return { kind: 'lost', reason: lost(resolved.message) };
    }
  }
  if (isAnother(found, resolved.vmId)) return { kind: 'lost', reason: madeAnew(found) };
  if (canonicalId(resolved.networkInterfaceId) !== canonicalId(found.networkInterfaceId)) {
    const message = `${found.virtualMachineId} has another primary network interface, ${resolved.networkInterfaceId}.`;
    return { kind: 'lost', reason: lost(message) };
  }
  return {
    kind: 'there',
    addresses: resolved.addresses.flatMap(({ address }) => canonicalPrefix(address) ?? []),
    nsgIds: resolved.nsgIds.map(canonicalId),
  };
}

/** What the lists say of a machine that a grant was made for. */
export function stateListed(grant: Grant, found: FoundVirtualMachine, listing: Listing): TargetState {
  const { virtualMachines, networkInterfaces, complete } = listing;
  const subscriptionId = subscriptionOf(found.virtualMachineId);
  const machine = virtualMachines.get(canonicalId(found.virtualMachineId));
  if (machine === undefined && complete.virtualMachines.has(subscriptionId)) {
    return { kind: 'lost', reason: lost(`There is no virtual machine ${found.virtualMachineId} any more.`) };
  }
  if (isAnother(found, machine?.vmId)) return { kind: 'lost', reason: madeAnew(found) };

  const own = networkInterfaces.get(canonicalId(found.networkInterfaceId));
  if (own === undefined) {
    if (!complete.networkInterfaces.has(subscriptionOf(found.networkInterfaceId))) return { kind: 'unknown' };
    return {
      kind: 'lost',
      reason: lost(`There is no network interface ${found.networkInterfaceId} any more.`),
    };
  }
  if (canonicalId(own.virtualMachineId ?? '') !== canonicalId(found.virtualMachineId)) {
    const message = `${found.networkInterfaceId} is not an interface of ${found.virtualMachineId} any more.`;
    return { kind: 'lost', reason: lost(message) };
  }
  const other = sameAddress(grant, found, listing);
  if (other !== undefined) {
    const message = `${other} has the same private address as ${found.networkInterfaceId}, under the same network security group.`;
    return { kind: 'lost', reason: { code: 'address-not-unique', message } };
  }
  return {
    kind: 'there',
    addresses: prefixesOf(own),
    ...(complete.nsgs.has(subscriptionOf(own.id)) ? { nsgIds: nsgsBefore(own, listing) } : {}),
  };
}

/** Canonical prefixes of the addresses at which the grant opens this machine. */
function spokenOf({ targets }: Grant, found: FoundVirtualMachine): string[] {
  const before = found.nsgIds.map(canonicalId);
  const destinations = targets
    .filter(({ nsgId }) => before.includes(canonicalId(nsgId)))
    .flatMap(({ boxes }) => boxes.flatMap((box) => box.destinationAddressPrefixes));
  return found.addresses.flatMap((address) => {
    const prefix = canonicalPrefix(address);
    return prefix !== undefined && destinations.some((one) => containsPrefix(one, prefix)) ? [prefix] : [];
  });
}

/** Another interface behind one of this machine's NSGs, with an address at which the grant opens it. */
function sameAddress(grant: Grant, found: FoundVirtualMachine, listing: Listing): string | undefined {
  const before = found.nsgIds.map(canonicalId);
  const own = canonicalId(found.networkInterfaceId);
  return spokenOf(grant, found)
    .flatMap((address) => listing.interfacesAt.get(address) ?? [])
    .find(
      (other) =>
        canonicalId(other.id) !== own && nsgsBefore(other, listing).some((nsgId) => before.includes(nsgId)),
    )?.id;
}

/** A machine whose own id is not known on both sides is taken for the same. */
function isAnother(found: FoundVirtualMachine, vmId: string | undefined): boolean {
  return found.vmId !== undefined && vmId !== undefined && found.vmId.toLowerCase() !== vmId.toLowerCase();
}

function madeAnew({ virtualMachineId }: FoundVirtualMachine): Reason {
  return lost(`${virtualMachineId} is another machine now, made anew under the same name.`);
}

function addressChanged({ networkInterfaceId }: FoundVirtualMachine, address: string): Reason {
  const message = `${networkInterfaceId} does not have the private address ${address} any more.`;
  return { code: 'address-changed', message };
}

function lost(message: string): Reason {
  return { code: 'target-gone', message };
}
