import type { Policy } from '../../src/core/policy.ts';

const resourceGroup =
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/contoso-production/providers/Microsoft.Compute/virtualMachines';

/** The virtual machines of azure.json, by what inbound traffic has to pass. */
export const virtualMachines = {
  /** The network interface's NSG only. */
  a: `${resourceGroup}/vm-a`,
  /** The subnet's NSG only, shared with c. */
  b: `${resourceGroup}/vm-b`,
  /** The subnet's shared NSG and its own. */
  c: `${resourceGroup}/vm-c`,
} as const;

/** The office network of Contoso, in both address families: ranges that are kept for documentation. */
const office = ['203.0.113.0/24', '2001:db8::/32'];

/** What may be asked for in the sample. */
export const samplePolicies: readonly Policy[] = [
  {
    id: 'contoso-ssh',
    virtualMachineId: virtualMachines.a,
    ports: [
      { number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: office, maxRequestAccessDuration: 'PT3H' },
    ],
  },
  {
    id: 'contoso-remote-desktop',
    virtualMachineId: virtualMachines.b,
    ports: [
      { number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: office, maxRequestAccessDuration: 'PT3H' },
      { number: 3389, protocol: '*', allowedSourceAddressPrefixes: office, maxRequestAccessDuration: 'PT1H' },
    ],
  },
  {
    id: 'contoso-database',
    virtualMachineId: virtualMachines.c,
    ports: [
      {
        number: 22,
        protocol: 'Tcp',
        allowedSourceAddressPrefixes: ['203.0.113.0/28'],
        maxRequestAccessDuration: 'PT30M',
      },
      {
        number: 5432,
        protocol: 'Tcp',
        allowedSourceAddressPrefixes: office,
        maxRequestAccessDuration: 'PT8H',
      },
    ],
  },
];
