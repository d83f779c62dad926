import { renderDefaultRules } from './defaultRules.ts';
import type { JsonObject, Nsg, Resource } from './resource.ts';
import { idKey, isNsg, isObject, objectsIn } from './resource.ts';
import { renderRule } from './rules.ts';
import type { World } from './world.ts';

/** A resource as its GET shows it, back references included, in Azure's key order. */
export function render(world: World, resource: Resource, expand: string | null = null): JsonObject {
  if (isNsg(resource)) return renderNsg(world, resource);
  const type = idKey(resource.type);
  const { name, id, etag, type: shownType, location, tags, properties, ...unknown } = resource;
  const network = type.startsWith('microsoft.network/');
  return {
    name,
    id,
    ...(network && { etag: `W/"${etag}"` }),
    type: shownType,
    ...(location !== undefined && { location }),
    ...(tags && { tags }),
    properties: renderProperties(world, type, resource, properties, expand),
    ...unknown,
  };
}

function renderProperties(
  world: World,
  type: string,
  { id, etag }: Resource,
  properties: JsonObject,
  expand: string | null,
): JsonObject {
  const { associations } = world;
  switch (type) {
    case 'microsoft.network/networkinterfaces': {
      const [machine] = associations.interfaceMachines.get(idKey(id)) ?? [];
      return {
        ...properties,
        ipConfigurations: objectsIn(properties['ipConfigurations']).map((configuration) => ({
          ...configuration,
          id: `${id}/ipConfigurations/${String(configuration['name'])}`,
          etag: `W/"${etag}"`,
          type: 'Microsoft.Network/networkInterfaces/ipConfigurations',
          properties: { provisioningState: 'Succeeded', ...asObject(configuration['properties']) },
        })),
        ...(machine !== undefined && { virtualMachine: { id: machine } }),
      };
    }
    case 'microsoft.network/publicipaddresses': {
      const [user] = associations.publicIpConfigurations.get(idKey(id)) ?? [];
      return { ...properties, ...(user !== undefined && { ipConfiguration: { id: user } }) };
    }
    case 'microsoft.network/virtualnetworks':
      return {
        ...properties,
        subnets: objectsIn(properties['subnets']).map((subnet) => renderSubnet(world, id, etag, subnet)),
      };
    case 'microsoft.compute/virtualmachines': {
      const { instanceView, ...shown } = properties;
      return expand?.toLowerCase() === 'instanceview' ? { ...shown, instanceView } : shown;
    }
    default:
      return properties;
  }
}

/** A subnet shows which NSG it has and which IP configurations are in it. */
export function renderSubnet(world: World, networkId: string, etag: string, subnet: JsonObject): JsonObject {
  const name = String(subnet['name']);
  const id = `${networkId}/subnets/${name}`;
  const inside = world.associations.subnetIpConfigurations.get(idKey(id)) ?? [];
  return {
    ...subnet,
    name,
    id,
    etag: `W/"${etag}"`,
    type: 'Microsoft.Network/virtualNetworks/subnets',
    properties: {
      provisioningState: 'Succeeded',
      ...asObject(subnet['properties']),
      ...(inside.length > 0 && { ipConfigurations: inside.map((configuration) => ({ id: configuration })) }),
    },
  };
}

function renderNsg(world: World, nsg: Nsg): JsonObject {
  const { name, id, etag, type, location, tags, properties, ...unknown } = nsg;
  const { provisioningState, resourceGuid, securityRules, ...rest } = properties;
  const interfaces = world.associations.nsgInterfaces.get(idKey(id));
  const subnets = world.associations.nsgSubnets.get(idKey(id));
  return {
    name,
    id,
    etag: `W/"${etag}"`,
    type,
    location,
    ...(tags && { tags }),
    properties: {
      provisioningState,
      resourceGuid,
      securityRules: securityRules.map((rule) => renderRule(nsg, rule)),
      defaultSecurityRules: renderDefaultRules(nsg),
      ...(interfaces && { networkInterfaces: interfaces.map((nic) => ({ id: nic })) }),
      ...(subnets && { subnets: subnets.map((subnet) => ({ id: subnet })) }),
      ...rest,
    },
    ...unknown,
  };
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
