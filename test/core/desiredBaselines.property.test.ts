import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BaselineRow } from '../../src/core/baseline.ts';
import { desiredBaselines } from '../../src/core/desiredBaselines.ts';
import type { BaselineSource, Policy, Selector } from '../../src/core/policy.ts';
import { applied, idOf, listed, policyOf, subscription, type SmallAzure } from '../support/baselineWorld.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const machineNames = ['a', 'b', 'c'] as const;
const nsgNames = ['n1', 'n2', 'n3'] as const;
const subnetNames = ['s1', 's2', 's3'] as const;
const addresses = ['10.1.0.4', '10.1.0.5', '10.1.0.6', 'fd00:1::4'];
const numbers = [22, 3389];
const protocols = ['Tcp', 'Udp', '*'] as const;
const groups = ['Contoso', 'Fabrikam'] as const;

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const azure: fc.Arbitrary<SmallAzure> = fc
  .record({
    tags: fc.tuple(...machineNames.map(() => fc.constantFrom('prod', 'test', undefined))),
    nics: fc.array(
      fc.record({
        machine: fc.constantFrom(...machineNames),
        nsg: optional(fc.constantFrom(...nsgNames)),
        addresses: fc.uniqueArray(
          fc.record({ address: fc.constantFrom(...addresses), subnet: fc.constantFrom(...subnetNames) }),
          { maxLength: 2, selector: ({ address }) => address },
        ),
      }),
      { maxLength: 4 },
    ),
    subnets: fc.tuple(...subnetNames.map(() => optional(fc.constantFrom(...nsgNames)))),
  })
  .map(({ tags, nics, subnets }) => ({
    machines: new Map(
      machineNames.map((name, index) => [
        name,
        { group: groups[index % 2] ?? 'Contoso', tags: tagsOf(tags[index]) },
      ]),
    ),
    nics: new Map(
      nics.map(({ machine, nsg, addresses }, index) => [
        `nic-${index}`,
        { machine, addresses, ...(nsg === undefined ? {} : { nsg }) },
      ]),
    ),
    subnets: new Map(subnetNames.map((name, index) => [name, subnets[index]])),
    nsgs: [...nsgNames],
  }));

function tagsOf(env: string | undefined): Record<string, string> {
  return env === undefined ? {} : { env };
}

const selector: fc.Arbitrary<Selector> = fc.oneof(
  fc
    .subarray([...machineNames], { minLength: 1 })
    .map((names) => ({ virtualMachineIds: names.map((name) => idOf.machine(name, groupOf(name))) })),
  fc
    .tuple(
      fc.constantFrom(subscription, ...groups.map(idOf.group)),
      optional(fc.constantFrom('prod', 'test')),
    )
    .map(([scope, env]) => ({ scopes: [scope], ...(env === undefined ? {} : { tags: { env } }) })),
);

function groupOf(name: string): string {
  return groups[machineNames.indexOf(name as 'a') % 2] ?? 'Contoso';
}

const baseline: fc.Arbitrary<BaselineSource> = fc.oneof(
  fc.constant({ kind: 'internet' as const }),
  fc.constant({ kind: 'none' as const }),
  fc
    .subarray(['168.63.129.16/32', '10.1.0.0/24', 'fd00::/8', '192.0.2.0/25'])
    .map((except) => ({ kind: 'everybody' as const, except })),
);

