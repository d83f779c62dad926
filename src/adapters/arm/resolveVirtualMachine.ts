import type { VirtualMachine } from '@azure/arm-compute';
import type { NetworkInterface, NetworkInterfaceIPConfiguration } from '@azure/arm-network';
import type {
  Network,
  NsgDocument,
  ResolvedVirtualMachine,
  ResolveRefusal,
  VirtualMachineAddress,
} from '../../core/network.ts';
import { parseVirtualMachineId, type VirtualMachineId } from '../../core/virtualMachineId.ts';
import { within } from './deadline.ts';
import { findFloatingIp } from './floatingIp.ts';
import { createReads, Refused, type Reads, type ReadsParts } from './reads.ts';
import { parseIdOfType, sameId } from './resourceId.ts';
import type { Timeouts } from './timeouts.ts';
import { findSameAddress } from './sameAddress.ts';

/**
 * Follows a virtual machine to its primary network interface and the network security groups before it. Refuses what
 * rules by private address cannot speak of safely; throws when Azure gave no usable answer in time.
 */
export function createResolver(parts: ReadsParts & { timeouts: Timeouts }): Network['resolveVirtualMachine'] {
  return async (virtualMachineId, call) => {
    const parsed = parseVirtualMachineId(virtualMachineId);
    if (!parsed.ok) {
      const refused = parsed.code === 'vm-not-supported' ? 'vm-not-supported' : 'vm-not-found';
      return { refused, message: parsed.problem };
    }
    try {
      return await within(parts.timeouts.resolveMilliseconds, (signal) =>
        resolve(parsed.virtualMachine, createReads(parts, call, signal)),
      );
    } catch (error) {
      if (error instanceof Refused) return error.refusal;
      throw error;
    }
  };
}

async function resolve(id: VirtualMachineId, reads: Reads): Promise<ResolvedVirtualMachine> {
  const machine = await reads.virtualMachine(id);
  if (!machine) throw refusal('vm-not-found', `There is no virtual machine ${id.id}.`);
  const tags = { ...machine.tags };
  try {
    return { ...(await resolveMachine(id, machine, reads)), tags };
  } catch (error) {
    // A policy may select the machine by its tags, and then says why it is refused.
    throw error instanceof Refused ? new Refused({ ...error.refusal, tags }) : error;
  }
}

async function resolveMachine(
  id: VirtualMachineId,
  machine: VirtualMachine,
  reads: Reads,
): Promise<Omit<ResolvedVirtualMachine, 'tags'>> {
  const networkInterfaceId = primaryInterfaceOf(machine, id.name);
  const interfacePath = parseIdOfType(networkInterfaceId, 'Microsoft.Network/networkInterfaces');
  // The interfaces of a Uniform scale set's instances are no resources of their own.
  if (!interfacePath) throw unsupported(id.name, `its interface ${networkInterfaceId} is not supported`);
  const networkInterface = await reads.networkInterface(interfacePath);
  if (!networkInterface) throw unsupported(id.name, `its interface ${networkInterfaceId} does not exist`);

  const configurations = configurationsOf(networkInterface, id.name);
  const subnetId = configurations[0].subnet?.id;
  const subnetPath = parseIdOfType(subnetId, 'Microsoft.Network/virtualNetworks/subnets');
  const subnet = subnetPath && (await reads.subnet(subnetPath));
  if (subnetId === undefined || !subnet) {
    throw unsupported(id.name, `the subnet of interface ${networkInterfaceId} cannot be found`);
  }

  const nsgIds = [subnet.networkSecurityGroup?.id, networkInterface.networkSecurityGroup?.id]
    .filter((nsgId) => nsgId !== undefined)
    .filter((nsgId, index, all) => all.findIndex((other) => sameId(other, nsgId)) === index);
  if (nsgIds.length === 0) {
    const message = `No network security group stands before ${id.name}, neither at its subnet nor at its interface.`;
    throw refusal('no-network-security-group', message);
  }

  const floating = await findFloatingIp(reads, configurations);
  if (floating !== undefined) throw unsupported(id.name, `${floating} uses a floating IP`);

  const addresses = configurations.map(addressOf);
  const own = { networkInterfaceId, subnetId, addresses: addresses.map(({ address }) => address) };
  const nsgs: NsgDocument[] = [];
  for (const nsgId of nsgIds) {
    const nsg = await reads.nsg(nsgId);
    nsgs.push(nsg);
    const other = await findSameAddress(reads, nsg, own);
    if (other !== undefined) {
      const message = `${nsgId} serves two interfaces with the same private address: ${networkInterfaceId} and ${other}. A rule for one would open the other.`;
      throw refusal('address-not-unique', message);
    }
  }
  const { vmId } = machine;
  const osType = machine.storageProfile?.osDisk?.osType;
  return {
    ...{ virtualMachineId: id.id, networkInterfaceId, subnetId, addresses, nsgIds, nsgs },
    ...(vmId === undefined ? {} : { vmId }),
    ...(osType === 'Windows' || osType === 'Linux' ? { osType } : {}),
  };
}

function primaryInterfaceOf(machine: VirtualMachine, name: string): string {
  const references = machine.networkProfile?.networkInterfaces ?? [];
  const reference = references.length === 1 ? references[0] : references.find(({ primary }) => primary);
  if (reference?.id === undefined) throw unsupported(name, 'it has no primary network interface');
  return reference.id;
}

/** The primary configuration and, dual stack, the first of the other family. */
function configurationsOf(
  networkInterface: NetworkInterface,
  name: string,
): [NetworkInterfaceIPConfiguration, ...NetworkInterfaceIPConfiguration[]] {
  const all = networkInterface.ipConfigurations ?? [];
  const primary = all.length === 1 ? all[0] : all.find((configuration) => configuration.primary);
  if (!primary?.privateIPAddress) {
    throw unsupported(name, 'its interface has no primary IP configuration with a private address');
  }
  const other = all.find(
    (configuration) => configuration.privateIPAddress && familyOf(configuration) !== familyOf(primary),
  );
  return other ? [primary, other] : [primary];
}

function addressOf(configuration: NetworkInterfaceIPConfiguration): VirtualMachineAddress {
  return { family: familyOf(configuration), address: configuration.privateIPAddress ?? '' };
}

function familyOf(configuration: NetworkInterfaceIPConfiguration): VirtualMachineAddress['family'] {
  return configuration.privateIPAddressVersion === 'IPv6' ? 'IPv6' : 'IPv4';
}

function unsupported(name: string, why: string): Refused {
  return refusal('vm-not-supported', `Virtual machine ${name} is not supported: ${why}.`);
}

function refusal(refused: ResolveRefusal['refused'], message: string): Refused {
  return new Refused({ refused, message });
}
