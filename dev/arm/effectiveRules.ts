import { ipConfigurations } from './associations.ts';
import { renderDefaultRules } from './defaultRules.ts';
import { providerError } from './errors.ts';
import type { JsonObject, Nsg, Resource } from './resource.ts';
import { idKey, isNsg, isObject, objectsIn, referencedId } from './resource.ts';
import { renderRule } from './rules.ts';
import type { World } from './world.ts';

/**
 * The effective rules of an interface: its own NSG's and its subnet's, in the words that Azure uses there. Of the tags
 * only VirtualNetwork and AzureLoadBalancer are expanded. Throws 400 unless the interface's machine runs.
 */
export function effectiveNsgs(world: World, nic: Resource): JsonObject {
  checkRunning(world, nic);
  const value: JsonObject[] = [];
  const spaces = new Set<string>();
  const subnets = new Set(
    ipConfigurations(nic.properties)
      .flatMap(({ subnetId }) => subnetId ?? [])
      .map(idKey),
  );
  for (const subnetId of subnets) {
    const network = world.resources.get(subnetId.slice(0, subnetId.lastIndexOf('/subnets/')));
    const space = network?.properties['addressSpace'];
    const prefixes = isObject(space) ? space['addressPrefixes'] : undefined;
    if (Array.isArray(prefixes)) for (const prefix of prefixes) spaces.add(String(prefix));
    const subnet = objectsIn(network?.properties['subnets']).find(
      (candidate) => network && idKey(`${network.id}/subnets/${String(candidate['name'])}`) === subnetId,
    );
    const properties = isObject(subnet?.['properties']) ? subnet['properties'] : {};
    push(properties['networkSecurityGroup'], {
      subnet: { id: `${network?.id ?? ''}/subnets/${String(subnet?.['name'])}` },
    });
  }
  push(nic.properties['networkSecurityGroup'], { networkInterface: { id: nic.id } });
  return { value };

  function push(reference: unknown, association: JsonObject): void {
    const nsg = world.resources.get(idKey(referencedId(reference) ?? ''));
    if (!isNsg(nsg)) return;
    value.push({
      networkSecurityGroup: { id: nsg.id },
      association,
      effectiveSecurityRules: rulesOf(nsg, [...spaces]),
    });
  }
}

function checkRunning(world: World, nic: Resource): void {
  const [machineId] = world.associations.interfaceMachines.get(idKey(nic.id)) ?? [];
  const machine = world.resources.get(idKey(machineId ?? ''));
  const view = machine?.properties['instanceView'];
  const statuses = isObject(view) ? objectsIn(view['statuses']) : [];
  // A machine without an instance view in the state counts as running.
  const stopped = statuses.length > 0 && !statuses.some((status) => status['code'] === 'PowerState/running');
  if (machine && !stopped) return;
  throw providerError(
    400,
    'NetworkInterfaceNotAttachedToRunningVM',
    `Network interface ${nic.id} must be attached to a running virtual machine to perform this operation.`,
  );
}

function rulesOf(nsg: Nsg, spaces: string[]): JsonObject[] {
  const own = nsg.properties.securityRules.map((rule) =>
    effective('securityRules', renderRule(nsg, rule), spaces),
  );
  const defaults = renderDefaultRules(nsg).map((rule) => effective('defaultSecurityRules', rule, spaces));
  return [...own, ...defaults];
}

function effective(prefix: string, rule: JsonObject, spaces: string[]): JsonObject {
  const properties = isObject(rule['properties']) ? rule['properties'] : {};
  const protocol = String(properties['protocol']);
  return {
    name: `${prefix}/${String(rule['name'])}`,
    protocol: protocol === '*' ? 'All' : protocol.charAt(0).toUpperCase() + protocol.slice(1).toLowerCase(),
    ...side('source', properties, spaces),
    ...side('destination', properties, spaces),
    access: properties['access'],
    priority: properties['priority'],
    direction: properties['direction'],
  };
}

function side(name: 'source' | 'destination', properties: JsonObject, spaces: string[]): JsonObject {
  const ports = valuesOf(properties, `${name}PortRange`).map((port) =>
    port === '*' ? '0-65535' : port.includes('-') ? port : `${port}-${port}`,
  );
  const addresses = valuesOf(properties, `${name}AddressPrefix`, 'es').map((address) =>
    address === '*' ? '0.0.0.0/0' : /^\d+(\.\d+){3}$/.test(address) ? `${address}/32` : address,
  );
  const expanded = addresses.flatMap((address) =>
    address === 'VirtualNetwork' ? spaces : address === 'AzureLoadBalancer' ? ['168.63.129.16/32'] : [],
  );
  const title = name === 'source' ? 'Source' : 'Destination';
  return {
    ...(ports.length === 1 && { [`${name}PortRange`]: ports[0] }),
    [`${name}PortRanges`]: ports,
    ...(addresses.length === 1 && { [`${name}AddressPrefix`]: addresses[0] }),
    [`${name}AddressPrefixes`]: addresses,
    ...(expanded.length > 0 && { [`expanded${title}AddressPrefix`]: expanded }),
  };
}

function valuesOf(properties: JsonObject, field: string, plural = 's'): string[] {
  const many = properties[`${field}${plural}`];
  const one = properties[field];
  if (typeof one === 'string') return [one];
  return Array.isArray(many) ? many.map(String) : [];
}