const policy = (id: string): fc.Arbitrary<Policy> =>
  fc
    .tuple(
      fc.array(
        fc.record({
          selector,
          ports: fc.array(
            fc.record({ number: fc.constantFrom(...numbers), protocol: fc.constantFrom(...protocols) }),
            { minLength: 1, maxLength: 2 },
          ),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      baseline,
    )
    .map(([entries, source]) => policyOf(id, entries, source));

const sources = [
  { address: '203.0.113.7', isInternet: true },
  { address: '168.63.129.16', isInternet: false },
  { address: '10.1.0.9', isInternet: false },
  { address: '10.9.0.9', isInternet: false },
  { address: '192.0.2.1', isInternet: true },
];
const sources6 = [
  { address: '2001:db8::7', isInternet: true },
  { address: 'fd00::9', isInternet: false },
];

interface Packet {
  nsg: string;
  address: string;
  port: number;
  protocol: 'Tcp' | 'Udp' | 'Icmp';
  source: { address: string; isInternet: boolean };
}

const packets: Packet[] = nsgNames.flatMap((nsg) =>
  addresses.flatMap((address) =>
    numbers.flatMap((port) =>
      (['Tcp', 'Udp', 'Icmp'] as const).flatMap((protocol) =>
        (address.includes(':') ? sources6 : sources).map((source) => ({
          nsg,
          address,
          port,
          protocol,
          source,
        })),
      ),
    ),
  ),
);

const lists = new Map<string, BlockList>();

function isIn(list: readonly string[], address: string): boolean {
  const type = (text: string) => (text.includes(':') ? 'ipv6' : 'ipv4');
  const key = `${type(address)} ${list.join()}`;
  const block = lists.get(key) ?? new BlockList();
  if (!lists.has(key)) {
    lists.set(key, block);
    for (const text of list) {
      const [network = '', length] = text.split('/');
      if (type(network) === type(address)) block.addSubnet(network, Number(length), type(network));
    }
  }
  return block.check(address, type(address));
}

/** The packets that the rows refuse, by number. */
function refusedBy(rows: readonly BaselineRow[]): Set<number> {
  const refused = new Set<number>();
  packets.forEach((packet, index) => {
    const boxes = rows
      .filter(({ nsgId, state }) => nsgId === idOf.nsg(packet.nsg) && state === 'standing')
      .flatMap((row) => row.boxes);
    const isHit = boxes.some(
      (box) =>
        (box.protocol === '*' || box.protocol === packet.protocol) &&
        box.destinationPorts.includes(packet.port) &&
        isIn(box.destinationAddressPrefixes, packet.address) &&
        box.sourceAddressPrefixes.some(
          (source) =>
            source === '*' ||
            (source === 'Internet' ? packet.source.isInternet : isIn([source], packet.source.address)),
        ),
    );
    if (isHit) refused.add(index);
  });
  return refused;
}

/** The same, straight from policies and machines, packet by packet. */
function refusedByPolicies(policies: readonly Policy[], world: SmallAzure): Set<number> {
  const owners = (nsg: string, address: string) =>
    [...world.nics.values()]
      .filter(({ addresses: own, nsg: ofNic }) =>
        own.some(
          (one) => one.address === address && (ofNic === nsg || world.subnets.get(one.subnet) === nsg),
        ),
      )
      .map(({ machine }) => machine);
  const refused = new Set<number>();
  packets.forEach(({ nsg, address, port, protocol, source }, index) => {
    const machines = new Set(owners(nsg, address));
    const [name] = machines;
    // Where two machines share an address behind an NSG neither is shut there.
    if (name === undefined || machines.size > 1) return;
    const tags = world.machines.get(name)?.tags ?? {};
    const group = groupOf(name);
    for (const { entries, baseline: from } of policies) {
      const isFrom =
        from.kind === 'internet'
          ? source.isInternet
          : from.kind === 'everybody' && !isIn(from.except, source.address);
      const isNamed = entries.some(
        ({ selector: one, ports }) =>
          ports.some(
            (named) => named.number === port && (named.protocol === '*' || named.protocol === protocol),
          ) &&
          ('virtualMachineIds' in one
            ? one.virtualMachineIds.includes(idOf.machine(name, group))
            : one.scopes.some((scope) => scope === subscription || scope === idOf.group(group)) &&
              (one.tags?.['env'] === undefined || one.tags['env'] === tags['env'])),
      );
      if (isFrom && isNamed) refused.add(index);
    }
  });
  return refused;
}

describe('the rows of baselines', () => {
  it('refuse exactly what the policies want refused, packet by packet, and nothing is to do after', () => {
    fc.assert(
      fc.property(azure, policy('p'), policy('q'), (world, p, q) => {
        const listing = listed(world);
        const policies = [p, q];
        const rows = applied([], desiredBaselines({ policies, listing, rows: [], now }));
        expect(refusedBy(rows)).toEqual(refusedByPolicies(policies, world));
        expect(desiredBaselines({ policies, listing, rows, now }).changes).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('are what the policies want after policies were put anew, whatever was there before', () => {
    fc.assert(
      fc.property(azure, policy('p'), policy('q'), policy('p'), (world, p, q, next) => {
        const listing = listed(world);
        const before = applied([], desiredBaselines({ policies: [p, q], listing, rows: [], now }));
        // A person has released whoever left by it.
        const released = machineNames.map((name) => idOf.machine(name, groupOf(name)));
        const policies = [{ ...next, version: 2, released }, q];
        const rows = applied(before, desiredBaselines({ policies, listing, rows: before, now }));
        // What no NSG stands before any more may stay shut where it was.
        const after = refusedBy(rows);
        for (const index of refusedByPolicies(policies, world)) expect(after.has(index)).toBe(true);
        if (world.nics.size === 0 || hasBare(world)) return;
        expect(after).toEqual(refusedByPolicies(policies, world));
      }),
      { numRuns: 100 },
    );
  });

  it('never shrink because a tag, a machine or a list is gone', () => {
    const loss = fc.oneof(
      fc.record({ kind: fc.constant('tag' as const), machine: fc.constantFrom(...machineNames) }),
      fc.record({ kind: fc.constant('machine' as const), machine: fc.constantFrom(...machineNames) }),
      fc.record({ kind: fc.constant('list' as const) }),
      fc.record({ kind: fc.constant('nsg' as const), subnet: fc.constantFrom(...subnetNames) }),
    );
    fc.assert(
      fc.property(
        azure,
        policy('p'),
        policy('q'),
        fc.array(loss, { maxLength: 4 }),
        (world, p, q, losses) => {
          const policies = [p, q];
          let rows = applied([], desiredBaselines({ policies, listing: listed(world), rows: [], now }));
          for (const one of losses) {
            const before = refusedBy(rows);
            if (one.kind === 'tag')
              world.machines.set(one.machine, { group: groupOf(one.machine), tags: {} });
            if (one.kind === 'machine') world.machines.delete(one.machine);
            // The last NSG of whoever has no other: it may be put back.
            if (one.kind === 'nsg' && [...world.nics.values()].every(({ nsg }) => nsg === undefined)) {
              world.subnets.set(one.subnet, undefined);
            }
            const listing = listed(world, one.kind !== 'list');
            rows = applied(rows, desiredBaselines({ policies, listing, rows, now }));
            const after = refusedBy(rows);
            for (const index of before) expect(after.has(index)).toBe(true);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** Whether some address has no NSG before it, or no machine: what stood there stays. */
function hasBare(world: SmallAzure): boolean {
  return [...world.machines.keys()].some((name) => {
    const own = [...world.nics.values()].filter(({ machine }) => machine === name);
    return (
      own.every(({ addresses: list }) => list.length === 0) ||
      own.some(
        ({ nsg, addresses: list }) =>
          nsg === undefined && list.some(({ subnet }) => world.subnets.get(subnet) === undefined),
      )
    );
  });
}
