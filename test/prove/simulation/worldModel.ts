import type { JsonObject, VirtualMachineNetwork } from '../../../src/core/network.ts';
import { foreignRule, nsgOfOthers } from '../../support/foreignRule.ts';
import { textOf } from '../../support/packetOracle.ts';

/** The Azure of the simulation: which machine is behind which NSGs, at which address. The checks know no other. */
const group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Contoso-RG/providers';

export const subnetNsg = `${group}/Microsoft.Network/networkSecurityGroups/nsg-subnet`;
const webNsg = `${group}/Microsoft.Network/networkSecurityGroups/nsg-web`;
const jobsNsg = `${group}/Microsoft.Network/networkSecurityGroups/nsg-jobs`;
export const nsgIds = [subnetNsg, webNsg, jobsNsg];

export interface Machine {
  id: string;
  interfaceId: string;
  address: string;
  nsgIds: string[];
  subnetId: string;
}

const machine = (name: string, network: string, address: string, ...path: string[]): Machine => ({
  id: `${group}/Microsoft.Compute/virtualMachines/${name}`,
  interfaceId: `${group}/Microsoft.Network/networkInterfaces/${name}-nic`,
  address,
  nsgIds: path,
  subnetId: `${group}/Microsoft.Network/virtualNetworks/${network}/subnets/default`,
});

/** Behind the subnet's NSG and one of its interface's; behind the subnet's alone; behind an interface's alone. */
export const web = machine('vm-web', 'vnet-a', '10.1.0.4', subnetNsg, webNsg);
export const mail = machine('vm-mail', 'vnet-a', '10.1.0.5', subnetNsg);
export const jobs = machine('vm-jobs', 'vnet-a', '10.1.0.6', subnetNsg, jobsNsg);
/** In another network with the same address space, behind an NSG of its own. */
export const twin = machine('vm-twin', 'vnet-b', '10.1.0.4', jobsNsg);
export const machines = [web, mail, jobs, twin];

export const networkOf = ({
  id,
  subnetId,
  interfaceId,
  address,
  nsgIds: path,
}: Machine): VirtualMachineNetwork => ({
  virtualMachineId: id,
  vmId: `vm of ${id.slice(-12)}`,
  subnetId,
  networkInterfaceId: interfaceId,
  addresses: [{ family: 'IPv4', address }],
  nsgIds: path,
});

/** An NSG before anybody was let in. */
export const foreignNsg = (): JsonObject =>
  nsgOfOthers(foreignRule('deny-the-rest', 1000, { sourceAddressPrefix: 'Internet' }));

/** The rules of an NSG's body. */
export function rulesOf(body: JsonObject): JsonObject[] {
  return ((body['properties'] as JsonObject)['securityRules'] ?? []) as JsonObject[];
}

/** A rule's name. */
export const nameOf = (rule: JsonObject): string => textOf(rule['name']);

const ownedPattern = /^sallyport-contoso-([0-9a-f]{32})-\d+$/;

/** The request that an owned rule's name names. */
export function ownerOf(rule: JsonObject): string | undefined {
  return ownedPattern.exec(nameOf(rule))?.[1];
}

export const isOwned = (rule: JsonObject): boolean => nameOf(rule).startsWith('sallyport-contoso-');

/** Whether a rule is that of a baseline. */
export const isBaselineRule = (rule: JsonObject): boolean =>
  nameOf(rule).startsWith('sallyport-contoso-deny-');
