import type { NetworkInterface } from '@azure/arm-network';
import { parsePrefix } from '../../core/address.ts';
import type { Json, JsonObject, NsgDocument } from '../../core/network.ts';
import { isRecord } from './problem.ts';
import { Refused, type Reads } from './reads.ts';
import { parseIdOfType, parseResourceId, pathOf, sameId } from './resourceId.ts';

const interfaceType = 'Microsoft.Network/networkInterfaces';
const subnetType = 'Microsoft.Network/virtualNetworks/subnets';

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
  const elsewhere = subnets.filter((id) => networkOf(id) !== networkOf(own.subnetId));
  await refuseUnlisted(reads, nsgId, attached, elsewhere);
  return undefined;
}

/**
 * Where groups alone are read, an interface outside of them is in no list. The NSG and its subnets name what they serve,
 * wherever it is: one that was not listed may have our address.
 */
async function refuseUnlisted(
  reads: Reads,
  nsgId: string,
  attached: readonly string[],
  subnetIds: readonly string[],
): Promise<void> {
  const served = attached.flatMap((id) => parseIdOfType(id, interfaceType) ?? []);
  for (const id of subnetIds) {
    const path = parseIdOfType(id, subnetType);
    // An interface lies in the subscription of its network.
    if (path === undefined || reads.groups.namesIn(path.subscriptionId) === undefined) continue;
    const subnet = await reads.subnet(path);
    const configurations = (subnet?.ipConfigurations ?? []).flatMap((one) => one.id ?? []);
    served.push(
      ...configurations.flatMap((one) => parseIdOfType(one, `${interfaceType}/ipConfigurations`) ?? []),
    );
  }
  const unlisted = served.find((one) => !reads.groups.includes(one));
  if (unlisted === undefined) return;
  const message = `${nsgId} also serves interface ${unlisted.names[0] ?? ''} in resource group ${unlisted.resourceGroup}, which Sallyport does not read (SALLYPORT_READER_GROUPS): whether it has the same private address is not known.`;
  throw new Refused({ refused: 'not-permitted', message });
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
  const id = parseIdOfType(subnetId, subnetType);
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
