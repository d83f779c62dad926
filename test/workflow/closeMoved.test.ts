import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import {
  contentOf,
  eventsOf,
  grantWorld,
  minutes,
  nicNsg,
  subnetNsg,
  vmId,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';

const movedNsg = nicNsg.replace('Contoso-RG', 'Fabrikam-RG');
const inOtherSubscription = nicNsg.replace(
  '11111111-2222-3333-4444-555555555555',
  '66666666-7777-8888-9999-aaaaaaaaaaaa',
);

async function active(world: GrantWorld, process: Process): Promise<string> {
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
  await world.runUntil(minutes(1), process);
  return result.request.id;
}

/** As Azure does it: all that is in it gets another id. */
function move(world: GrantWorld, to: string): void {
  const body = world.network.nsg(nicNsg) as JsonObject;
  world.network.removeNsg(nicNsg);
  world.network.addNsg(to, body);
}

describe('a grant whose NSG was moved', () => {
  it.each([
    ['another resource group', movedNsg],
    ['another subscription', inOtherSubscription],
  ])('to %s is closed where its rule is now', async (_where, to) => {
    const world = await grantWorld();
    const process = world.startProcess();
    const before = contentOf({ ...world.network.nsg(nicNsg), id: to });
    const id = await active(world, process);
    move(world, to);
    expect(world.ownedRules(to)).toHaveLength(1);

    await world.runUntil(minutes(62), process);

    expect(world.ownedRules(to)).toEqual([]);
    expect(contentOf(world.network.nsg(to))).toEqual(before);
    expect(await world.request(id)).toMatchObject({ state: 'closed' });
    expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
    const reasons = (await world.audit(id)).at(-1)?.reasons ?? [];
    expect(JSON.stringify(reasons)).toContain(to);
    expect(world.logged).toContain('nsg-moved');
  });

  it('is not called closed while lists fail, and is closed as soon as they do not', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await active(world, process);
    move(world, movedNsg);
    world.network.removeVirtualMachine(vmId);
    world.inventory.fail('nsgs', {}, { times: 3 });

    await world.runUntil(minutes(60.3), process);
    expect((await world.request(id)).state).toBe('closing');
    expect(world.logged).toContain('close-unfinished');

    await world.runUntil(minutes(64), process);
    expect((await world.request(id)).state).toBe('closed');
    expect(world.ownedRules(movedNsg)).toEqual([]);
  });

  it('is closed behind its machine at once even while lists fail, and called closed once they do not', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await active(world, process);
    const [machine] = world.network.machines();
    if (machine === undefined) throw new Error('There is no machine.');
    move(world, movedNsg);
    world.network.addVirtualMachine({ ...machine, nsgIds: [subnetNsg, movedNsg] });
    world.inventory.fail('nsgs', {}, { times: 1 });

    await world.runUntil(minutes(60.1), process);
    expect(world.ownedRules(movedNsg)).toEqual([]);
    expect((await world.request(id)).state).toBe('closing');

    await world.runUntil(minutes(62), process);
    expect((await world.request(id)).state).toBe('closed');
  });

  it('is closed although it was never seen open', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    world.network.fail('read', { kind: 'unknown' }, 4);
    const result = await world.clock.run(process.submit());
    if (result.kind !== 'accepted') throw new Error('It was not accepted.');
    world.network.addNsg(movedNsg, withRuleOf(world, result.request.id));
    world.network.removeNsg(nicNsg);

    await world.runUntil(minutes(2), process);

    expect(world.ownedRules(movedNsg)).toEqual([]);
    expect(await world.request(result.request.id)).toMatchObject({
      state: 'failed',
      reason: { code: 'target-gone' },
    });
  });
});

describe('a grant whose NSG was deleted', () => {
  it('is called closed after every NSG that can be seen was looked at', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await active(world, process);
    world.network.removeNsg(nicNsg);

    await world.runUntil(minutes(62), process);

    expect((await world.request(id)).state).toBe('closed');
    expect(world.inventory.pages.map(({ list }) => list)).toEqual(['nsgs']);
    expect(world.logged).toEqual([]);
  });

  it('is not called closed while a list still shows it', async () => {
    const world = await grantWorld();
    let isHidden = false;
    const process = world.startProcess(undefined, {
      after: (effect, [nsgId]) =>
        isHidden && effect === 'network.readNsg' && nsgId === nicNsg
          ? { instead: { kind: 'not-found', message: 'The resource was not found.' } }
          : undefined,
    });
    const id = await active(world, process);
    isHidden = true;

    await world.runUntil(minutes(61), process);
    expect((await world.request(id)).state).toBe('closing');

    isHidden = false;
    await world.runUntil(minutes(63), process);
    expect((await world.request(id)).state).toBe('closed');
    expect(world.ownedRules(nicNsg)).toEqual([]);
  });

  it('costs few lists, however many grants end with it', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const ids: string[] = [];
    for (let count = 0; count < 30; count += 1) {
      const result = await world.clock.run(process.submit());
      if (result.kind === 'accepted') ids.push(result.request.id);
    }
    await world.runUntil(minutes(2), process);
    world.network.removeNsg(nicNsg);
    await world.clock.advanceTo(minutes(61));

    await world.clock.run(Promise.all(ids.map((id) => process.step(id, 'sallyport'))));

    const states = await Promise.all(ids.map(async (id) => (await world.request(id)).state));
    expect(new Set(states)).toEqual(new Set(['closed']));
    expect(world.inventory.pages.length).toBeLessThanOrEqual(3);
  });
});

/** The NSG's body with a rule of the grant, as a write would have left it whose answer nobody saw. */
function withRuleOf(world: GrantWorld, requestId: string): JsonObject {
  const body = world.network.nsg(nicNsg) as JsonObject;
  const properties = body['properties'] as { securityRules: JsonObject[] };
  const rule = {
    name: `sallyport-contoso-${requestId}-1`,
    properties: {
      description: 'Sallyport',
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '203.0.113.7/32',
      destinationAddressPrefix: '10.1.0.4/32',
      access: 'Allow',
      priority: 100,
      direction: 'Inbound',
    },
  };
  return { ...body, properties: { ...properties, securityRules: [...properties.securityRules, rule] } };
}
