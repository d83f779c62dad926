import type { Policy, PolicyPort } from '../../src/core/policy.ts';

/** The one subscription of azure.json. */
export const sampleSubscription = '/subscriptions/11111111-2222-3333-4444-555555555555';
const compute = 'providers/Microsoft.Compute/virtualMachines';

/** The virtual machines of azure.json, by what inbound traffic has to pass. */
export const virtualMachines = {
  /** The network interface's own NSG; has an IPv6 address too. */
  web: `${sampleSubscription}/resourceGroups/Contoso-Web-RG/${compute}/vm-web`,
  /** The subnet's NSG, shared with db2. */
  db1: `${sampleSubscription}/resourceGroups/contoso-data-RG/${compute}/vm-db1`,
  /** The subnet's shared NSG, then its own. */
  db2: `${sampleSubscription}/resourceGroups/contoso-data-RG/${compute}/vm-db2`,
} as const;

/** The office network of Contoso, in both address families: ranges that are kept for documentation. */
const office = ['203.0.113.0/24', '2001:db8::/32'];

function samplePolicy(id: string, virtualMachineId: string, ports: PolicyPort[]): Policy {
  return {
    id,
    version: 1,
    entries: [{ selector: { virtualMachineIds: [virtualMachineId] }, ports }],
    conditions: {},
    baseline: { kind: 'none' },
    provisioning: { state: 'succeeded', reasons: [] },
    changedAt: '2026-11-23T00:00:00.000Z',
    changedBy: 'sallyport',
    journal: [],
    recorded: 0,
  };
}

/** What may be asked for in the sample. */
export const samplePolicies: readonly Policy[] = [
  samplePolicy('web-ssh', virtualMachines.web, [
    { number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: office, maxRequestAccessDuration: 'PT3H' },
  ]),
  samplePolicy('db1-administration', virtualMachines.db1, [
    { number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: office, maxRequestAccessDuration: 'PT3H' },
    {
      number: 3389,
      protocol: 'Tcp',
      allowedSourceAddressPrefixes: office,
      maxRequestAccessDuration: 'PT1H',
    },
  ]),
  samplePolicy('db2-administration', virtualMachines.db2, [
    {
      number: 3389,
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
  ]),
];
