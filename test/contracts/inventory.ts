import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Inventory,
  InventoryCall,
  InventoryPage,
  ListedVirtualMachine,
  ListedVirtualNetwork,
} from '../../src/core/inventory.ts';
import type { Network } from '../../src/core/network.ts';

export type ListName = 'nsgs' | 'networkInterfaces' | 'virtualMachines' | 'virtualNetworks';
export const listNames: ListName[] = ['nsgs', 'networkInterfaces', 'virtualMachines', 'virtualNetworks'];

export interface InventoryHarness {
  inventory: Inventory;
  network: Network;
  /** Two subscriptions; the first has at least three of each that is listed, and pages hold two. */
  subscriptionIds: [string, string];
  /** Every NSG of the first subscription. */
  nsgIds: string[];
  /** A machine of the first subscription and its interface, which has an NSG of its own. */
  virtualMachine: ListedVirtualMachine;
  /** A network of the first subscription. */
  virtualNetwork: ListedVirtualNetwork;
  networkInterface: { id: string; nsgId: string; address: string; subnetId: string };
  /** The second page of the list in the first subscription fails, once, with a quota's Retry-After of 7. */
  failSecondPage(list: ListName): void;
  close(): Promise<void>;
}

const call: InventoryCall = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };

/** What every Inventory does: run against the memory and against Azure Resource Manager over the wire. */
export function describeInventoryContract(name: string, make: () => Promise<InventoryHarness>): void {
  describe(`${name} as an Inventory`, () => {
    let harness: InventoryHarness;
    beforeEach(async () => {
      harness = await make();
    });
    afterEach(() => harness.close());

    it('lists every NSG of a subscription once, page by page, as a read shows it', async () => {
      const [subscriptionId] = harness.subscriptionIds;
      const pages = await all(harness.inventory.nsgs({ ...call, subscriptionIds: [subscriptionId] }));
      const listed = itemsOf(pages);
      expect(pages.length).toBeGreaterThan(1);
      expect(listed.map(({ id }) => id.toLowerCase()).toSorted()).toEqual(
        harness.nsgIds.map((id) => id.toLowerCase()).toSorted(),
      );
      for (const nsg of listed) {
        expect(await harness.network.readNsg(nsg.id, call)).toEqual({ kind: 'read', nsg });
      }
    });

    it('shows an interface with its machine, its NSG and its addresses', async () => {
      const [subscriptionId] = harness.subscriptionIds;
      const { id, nsgId, address, subnetId } = harness.networkInterface;
      const pages = await all(
        harness.inventory.networkInterfaces({ ...call, subscriptionIds: [subscriptionId] }),
      );
      const found = itemsOf(pages).find((one) => one.id === id);
      expect(found).toMatchObject({ nsgId, virtualMachineId: harness.virtualMachine.id });
      expect(found?.addresses).toContainEqual({ address, subnetId });
    });

    it('shows a virtual network with the prefixes of its subnets', async () => {
      const [subscriptionId] = harness.subscriptionIds;
      const pages = await all(
        harness.inventory.virtualNetworks({ ...call, subscriptionIds: [subscriptionId] }),
      );
      expect(itemsOf(pages)).toContainEqual(harness.virtualNetwork);
    });

    it('shows a machine with Azure’s own id of it, its tags and its operating system', async () => {
      const [subscriptionId] = harness.subscriptionIds;
      const pages = await all(
        harness.inventory.virtualMachines({ ...call, subscriptionIds: [subscriptionId] }),
      );
      expect(itemsOf(pages)).toContainEqual(harness.virtualMachine);
    });

    it('lists every subscription that this identity sees, unless told which', async () => {
      const listed = itemsOf(await all(harness.inventory.nsgs(call)));
      const [first, second] = harness.subscriptionIds;
      const each = async (subscriptionId: string) =>
        itemsOf(await all(harness.inventory.nsgs({ ...call, subscriptionIds: [subscriptionId] })));
      expect(listed).toHaveLength((await each(first)).length + (await each(second)).length);
      expect(await each(second)).not.toEqual([]);
    });

    it.each(listNames)('tells where %s were not listed to their end, and lists the others', async (list) => {
      const [first] = harness.subscriptionIds;
      const whole = await all<{ id: string }>(harness.inventory[list](call));
      harness.failSecondPage(list);
      const pages = await all<{ id: string }>(harness.inventory[list](call));
      const failures = pages.filter((page) => page.kind === 'failed');
      expect(failures).toEqual([
        {
          kind: 'failed',
          subscriptionId: first,
          message: expect.any(String) as string,
          retryAfterSeconds: 7,
        },
      ]);
      const elsewhere = (ids: { id: string }[]) => ids.filter(({ id }) => !id.includes(first)).length;
      expect(elsewhere(itemsOf(pages))).toBe(elsewhere(itemsOf(whole)));
      expect(itemsOf(pages).length).toBeLessThan(itemsOf(whole).length);
    });

    it('says of a subscription that nobody has asked anything of that lists may spend reads', () => {
      expect(harness.inventory.readsLeft(harness.subscriptionIds[1])).toBeGreaterThan(0);
    });
  });
}

/** The whole of a list, its failures included. */
export async function all<Item>(pages: AsyncIterable<InventoryPage<Item>>): Promise<InventoryPage<Item>[]> {
  const every: InventoryPage<Item>[] = [];
  for await (const page of pages) every.push(page);
  return every;
}

function itemsOf<Item>(pages: InventoryPage<Item>[]): Item[] {
  return pages.flatMap((page) => (page.kind === 'page' ? page.items : []));
}
