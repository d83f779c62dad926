import type { JsonObject } from '../../src/core/network.ts';
import { foreignRule } from '../support/foreignRule.ts';

export const subscriptionId = '11111111-2222-4333-8444-555555555555';
const group = `/subscriptions/${subscriptionId}/resourceGroups/contoso`;

export const nsgId = (number: number) =>
  `${group}/providers/Microsoft.Network/networkSecurityGroups/nsg-${number}`;
export const vmId = (number: number) => `${group}/providers/Microsoft.Compute/virtualMachines/vm-${number}`;
export const networkInterfaceId = (number: number) =>
  `${group}/providers/Microsoft.Network/networkInterfaces/nic-${number}`;

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

/** What the simulator begins with: NSGs with nothing in them but rules of others. */
export function azureState(nsgs: number): unknown {
  return {
    tenantId: '99999999-0000-4000-8000-000000000000',
    subscriptions: [{ subscriptionId, displayName: 'Contoso' }],
    resourceGroups: [{ id: group, location: 'westeurope' }],
    resources: Array.from({ length: nsgs }, (_, number) => ({
      id: nsgId(number),
      location: 'westeurope',
      properties: { securityRules: foreignRulesOf(foreignRules) },
    })),
  };
}
