import { canonicalPrefix } from './address.ts';
import type { ListedInterface, ListedVirtualMachine } from './inventory.ts';
import type { Json, NsgDocument } from './network.ts';
import { canonicalId } from './resourceId.ts';

/** What lists showed, as it is looked up. What is not there is absent only where the list of its subscription is complete. */
export interface Listing {
  /** By canonical id. */
  virtualMachines: ReadonlyMap<string, ListedVirtualMachine>;
  networkInterfaces: ReadonlyMap<string, ListedInterface>;
  /** By each of their addresses, as canonical prefix. */
  interfacesAt: ReadonlyMap<string, readonly ListedInterface[]>;
  /** Canonical id of an NSG → its id as Azure shows it. */
  nsgIds: ReadonlyMap<string, string>;
  /** Canonical id of a subnet → canonical ids of the NSGs before it. */
  nsgsOfSubnet: ReadonlyMap<string, readonly string[]>;
  /** Subscriptions, in lower case, whose list was read to its end. */
  complete: Record<'virtualMachines' | 'networkInterfaces' | 'nsgs', ReadonlySet<string>>;
}

/** Makes a listing of what was listed. */
export function listingOf({
  virtualMachines,
  networkInterfaces,
  nsgs,
  complete,
}: {
  virtualMachines: readonly ListedVirtualMachine[];
  networkInterfaces: readonly ListedInterface[];
  nsgs: readonly Pick<NsgDocument, 'id' | 'body'>[];
  complete: Listing['complete'];
}): Listing {
  return {
    virtualMachines: new Map(virtualMachines.map((machine) => [canonicalId(machine.id), machine])),
    networkInterfaces: new Map(networkInterfaces.map((one) => [canonicalId(one.id), one])),
    interfacesAt: groups(networkInterfaces.flatMap((one) => prefixesOf(one).map((at) => [at, one]))),
    nsgIds: new Map(nsgs.map(({ id }) => [canonicalId(id), id])),
    nsgsOfSubnet: groups(
      nsgs.flatMap((nsg) => subnetsOf(nsg).map((subnet) => [subnet, canonicalId(nsg.id)])),
    ),
    complete,
  };
}

/** Canonical ids of the NSGs before an interface: its own, and those of its subnets. */
export function nsgsBefore({ nsgId, addresses }: ListedInterface, { nsgsOfSubnet }: Listing): string[] {
  const ofSubnets = addresses.flatMap(({ subnetId }) =>
    subnetId === undefined ? [] : (nsgsOfSubnet.get(canonicalId(subnetId)) ?? []),
  );
  return [...new Set([...(nsgId === undefined ? [] : [canonicalId(nsgId)]), ...ofSubnets])];
}

/** An interface's addresses as canonical prefixes. */
export function prefixesOf({ addresses }: ListedInterface): string[] {
  return addresses.flatMap(({ address }) => canonicalPrefix(address) ?? []);
}

function subnetsOf({ body }: Pick<NsgDocument, 'body'>): string[] {
  const subnets = memberOf(body['properties'], 'subnets');
  return (Array.isArray(subnets) ? subnets : []).flatMap((subnet) => {
    const id = memberOf(subnet, 'id');
    return typeof id === 'string' ? canonicalId(id) : [];
  });
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function groups<Value>(entries: readonly (readonly [string, Value])[]): Map<string, Value[]> {
  const grouped = new Map<string, Value[]>();
  for (const [key, value] of entries) {
    const group = grouped.get(key);
    if (group === undefined) grouped.set(key, [value]);
    else group.push(value);
  }
  return grouped;
}
