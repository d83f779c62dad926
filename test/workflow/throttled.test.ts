import { describe, expect, it } from 'vitest';
import {
  eventsOf,
  grantWorld,
  nicNsg,
  noon,
  seconds,
  subnetNsg,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';

const writes = (world: GrantWorld) => world.network.calls.filter(({ method }) => method === 'write').length;

/** Accepted while Azure still took everything; from then on not. */
async function acceptedBefore(
  world: GrantWorld,
  process: Process,
  retryAfterSeconds: number,
): Promise<string> {
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
  world.budget.set({ opens: 'later', retryAfterSeconds });
  return result.request.id;
}

describe('a request that was accepted before the budget was spent', () => {
  it('is opened when Azure takes writes again', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await acceptedBefore(world, process, 4);

    await world.runUntil(seconds(60), process);
    expect((await world.request(id)).state).toBe('opening');
    expect(writes(world)).toBe(0);

    world.budget.set({ opens: 'now' });
    await world.runUntil(seconds(90), process);
    expect((await world.request(id)).state).toBe('active');
    expect(await eventsOf(world, id)).toEqual(['opening', 'active']);
  });

  it('ends failed as throttled when that does not come in time, and nothing was written', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await acceptedBefore(world, process, 4);

    await world.runUntil(seconds(360), process);

    expect(await world.request(id)).toMatchObject({ state: 'failed', reason: { code: 'throttled' } });
    expect(writes(world)).toBe(0);
    expect(await eventsOf(world, id)).toEqual(['opening', 'closing', 'failed']);
    expect(Date.parse((await world.audit(id))[1]?.at ?? '') - noon.getTime()).toBeGreaterThan(290_000);
  });

  it('ends at once where Azure says that it will come too late', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const id = await acceptedBefore(world, process, 300);

    await world.runUntil(seconds(5), process);
    expect(await world.request(id)).toMatchObject({ state: 'closing', reason: { code: 'throttled' } });
    await world.runUntil(seconds(60), process);
    expect((await world.request(id)).state).toBe('failed');
  });

  it('ends at once where a 429 itself says so, while one for a locked parent ends nobody', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const first = await world.clock.run(process.submit());
    if (first.kind !== 'accepted') throw new Error('It was not accepted.');
    world.network.fail('write', { kind: 'locked', retryAfterSeconds: 300 }, 2);
    await world.runUntil(seconds(30), process);
    expect((await world.request(first.request.id)).state).toBe('active');

    const second = await world.clock.run(process.submit());
    if (second.kind !== 'accepted') throw new Error('It was not accepted.');
    world.network.fail('write', { kind: 'throttled', retryAfterSeconds: 300 }, 2);
    await world.runUntil(seconds(90), process);
    expect(await world.request(second.request.id)).toMatchObject({
      state: 'failed',
      reason: { code: 'throttled' },
    });
    expect((await world.request(first.request.id)).state).toBe('active');
  });

  it('is not waited for by a close', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    const open = await world.clock.run(process.submit());
    if (open.kind !== 'accepted') throw new Error('It was not accepted.');
    await world.runUntil(seconds(30), process);
    world.budget.set({ opens: 'later', retryAfterSeconds: 60 });

    await process.revoke(open.request.id);
    await world.runUntil(seconds(45), process);

    expect((await world.request(open.request.id)).state).toBe('closed');
    expect([subnetNsg, nicNsg].flatMap((nsgId) => world.ownedRules(nsgId))).toEqual([]);
  });
});
