import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import type { NetworkHint } from '../../src/core/networkHint.ts';
import {
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  seconds,
  subnetNsg,
  vmId,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';

const id = idOf(1);
const nicId = nicNsg.replace('networkSecurityGroups/nsg-nic', 'networkInterfaces/vm-web-nic');
const otherNsg = nicNsg.replace('nsg-nic', 'nsg-other');

/** One grant, open for a while, its orchestration running. */
async function opened(): Promise<{ world: GrantWorld; process: Process }> {
  const world = await grantWorld();
  const process = world.startProcess();
  await world.clock.run(process.submit());
  await world.runUntil(seconds(60), process);
  return { world, process };
}

const hintAt = (world: GrantWorld, kind: NetworkHint['kind'], of: string): NetworkHint => ({
  ...{ kind, id: of },
  at: world.clock.now(),
});

/** Makes the owned rule admit everybody. */
function widen(world: GrantWorld, nsgId: string): void {
  world.network.edit(nsgId, (body) => {
    const properties = body['properties'] as JsonObject;
    const securityRules = (properties['securityRules'] as { name: string; properties: JsonObject }[]).map(
      (rule) =>
        rule.name.startsWith('sallyport-')
          ? { ...rule, properties: { ...rule.properties, sourceAddressPrefix: '*' } }
          : rule,
    );
    return { ...body, properties: { ...properties, securityRules } };
  });
}

function sourcesIn(world: GrantWorld, nsgId: string): unknown[] {
  const properties = world.network.nsg(nsgId)?.['properties'] as JsonObject;
  return (properties['securityRules'] as { name: string; properties: JsonObject }[])
    .filter(({ name }) => name.startsWith('sallyport-'))
    .map(({ properties: { sourceAddressPrefix } }) => sourceAddressPrefix);
}

const armCalls = (world: GrantWorld, method: string) =>
  world.network.calls.filter((call) => call.method === method).length;

describe('a hint at an NSG', () => {
  it('that holds a grant has it reconciled at once', async () => {
    const { world, process } = await opened();
    widen(world, nicNsg);

    await world.clock.run(process.followHint(hintAt(world, 'nsg', nicNsg)));

    expect(sourcesIn(world, nicNsg)).toEqual(['203.0.113.7/32']);
    expect(world.clock.now().getTime()).toBeLessThan(seconds(65).getTime());
  });

  it('is the same in whatever case the event spells it', async () => {
    const { world, process } = await opened();
    widen(world, nicNsg);

    await world.clock.run(process.followHint(hintAt(world, 'nsg', nicNsg.toUpperCase())));

    expect(sourcesIn(world, nicNsg)).toEqual(['203.0.113.7/32']);
  });

  it('that we have no grant on costs no call to Azure', async () => {
    const { world, process } = await opened();
    world.network.addNsg(otherNsg, world.network.nsg(nicNsg) ?? {});
    const before = world.network.calls.length;

    await world.clock.run(process.followHint(hintAt(world, 'nsg', otherNsg)));

    expect(world.network.calls.length).toBe(before);
  });

  it('about our own writes costs no call to Azure', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(60), process);
    // The write takes a second; Azure tells of it when it is done.
    const opening = { ...hintAt(world, 'nsg', nicNsg), at: seconds(1) };
    const other = world.startProcess();
    const before = world.network.calls.length;

    await world.clock.run(other.followHint(opening));
    expect(world.network.calls.length).toBe(before);

    await world.clock.run(process.revoke(id));
    await world.runUntil(seconds(90), process);
    const closed = world.network.calls.length;
    await world.clock.run(other.followHint(hintAt(world, 'nsg', nicNsg)));
    expect(world.network.calls.length).toBe(closed);
  });

  it('that is no more ends its grants', async () => {
    const { world, process } = await opened();
    world.network.removeNsg(nicNsg);

    await world.clock.run(process.followHint(hintAt(world, 'nsg', nicNsg)));
    await world.runUntil(seconds(90), process);

    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect((await world.request(id)).reason).toMatchObject({ code: 'target-gone' });
    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it('costs two looks when it comes a thousand times, and the second sees what the last one told of', async () => {
    const { world } = await opened();
    const [reads, writes] = [armCalls(world, 'read'), armCalls(world, 'write')];
    const all: Promise<void>[] = [];
    const come = (times: number) => {
      for (let count = 0; count < times; count += 1) {
        all.push(process.followHint(hintAt(world, 'nsg', nicNsg)));
      }
    };
    const process = world.startProcess(undefined, {
      after: (called) => {
        // The first look has read the NSG: it will not see this edit.
        if (called === 'network.readNsg' && all.length === 500) {
          widen(world, nicNsg);
          come(500);
        }
        return undefined;
      },
    });

    come(500);
    await world.clock.run(Promise.all(all));
    await world.clock.run(Promise.all(all));

    expect(all.length).toBe(1000);
    expect(sourcesIn(world, nicNsg)).toEqual(['203.0.113.7/32']);
    // The second look reads once more before it decides on drift, writes, and reads back what it wrote.
    expect(armCalls(world, 'read') - reads).toBe(4);
    expect(armCalls(world, 'write') - writes).toBe(1);
  });

  it('costs at most one look in two seconds, however often it comes', async () => {
    const { world, process } = await opened();
    const reads = armCalls(world, 'read');
    const began = world.clock.now().getTime();
    const all: Promise<void>[] = [];
    for (let tenth = 0; tenth < 200; tenth += 1) {
      await world.clock.advanceTo(new Date(began + tenth * 100));
      all.push(process.followHint(hintAt(world, 'nsg', nicNsg)));
    }
    await world.clock.run(Promise.all(all));

    expect(armCalls(world, 'read') - reads).toBeGreaterThan(1);
    expect(armCalls(world, 'read') - reads).toBeLessThanOrEqual(11);
  });

  it('that is late, doubled or out of order costs nothing once somebody has looked after it', async () => {
    const { world, process } = await opened();
    const early = hintAt(world, 'nsg', nicNsg);
    await world.clock.advanceTo(seconds(70));
    const late = hintAt(world, 'nsg', nicNsg);
    await world.clock.run(process.followHint(late));
    await world.clock.advanceTo(seconds(80));
    const before = world.network.calls.length;

    for (const hint of [late, early, early]) await world.clock.run(process.followHint(hint));

    expect(world.network.calls.length).toBe(before);
  });

  it('spends no read that is kept for others', async () => {
    const { world, process } = await opened();
    widen(world, nicNsg);
    world.inventory.setReadsLeft(0);
    const before = world.network.calls.length;

    await world.clock.run(process.followHint(hintAt(world, 'nsg', nicNsg)));

    expect(world.network.calls.length).toBe(before);
  });
});

describe('a hint at a machine', () => {
  it.each([
    ['virtual-machine', vmId, 'is deleted', ({ network }: GrantWorld) => network.removeVirtualMachine(vmId)],
    [
      'network-interface',
      nicId,
      'has another address',
      ({ network }: GrantWorld) => {
        const [now] = network.machines();
        if (now !== undefined)
          network.addVirtualMachine({ ...now, addresses: [{ family: 'IPv4', address: '10.1.0.9' }] });
      },
    ],
  ] as const)('whose %s %s %s ends its grants within seconds', async (kind, resource, _what, change) => {
    const { world, process } = await opened();
    change(world);

    await world.clock.run(process.followHint(hintAt(world, kind, resource.toLowerCase())));
    await world.runUntil(seconds(75), process);

    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(world.ownedRules()).toEqual([]);
  });

  it('of no grant costs no call to Azure', async () => {
    const { world, process } = await opened();
    const before = world.network.calls.length;

    await world.clock.run(process.followHint(hintAt(world, 'virtual-machine', `${vmId}-other`)));
    await world.clock.run(process.followHint(hintAt(world, 'network-interface', `${nicId}-other`)));

    expect(world.network.calls.length).toBe(before);
  });

  it('of no grant is not remembered: whoever names ever new ones fills no memory', async () => {
    const { world } = await opened();
    let looks = 0;
    const process = world.startProcess(undefined, {
      before: (called) => {
        if (called === 'live.unended') looks += 1;
      },
    });
    const ours = hintAt(world, 'virtual-machine', vmId);
    const other = hintAt(world, 'virtual-machine', `${vmId}-other`);
    for (const hint of [ours, ours, other, other]) {
      await world.clock.run(process.followHint(hint));
      await world.clock.run(world.clock.sleep(5000));
    }

    expect(looks).toBe(3);
  });

  it('that is as it was found leaves the grant open', async () => {
    const { world, process } = await opened();

    await world.clock.run(process.followHint(hintAt(world, 'virtual-machine', vmId)));

    expect((await world.request(id)).state).toBe('active');
  });

  it('costs two looks at it when a thousand come at once', async () => {
    const { world, process } = await opened();
    const before = armCalls(world, 'resolve');

    await world.clock.run(
      Promise.all(
        Array.from({ length: 1000 }, (_, index) =>
          process.followHint(
            hintAt(
              world,
              index % 2 === 0 ? 'virtual-machine' : 'network-interface',
              index % 2 === 0 ? vmId : nicId,
            ),
          ),
        ),
      ),
    );

    expect(armCalls(world, 'resolve') - before).toBeLessThanOrEqual(2);
  });
});

describe('a hint that cannot be followed', () => {
  it.each(['live.allOfNsg', 'network.readNsg', 'live.unended', 'requests.get'])(
    'because %s fails fails nobody',
    async (effect) => {
      const { world } = await opened();
      const process = world.startProcess(undefined, {
        before: (called) => {
          if (called === effect) throw new Error('Down.');
        },
      });

      await world.clock.run(process.followHint(hintAt(world, 'nsg', nicNsg)));
      await world.clock.run(process.followHint(hintAt(world, 'virtual-machine', vmId)));

      expect(world.logged).toContain('hint-failed');
      expect((await world.request(id)).state).toBe('active');
    },
  );

  it('because Azure hangs is not waited for beyond half a minute', async () => {
    const { world } = await opened();
    const process = world.startProcess(undefined, {
      before: (called) => (called === 'network.readNsg' ? new Promise<void>(() => undefined) : undefined),
    });
    const began = world.clock.now().getTime();

    await world.clock.run(process.followHint(hintAt(world, 'nsg', nicNsg)));

    expect(world.clock.now().getTime() - began).toBeLessThan(30_000);
  });

  it('because the orchestration cannot be rung is left to the sweep, its rows saying that it closes', async () => {
    const { world } = await opened();
    const process = world.startProcess(undefined, {
      before: (called) => {
        if (called === 'orchestrations.ring') throw new Error('Down.');
      },
    });
    world.network.removeVirtualMachine(vmId);

    await world.clock.run(process.followHint(hintAt(world, 'virtual-machine', vmId)));

    expect(world.logged).toContain('ring-left-to-sweep');
    expect((await world.request(id)).state).toBe('closing');
    await world.clock.advanceTo(seconds(120));
    await world.clock.run(world.startProcess().sweep());
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });
});
