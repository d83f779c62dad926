import { describe, expect, it } from 'vitest';
import { chainRecord } from '../../src/core/auditRecord.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { policyPartition } from '../../src/core/policyRecord.ts';
import { nsgId, sampleRecord } from '../contracts/samples.ts';
import { sealWorld, type SealWorld } from '../support/sealWorld.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');

function after(minutes: number): Date {
  return new Date(noon.getTime() + minutes * 60_000);
}

/** One more record of a partition that never ends. */
async function grow(world: SealWorld, partition: string): Promise<void> {
  const { audit } = world.stores;
  const record = { ...sampleRecord(partition, world.now.toISOString()), event: 'nsg.rule-deleted' };
  await audit.index(record);
  await audit.insert(chainRecord(record, (await audit.read(partition)).at(-1)));
}

describe.each([
  ['what others did to an NSG', driftPartition(nsgId('Web-Nsg'))],
  ['what was changed of a policy', policyPartition('web')],
])('%s', (_, partition) => {
  it('is sealed five minutes later as far as it is then, and again when it has grown', async () => {
    const world = sealWorld(noon);
    await grow(world, partition);
    await world.seal();
    expect(await world.sealed()).toEqual([]);
    world.now = after(4);
    await grow(world, partition);
    world.now = after(6);
    await world.seal();
    world.now = after(30);
    await grow(world, partition);
    world.now = after(40);
    await world.seal();
    await world.seal();

    const seals = await world.seals();
    const records = await world.stores.audit.read(partition);
    expect(seals.map(({ sealed }) => sealed)).toEqual([
      [{ partition, count: 2, headHash: records[1]?.hash }],
      [{ partition, count: 3, headHash: records[2]?.hash }],
    ]);
    expect(await world.findings()).toEqual([]);
  });

  it('is named once by a seal, however much of it is new', async () => {
    const world = sealWorld(noon);
    for (const minute of [0, 1, 2]) {
      world.now = after(minute);
      await grow(world, partition);
    }
    world.now = after(10);
    await world.seal();
    expect(await world.sealed()).toEqual([[partition]]);
  });

  it('is sealed after a record that was made too late for its instant, if that is indexed anew', async () => {
    const world = sealWorld(noon);
    await grow(world, partition);
    world.now = after(6);
    await world.seal();
    const { audit } = world.stores;
    const late = { ...sampleRecord(partition, after(0.5).toISOString()), event: 'nsg.rule-widened' };
    await audit.index(late);
    await audit.index({ ...late, at: world.now.toISOString() });
    await audit.insert(chainRecord(late, (await audit.read(partition)).at(-1)));
    world.now = after(12);
    await world.seal();
    expect((await world.seals()).map(({ sealed }) => sealed[0]?.count)).toEqual([1, 2]);
  });
});
