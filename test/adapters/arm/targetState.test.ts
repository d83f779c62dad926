import { afterEach, describe, expect, it } from 'vitest';
import type { FoundVirtualMachine, NsgTarget } from '../../../src/core/accessRequest.ts';
import type { NsgDocument } from '../../../src/core/network.ts';
import type { Reason } from '../../../src/core/reason.ts';
import { reasonToEnd, stateListed, stateResolved } from '../../../src/core/targetState.ts';
import { readListing, subscriptionsOfGrants } from '../../../src/workflow/readListing.ts';
import { ids, simulateArm, type SimulatedArm } from './simulatedArm.ts';

const call = { correlationId: 'c0ffee00-0000-4000-8000-000000000001' };
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Grant {
  found: FoundVirtualMachine[];
  targets: NsgTarget[];
}

let simulated: SimulatedArm;
afterEach(() => simulated.arm.close());

/** A grant of SSH at every address of a machine, as it is found now. */
async function grantOn(name: string): Promise<Grant> {
  const resolved = await simulated.network.resolveVirtualMachine(ids.vm(name), call);
  if ('refused' in resolved) throw new Error(resolved.message);
  const { virtualMachineId, vmId, networkInterfaceId, nsgIds } = resolved;
  const addresses = resolved.addresses.map(({ address }) => address);
  return {
    found: [
      { virtualMachineId, networkInterfaceId, nsgIds, addresses, ...(vmId === undefined ? {} : { vmId }) },
    ],
    targets: nsgIds.map((nsgId) => ({
      nsgId,
      boxes: resolved.addresses.map(({ address, family }) => ({
        protocol: 'Tcp',
        sourceAddressPrefixes: [family === 'IPv6' ? '2001:db8::/32' : '203.0.113.7/32'],
        destinationAddressPrefixes: [`${address}/${family === 'IPv6' ? 128 : 32}`],
        destinationPorts: [22],
      })),
    })),
  };
}

async function byLists(grant: Grant): Promise<Reason | undefined> {
  const { inventory } = simulated.connectAll();
  const nsgs: NsgDocument[] = [];
  for await (const page of inventory.nsgs(call)) if (page.kind === 'page') nsgs.push(...page.items);
  const listing = await readListing(
    { inventory, log: silent },
    subscriptionsOfGrants([grant]),
    { nsgs, isWhole: true },
    call.correlationId,
  );
  return reasonToEnd(grant, (found) => stateListed(grant, found, listing));
}

async function bySingleRead(grant: Grant): Promise<Reason | undefined> {
  const [machine] = grant.found;
  const resolved = await simulated.network.resolveVirtualMachine(machine?.virtualMachineId ?? '', call);
  return reasonToEnd(grant, (found) => stateResolved(found, resolved));
}

/** Goes on with another state of Azure. */
async function change(edit: (state: string) => string): Promise<void> {
  const state = JSON.stringify(simulated.arm.state());
  await simulated.arm.close();
  simulated = await simulateArm({ state: JSON.parse(edit(state)) });
}

const without = (id: string) => (state: string) => {
  const parsed = JSON.parse(state) as { resources: { id: string }[] };
  return JSON.stringify({ ...parsed, resources: parsed.resources.filter((resource) => resource.id !== id) });
};

describe('a machine as lists and a single read show it', () => {
  it.each(['web-1', 'single-1', 'solo-1', 'far-1'])('%s is by both what was found of it', async (name) => {
    simulated = await simulateArm({ settings: { pageSize: 2 } });
    const grant = await grantOn(name);

    expect(await byLists(grant)).toBeUndefined();
    expect(await bySingleRead(grant)).toBeUndefined();
  });

  it.each<[string, string, string, (state: string) => string]>([
    ['is deleted', 'solo-1', 'target-gone', without(ids.vm('solo-1'))],
    ['loses its interface', 'solo-1', 'target-gone', without(ids.nic('solo-1'))],
    [
      'is made anew',
      'solo-1',
      'target-gone',
      (state) => state.replace('"vmId":"solo-1"', '"vmId":"solo-1-anew"'),
    ],
    [
      'gets another address',
      'solo-1',
      'address-changed',
      (state) => state.replace('"10.1.8.4"', '"10.1.8.99"'),
    ],
    [
      'has an address that another interface behind its NSG takes',
      'single-1',
      'address-not-unique',
      (state) => state.replaceAll('"10.1.9.4"', '"10.1.9.5"'),
    ],
    [
      'is moved to another subnet, behind no NSG',
      'solo-1',
      'target-gone',
      (state) => state.replaceAll(ids.subnet('a', 'solo'), ids.subnet('a', 'open')),
    ],
    [
      'has its subnet put behind another NSG',
      'solo-1',
      'target-gone',
      (state) =>
        state.replaceAll(
          `"networkSecurityGroup":{"id":"${ids.nsg('solo')}"}`,
          `"networkSecurityGroup":{"id":"${ids.nsg('pair')}"}`,
        ),
    ],
  ])('that %s is by both another one', async (_case, name, code, edit) => {
    simulated = await simulateArm();
    const grant = await grantOn(name);
    await change(edit);

    expect(await byLists(grant)).toMatchObject({ code });
    expect(await bySingleRead(grant)).toMatchObject({ code });
  });
});
