import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FoundVirtualMachine, NsgTarget } from '../../src/core/accessRequest.ts';
import { listingOf, type Listing } from '../../src/core/listing.ts';
import { reasonToEnd, stateListed } from '../../src/core/targetState.ts';

const subscriptionId = '11111111-2222-3333-4444-555555555555';
const group = `/subscriptions/${subscriptionId}/resourceGroups/Contoso-RG/providers`;
const idOf = {
  machine: (name: number) => `${group}/Microsoft.Compute/virtualMachines/vm-${name}`,
  nic: (name: number) => `${group}/Microsoft.Network/networkInterfaces/nic-${name}`,
  nsg: (name: number) => `${group}/Microsoft.Network/networkSecurityGroups/nsg-${name}`,
  subnet: (name: number) => `${group}/Microsoft.Network/virtualNetworks/net-${name}/subnets/main`,
};

interface Interface {
  name: number;
  machine: number | undefined;
  nsg: number | undefined;
  subnet: number;
  addresses: string[];
}

/** A small Azure: machine → its own id, interfaces, subnet → its NSG, and the NSGs that there are. */
interface World {
  machines: Map<number, string>;
  interfaces: Interface[];
  subnets: (number | undefined)[];
  nsgs: Set<number>;
}

const names = [0, 1, 2];
const maybeNsg = fc.option(fc.constantFrom(0, 1, 2), { nil: undefined });
const worlds: fc.Arbitrary<World> = fc.record({
  machines: fc
    .tuple(...names.map((name) => fc.constantFrom(`made-${name}`, `made-anew-${name}`, undefined)))
    .map(
      (made) => new Map(made.flatMap((vmId, name) => (vmId === undefined ? [] : [[name, vmId] as const]))),
    ),
  interfaces: fc
    .tuple(
      ...names.map((name) =>
        fc.option(
          fc.record({
            name: fc.constant(name),
            machine: fc.constantFrom(name, name, name, (name + 1) % 3, undefined),
            nsg: maybeNsg,
            subnet: fc.constantFrom(0, 1),
            addresses: fc.subarray(['10.0.0.4', '10.0.0.5', '2001:db8::4'], { minLength: 1, maxLength: 2 }),
          }),
          { nil: undefined, freq: 8 },
        ),
      ),
    )
    .map((all) => all.filter((one) => one !== undefined)),
  subnets: fc.tuple(maybeNsg, maybeNsg).map((all) => [...all]),
  nsgs: fc.constant(new Set(names)),
});

/** What a world becomes, near enough to it that most grants are left in peace. */
function changed(world: World): fc.Arbitrary<World> {
  return fc
    .record({ other: worlds, keep: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }) })
    .map(({ other, keep }) => ({
      machines: new Map(
        names.flatMap((name) => {
          const vmId = (keep[name] === true ? world : other).machines.get(name);
          return vmId === undefined ? [] : [[name, vmId] as const];
        }),
      ),
      interfaces: names.flatMap(
        (name) => (keep[3 + name] === true ? world : other).interfaces.find((one) => one.name === name) ?? [],
      ),
      subnets: world.subnets.map((nsg, index) => (keep[6 + index] === true ? nsg : other.subnets[index])),
      nsgs: world.nsgs,
    }));
}

function nsgsBefore(world: World, { nsg, subnet }: Interface): number[] {
  const both = [nsg, world.subnets[subnet]].filter((name) => name !== undefined);
  return [...new Set(both)];
}

/** Whom a packet to this address meets behind this NSG: interface and machine, each as it is known in Azure. */
function behind(world: World, nsg: number, address: string): string[] {
  return world.interfaces
    .filter((one) => nsgsBefore(world, one).includes(nsg) && one.addresses.includes(address))
    .map(({ name, machine }) => `${name} of ${machine} ${world.machines.get(machine ?? -1)}`)
    .sort();
}

interface Made {
  found: FoundVirtualMachine[];
  targets: NsgTarget[];
  /** What was opened, for the oracle. */
  opened: { nsg: number; address: string }[];
  interfaces: Interface[];
}

