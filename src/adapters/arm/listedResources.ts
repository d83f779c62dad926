/** Items of ARM's lists, as far as Sallyport uses them. */
import { canonicalPrefix } from '../../core/address.ts';
import type {
  ListedAddress,
  ListedInterface,
  ListedVirtualMachine,
  ListedVirtualNetwork,
} from '../../core/inventory.ts';
import type { JsonObject, NsgDocument } from '../../core/network.ts';
import { isRecord } from './problem.ts';

/** A network security group with all that it holds; undefined without what every one has. */
export function readNsg(item: Record<string, unknown>): NsgDocument | undefined {
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

/** A network interface with its addresses; undefined where it cannot be read. */
export function readInterface({ id, properties }: Record<string, unknown>): ListedInterface | undefined {
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

/** A virtual machine; undefined without its id or that of Azure for this very machine. */
export function readMachine(item: Record<string, unknown>): ListedVirtualMachine | undefined {
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

/** A virtual network with its subnets; undefined where it cannot be read. */
export function readVirtualNetwork({
  id,
  properties,
}: Record<string, unknown>): ListedVirtualNetwork | undefined {
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
