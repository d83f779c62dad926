import type { JsonObject } from '../../src/core/network.ts';
import { foreignRule } from '../support/foreignRule.ts';

export const subscriptionId = '11111111-2222-4333-8444-555555555555';
const group = `/subscriptions/${subscriptionId}/resourceGroups/contoso`;

export const nsgId = (number: number) =>
  `${group}/providers/Microsoft.Network/networkSecurityGroups/nsg-${number}`;
export const vmId = (number: number) => `${group}/providers/Microsoft.Compute/virtualMachines/vm-${number}`;
export const networkInterfaceId = (number: number) =>
  `${group}/providers/Microsoft.Network/networkInterfaces/nic-${number}`;

const networkId = `${group}/providers/Microsoft.Network/virtualNetworks/network`;
export const subnetId = (number: number) => `${networkId}/subnets/subnet-${number}`;
/** Azure's own id of a machine. */
export const machineIdOf = (number: number) =>
  `0f0e0d0c-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

/** Private address of a machine and public address of the person who asks for it. */
export const addressOf = (number: number) => `10.1.${number >> 8}.${number & 255}`;
export const sourceOf = (number: number) => `198.18.${number >> 8}.${number & 255}`;

export const foreignRules = 100;
export const foreignPrefix = 'foreign-';

/** Rules of others: allows of single services, and last a deny of everything. */
export function foreignRulesOf(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, index) =>
    index === count - 1
      ? foreignRule(`${foreignPrefix}${index}`, 4096, { sourceAddressPrefix: 'Internet' })
      : foreignRule(`${foreignPrefix}${index}`, 3000 + index, {
          protocol: 'TCP',
          sourceAddressPrefix: `203.0.${113 + (index >> 8)}.${index & 255}`,
          destinationAddressPrefix: `10.1.${index & 255}.0/24`,
          destinationPortRange: String(8000 + index),
          access: 'Allow',
        }),
  );
}

/**
 * What the simulator begins with: NSGs with nothing in them but rules of others; and, if there are machines, a subnet
 * behind each NSG and the machines spread over these.
 */
export function azureState(nsgs: number, machines = 0): unknown {
  const each = <T>(count: number, make: (number: number) => T) =>
    Array.from({ length: count }, (_, number) => make(number));
  const location = 'westeurope';
  return {
    tenantId: '99999999-0000-4000-8000-000000000000',
    subscriptions: [{ subscriptionId, displayName: 'Contoso' }],
    resourceGroups: [{ id: group, location }],
    resources: [
      ...each(nsgs, (number) => ({
        id: nsgId(number),
        location,
        properties: { securityRules: foreignRulesOf(foreignRules) },
      })),
      ...each(Math.min(1, machines), () => ({
        id: networkId,
        location,
        properties: {
          addressSpace: { addressPrefixes: ['10.1.0.0/16'] },
          subnets: each(nsgs, (number) => ({
            name: `subnet-${number}`,
            properties: { addressPrefix: '10.1.0.0/16', networkSecurityGroup: { id: nsgId(number) } },
          })),
        },
      })),
      ...each(machines, (number) => ({
        id: vmId(number),
        location,
        properties: {
          vmId: machineIdOf(number),
          networkProfile: { networkInterfaces: [{ id: networkInterfaceId(number) }] },
        },
      })),
      ...each(machines, (number) => ({
        id: networkInterfaceId(number),
        location,
        properties: {
          ipConfigurations: [
            {
              name: 'only',
              properties: {
                primary: true,
                privateIPAddress: addressOf(number),
                privateIPAddressVersion: 'IPv4',
                subnet: { id: subnetId(number % nsgs) },
              },
            },
          ],
        },
      })),
    ],
  };
}