/** A grant for every machine that can have one, at the first address of its interface; nothing if an address is not unique. */
function grantIn(world: World): Made | undefined {
  const interfaces = world.interfaces.filter(
    ({ name, machine }) => machine === name && world.machines.has(machine),
  );
  const opened = interfaces.flatMap((one) =>
    nsgsBefore(world, one).map((nsg) => ({ nsg, address: one.addresses[0] ?? '' })),
  );
  if (opened.length === 0 || opened.some(({ nsg, address }) => behind(world, nsg, address).length !== 1)) {
    return undefined;
  }
  const kept = interfaces.filter((one) => nsgsBefore(world, one).length > 0);
  return {
    interfaces: kept,
    opened,
    found: kept.map((one) => ({
      virtualMachineId: idOf.machine(one.name),
      vmId: world.machines.get(one.name) ?? '',
      networkInterfaceId: idOf.nic(one.name),
      // The grant opens the first only; what it does not speak of may change.
      addresses: one.addresses,
      nsgIds: nsgsBefore(world, one).map(idOf.nsg),
    })),
    targets: [...new Set(opened.map(({ nsg }) => nsg))].map((nsg) => ({
      nsgId: idOf.nsg(nsg),
      boxes: opened
        .filter((one) => one.nsg === nsg)
        .map(({ address }) => ({
          protocol: 'Tcp',
          sourceAddressPrefixes: [address.includes(':') ? '2001:db8:1::/48' : '203.0.113.7/32'],
          destinationAddressPrefixes: [address.includes(':') ? `${address}/128` : `${address}/32`],
          destinationPorts: [22],
        })),
    })),
  };
}

/** As Azure would list the world; ids in another case than they were found in. */
function listed(world: World): Listing {
  const shout = (id: string) => id.toUpperCase();
  const complete = new Set([subscriptionId]);
  return listingOf({
    virtualMachines: [...world.machines].map(([name, vmId]) => ({ id: shout(idOf.machine(name)), vmId })),
    networkInterfaces: world.interfaces.map(({ name, machine, nsg, subnet, addresses }) => ({
      id: shout(idOf.nic(name)),
      ...(machine === undefined ? {} : { virtualMachineId: shout(idOf.machine(machine)) }),
      ...(nsg === undefined ? {} : { nsgId: shout(idOf.nsg(nsg)) }),
      addresses: addresses.map((address) => ({ address, subnetId: shout(idOf.subnet(subnet)) })),
    })),
    nsgs: [...world.nsgs].map((nsg) => ({
      id: idOf.nsg(nsg),
      body: {
        properties: {
          subnets: world.subnets.flatMap((before, subnet) =>
            before === nsg ? [{ id: idOf.subnet(subnet) }] : [],
          ),
        },
      },
    })),
    complete: { virtualMachines: complete, networkInterfaces: complete, nsgs: complete },
  });
}

const cases = worlds
  .map((before) => ({ before, grant: grantIn(before) }))
  .filter((one): one is { before: World; grant: Made } => one.grant !== undefined)
  .chain(({ before, grant }) => changed(before).map((after) => ({ before, grant, after })));

describe('whether a grant ends because of what the lists show', () => {
  it('is whether every packet that it lets through still meets the machine that it was made for, and it lets all through', () => {
    let kept = 0;
    let ended = 0;
    fc.assert(
      fc.property(cases, ({ before, grant, after }) => {
        const listing = listed(after);
        const reason = reasonToEnd(grant, (found) => stateListed(grant, found, listing));

        const sameMachine = grant.opened.every(
          ({ nsg, address }) => behind(after, nsg, address).join() === behind(before, nsg, address).join(),
        );
        const nothingNew = grant.interfaces.every(({ name, addresses: [address] }) =>
          after.interfaces
            .filter((one) => one.name === name)
            .flatMap((one) => nsgsBefore(after, one))
            .every((nsg) => grant.opened.some((one) => one.nsg === nsg && one.address === address)),
        );
        expect(reason === undefined).toBe(sameMachine && nothingNew);
        if (reason === undefined) kept += 1;
        else ended += 1;
      }),
      { numRuns: 4000 },
    );
    // Neither answer is the only one that was ever asked for.
    expect(Math.min(kept, ended)).toBeGreaterThan(200);
  });

  it('is no, whatever is not in a list that was not read to its end', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom('nothing', 'nics'), ({ before, grant }, cut) => {
        const none = new Set<string>();
        const listing: Listing = {
          ...listed(cut === 'nics' ? before : { ...before, interfaces: [] }),
          virtualMachines: new Map(),
          nsgsOfSubnet: new Map(),
          complete: { virtualMachines: none, networkInterfaces: none, nsgs: none },
        };

        expect(reasonToEnd(grant, (found) => stateListed(grant, found, listing))).toBeUndefined();
      }),
    );
  });
});
