import type { BaselineRow } from '../../src/core/baseline.ts';
import { baselineRowsAfter, type DesiredBaselines } from '../../src/core/desiredBaselines.ts';
import type { ListedInterface } from '../../src/core/inventory.ts';
import { listingOf, type Listing } from '../../src/core/listing.ts';
import type { BaselineSource, Policy, PolicyEntry, Selector } from '../../src/core/policy.ts';

export const subscription = '/subscriptions/11111111-2222-4333-8444-555555555555';
const subscriptionId = '11111111-2222-4333-8444-555555555555';
const providers = (group: string) => `${subscription}/resourceGroups/${group}/providers`;

export const idOf = {
  group: (name: string) => `${subscription}/resourceGroups/${name}`,
  machine: (name: string, group = 'Contoso') =>
    `${providers(group)}/Microsoft.Compute/virtualMachines/${name}`,
  nsg: (name: string) => `${providers('Contoso')}/Microsoft.Network/networkSecurityGroups/${name}`,
  nic: (name: string) => `${providers('Contoso')}/Microsoft.Network/networkInterfaces/${name}`,
  subnet: (name: string) =>
    `${providers('Contoso')}/Microsoft.Network/virtualNetworks/contoso/subnets/${name}`,
};

/** What stands in Azure, by names. */
export interface SmallAzure {
  machines: Map<string, { group: string; tags: Record<string, string> }>;
  /** Interfaces by name; addresses as Azure shows them, each in its subnet. */
  nics: Map<string, { machine: string; nsg?: string; addresses: { address: string; subnet: string }[] }>;
  /** Name of a subnet → name of its NSG. */
  subnets: Map<string, string | undefined>;
  /** Every NSG there is. */
  nsgs: string[];
}

/** What lists show of it; an incomplete one shows everything and does not say that it is all. */
export function listed(azure: SmallAzure, isComplete = true): Listing {
  const all = new Set(isComplete ? [subscriptionId] : []);
  return listingOf({
    virtualMachines: isComplete
      ? [...azure.machines].map(([name, { group, tags }]) => ({
          id: idOf.machine(name, group),
          vmId: name,
          tags,
        }))
      : [],
    networkInterfaces: [...azure.nics].map(([name, nic]): ListedInterface => {
      const group = azure.machines.get(nic.machine)?.group;
      return {
        id: idOf.nic(name),
        virtualMachineId: idOf.machine(nic.machine, group),
        ...(nic.nsg === undefined ? {} : { nsgId: idOf.nsg(nic.nsg) }),
        addresses: nic.addresses.map(({ address, subnet }) => ({ address, subnetId: idOf.subnet(subnet) })),
      };
    }),
    nsgs: azure.nsgs.map((nsg) => ({
      id: idOf.nsg(nsg),
      body: {
        properties: {
          subnets: [...azure.subnets].flatMap(([name, of]) =>
            of === nsg ? [{ id: idOf.subnet(name) }] : [],
          ),
        },
      },
    })),
    complete: { virtualMachines: all, networkInterfaces: all, nsgs: all },
  });
}

/** A policy of these entries; its first version, not applied yet. */
export function policyOf(
  id: string,
  entries: { selector: Selector; ports: { number: number; protocol?: 'Tcp' | 'Udp' | '*' }[] }[],
  baseline: BaselineSource = { kind: 'internet' },
): Policy {
  return {
    id,
    version: 1,
    entries: entries.map(({ selector, ports }): PolicyEntry => ({
      selector,
      ports: ports.map(({ number, protocol = 'Tcp' }) => ({
        number,
        protocol,
        allowedSourceAddressPrefixes: ['203.0.113.0/24'],
        maxRequestAccessDuration: 'PT3H',
      })),
    })),
    conditions: {},
    baseline,
    provisioning: { state: 'updating', reasons: [] },
    changedAt: '2026-11-23T12:00:00.000Z',
    changedBy: '00000000-0000-4000-8000-00000000ad31',
    journal: [],
    recorded: 0,
  };
}

/** The rows once these changes are written, and what ends has ended. */
export function applied(rows: readonly BaselineRow[], { changes }: DesiredBaselines): BaselineRow[] {
  const next = baselineRowsAfter(rows, changes, new Date('2026-11-23T12:00:00.000Z'));
  return next.filter(({ state }) => state === 'standing');
}
