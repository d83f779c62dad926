import { describe, expect, it } from 'vitest';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { grantWorld, idOf, noon, seconds, subnetNsg, submission } from '../support/grantWorld.ts';
import { liveRow } from '../support/liveRow.ts';

const call = { correlationId: submission.correlationId, purpose: 'open' } as const;
const id = idOf(77);

/** A live row that came in when its tables were just lost: it is there, and its request is not. */
async function orphaned() {
  const world = await grantWorld(undefined, 'task-failed', 'new');
  const process = world.startProcess();
  // Whoever runs when the tables are lost still knows that the sweep was well.
  await world.stores.sweepState.beat(noon.toISOString());
  await world.stores.live.insert(liveRow(subnetNsg, noon, 77, { state: 'active' }));
  await world.clock.run(process.reconcile(subnetNsg, call));
  const row = async () => (await world.stores.live.get(subnetNsg, id))?.row;
  return { world, process, row };
}

describe('a live row without a request', () => {
  it('keeps no port open for longer than it takes the sweep to find that the tables are lost', async () => {
    const { world, process } = await orphaned();
    expect(world.ownedRules(subnetNsg)).toHaveLength(1);

    await world.clock.run(process.sweep());

    expect(world.ownedRules(subnetNsg)).toEqual([]);
  });

  it('has a deletion of its rule told once, and wants nothing from then on', async () => {
    const { world, process, row } = await orphaned();
    world.network.edit(subnetNsg, (body) => {
      const properties = body['properties'] as { securityRules: { name: string }[] };
      const securityRules = properties.securityRules.filter(({ name }) => !name.includes(id));
      return { ...body, properties: { ...properties, securityRules } };
    });
    await world.clock.advanceTo(seconds(120));

    for (let look = 0; look < 3; look += 1) await world.clock.run(process.reconcile(subnetNsg, call));

    expect((await row())?.state).toBe('closing');
    expect(world.ownedRules(subnetNsg)).toEqual([]);
    const records = await world.audit(driftPartition(subnetNsg));
    expect(records.map(({ event }) => event)).toEqual(['nsg.rule-deleted']);
  });
});
