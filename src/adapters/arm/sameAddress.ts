import type { NetworkInterface } from '@azure/arm-network';
import { parsePrefix } from '../../core/address.ts';
import type { Json, JsonObject, NsgDocument } from '../../core/network.ts';
import { isRecord } from './problem.ts';
import type { Reads } from './reads.ts';
import { parseIdOfType, parseResourceId, pathOf, sameId } from './resourceId.ts';

export interface OwnInterface {
  networkInterfaceId: string;
  subnetId: string;
  addresses: string[];
}

/**
 * The id of another interface that the network security group serves and that has one of our private addresses:
 * networks that are not peered may use the same address space, and a rule's destination cannot tell them apart.
 *
 * Interfaces are listed only where that can be: an address is unique within one virtual network. The instances of Uniform
 * scale sets are not in ARM's list of interfaces and are not seen.
 */
export async function findSameAddress(
  reads: Reads,
  { id: nsgId, body }: Pick<NsgDocument, 'id' | 'body'>,
  own: OwnInterface,
): Promise<string | undefined> {
  const subnets = referencedIds(body, 'subnets');
  const attached = referencedIds(body, 'networkInterfaces').filter(
    (id) => !sameId(id, own.networkInterfaceId),
  );
  const networks = new Set([own.subnetId, ...subnets].map(networkOf));
  if (networks.size === 1 && attached.length === 0) return undefined;

  const addresses = new Set(own.addresses.map(canonical));
  const collides = (other: NetworkInterface): boolean => {
    if (sameId(other.id, own.networkInterfaceId)) return false;
    const isAttached = sameId(other.networkSecurityGroup?.id, nsgId);
    return (other.ipConfigurations ?? []).some(
      ({ subnet, privateIPAddress }) =>
        privateIPAddress !== undefined &&
        addresses.has(canonical(privateIPAddress)) &&
        (isAttached || subnets.some((id) => sameId(id, subnet?.id))),
    );
  };
  for (const subscriptionId of subscriptionsOf([nsgId, own.networkInterfaceId, ...subnets, ...attached])) {
    const found = (await reads.networkInterfaces(subscriptionId)).find(collides);
    if (found) return found.id;
  }
  return undefined;
}

function referencedIds(nsg: JsonObject, name: 'subnets' | 'networkInterfaces'): string[] {
  const properties = nsg['properties'];
  const references: unknown = isRecord(properties) ? properties[name] : undefined;
  if (!Array.isArray(references)) return [];
  return (references as Json[]).flatMap((reference) =>
    isRecord(reference) && typeof reference['id'] === 'string' ? [reference['id']] : [],
  );
}

function networkOf(subnetId: string): string {
  const id = parseIdOfType(subnetId, 'Microsoft.Network/virtualNetworks/subnets');
  if (!id) return subnetId.toLowerCase();
  return pathOf({
    ...id,
    type: 'Microsoft.Network/virtualNetworks',
    names: id.names.slice(0, 1),
  }).toLowerCase();
}

function subscriptionsOf(ids: string[]): Set<string> {
  return new Set(ids.flatMap((id) => parseResourceId(id)?.subscriptionId.toLowerCase() ?? []));
}

/** IPv6 has many spellings of one address. */
function canonical(address: string): string {
  const parsed = parsePrefix(address);
  return parsed.ok ? parsed.prefix : address;
}
