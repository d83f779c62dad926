import type { Resource } from './resource.ts';
import { idKey, isObject, objectsIn, referencedId } from './resource.ts';

/**
 * The back references that Azure shows on a resource that others point to. They are derived, never stored, so that a
 * state file cannot contradict itself. All keys are lower-cased ids.
 */
export interface Associations {
  nsgInterfaces: Map<string, string[]>;
  nsgSubnets: Map<string, string[]>;
  subnetIpConfigurations: Map<string, string[]>;
  publicIpConfigurations: Map<string, string[]>;
  interfaceMachines: Map<string, string[]>;
}

/** Collects who points to whom. Ids keep the case in which the pointing resource is known. */
export function associate(resources: Map<string, Resource>): Associations {
  const found: Associations = {
    nsgInterfaces: new Map(),
    nsgSubnets: new Map(),
    subnetIpConfigurations: new Map(),
    publicIpConfigurations: new Map(),
    interfaceMachines: new Map(),
  };
  for (const { id, type, properties } of resources.values()) {
    switch (idKey(type)) {
      case 'microsoft.network/networkinterfaces':
        add(found.nsgInterfaces, referencedId(properties['networkSecurityGroup']), id);
        for (const configuration of ipConfigurations(properties)) {
          const own = `${id}/ipConfigurations/${configuration.name}`;
          add(found.subnetIpConfigurations, configuration.subnetId, own);
          add(found.publicIpConfigurations, configuration.publicIpId, own);
        }
        break;
      case 'microsoft.network/virtualnetworks':
        for (const subnet of objectsIn(properties['subnets'])) {
          const inner = isObject(subnet['properties']) ? subnet['properties'] : {};
          add(
            found.nsgSubnets,
            referencedId(inner['networkSecurityGroup']),
            `${id}/subnets/${String(subnet['name'])}`,
          );
        }
        break;
      case 'microsoft.compute/virtualmachines': {
        const profile = properties['networkProfile'];
        const interfaces = isObject(profile) ? objectsIn(profile['networkInterfaces']) : [];
        for (const nic of interfaces) add(found.interfaceMachines, referencedId(nic), id);
        break;
      }
    }
  }
  return found;
}

export interface IpConfiguration {
  name: string;
  privateIPAddress: string | undefined;
  subnetId: string | undefined;
  publicIpId: string | undefined;
}

export function ipConfigurations(nicProperties: Resource['properties']): IpConfiguration[] {
  return objectsIn(nicProperties['ipConfigurations']).map((configuration) => {
    const inner = isObject(configuration['properties']) ? configuration['properties'] : {};
    const address = inner['privateIPAddress'];
    return {
      name: String(configuration['name']),
      privateIPAddress: typeof address === 'string' ? address : undefined,
      subnetId: referencedId(inner['subnet']),
      publicIpId: referencedId(inner['publicIPAddress']),
    };
  });
}

function add(map: Map<string, string[]>, target: string | undefined, source: string): void {
  if (target === undefined) return;
  const sources = map.get(idKey(target));
  if (sources) sources.push(source);
  else map.set(idKey(target), [source]);
}
