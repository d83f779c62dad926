import { describe, expect, it } from 'vitest';
import { actions } from '../../src/core/authorization.ts';
import {
  alice,
  eventsOf,
  grantWorld,
  noon,
  seconds,
  vmId,
  type GrantWorld,
  type Process,
} from '../support/grantWorld.ts';

async function eventsIn(world: GrantWorld): Promise<string[]> {
  const november = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' };
  return (await world.stores.audit.query(november)).records.map(({ event }) => event);
}

describe('whether Azure lets somebody ask', () => {
  it('is asked once for each machine, with the actions of Defender for Cloud, and noted in the request', async () => {
    const world = await grantWorld();
    const result = await world.clock.run(world.startProcess().submit());
    expect(result).toMatchObject({ kind: 'accepted', request: { authorizedAt: noon.toISOString() } });
    expect(world.authorization.asked).toEqual([
      {
        objectId: alice.objectId,
        scope: vmId,
        needed: [
          'Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action',
          'Microsoft.Compute/virtualMachines/read',
        ],
        isFresh: false,
      },
    ]);
  });

  it.each([actions.initiate, actions.readVirtualMachine])(
    'denies a request without %s, naming it and the machine, and audits that',
    async (action) => {
      const world = await grantWorld();
      world.authorization.deny({ objectId: alice.objectId, scope: vmId, action });
      const result = await world.clock.run(world.startProcess().submit());
      expect(result).toMatchObject({
        kind: 'denied',
        decision: {
          outcome: 'denied',
          reasons: [
            {
              code: 'not-authorized',
              message: expect.stringContaining(action) as string,
              field: 'virtualMachines[0].id',
            },
          ],
          policies: [],
        },
      });
      expect(await eventsIn(world)).toEqual(['request.denied']);
      expect(await world.stores.live.unended()).toEqual([]);
      expect(world.network.calls).toEqual([]);
    },
  );

  it('is told before anything of a policy is, to whoever may not ask', async () => {
    const world = await grantWorld();
    world.authorization.deny();
    const result = await world.clock.run(
      world.startProcess().submit({ duration: 'P1D', durationSeconds: 86_400 }),
    );
    expect(result).toMatchObject({ kind: 'denied', decision: { reasons: [{ code: 'not-authorized' }] } });
    expect(JSON.stringify(result)).not.toContain('PT3H');
  });

  it('is unknown while Azure does not answer: nobody is let in, nothing is stored, and the answer says how long', async () => {
    const world = await grantWorld();
    world.authorization.fail({ message: 'HTTP 500', retryAfterSeconds: 17 });
    const result = await world.clock.run(world.startProcess().submit());
    expect(result).toMatchObject({ kind: 'unavailable', retryAfterSeconds: 17 });
    expect(await world.stores.live.unended()).toEqual([]);
    expect(await eventsIn(world)).toEqual([]);
    expect(world.logged).toEqual(['authorization-unknown']);
  });

  it('counts as a refusal against whoever asks again and again', async () => {
    const world = await grantWorld();
    world.authorization.deny();
    const process = world.startProcess();
    for (let refusals = 0; refusals < 20; refusals += 1) await world.clock.run(process.submit());
    expect(await world.clock.run(process.submit())).toMatchObject({ kind: 'too-many-refusals' });
    expect(world.authorization.asked).toHaveLength(20);
  });
});

describe('before a request is opened that had to wait, whether Azure still lets them ask', () => {
  const writes = (world: GrantWorld) => world.network.calls.filter(({ method }) => method === 'write').length;

  /** Accepted at noon; Azure takes no writes until two minutes later. */
  async function waiting(): Promise<{ world: GrantWorld; process: Process; id: string }> {
    const world = await grantWorld();
    const process = world.startProcess();
    const result = await world.clock.run(process.submit());
    if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
    world.budget.set({ opens: 'later', retryAfterSeconds: 4 });
    await world.runUntil(seconds(50), process);
    expect(world.authorization.asked).toHaveLength(1);
    await world.runUntil(seconds(120), process);
    return { world, process, id: result.request.id };
  }

  it('is asked again, and it opens', async () => {
    const { world, process, id } = await waiting();
    world.budget.set({ opens: 'now' });
    await world.runUntil(seconds(130), process);
    expect((await world.request(id)).state).toBe('active');
    expect(world.authorization.asked.length).toBeGreaterThan(1);
  });

  it('ends it failed, with the reason, when a role was taken away meanwhile: nothing was written', async () => {
    const { world, process, id } = await waiting();
    world.authorization.deny({ objectId: alice.objectId });
    world.budget.set({ opens: 'now' });
    await world.runUntil(seconds(180), process);
    expect(await world.request(id)).toMatchObject({ state: 'failed', reason: { code: 'not-authorized' } });
    expect(writes(world)).toBe(0);
    expect(await eventsOf(world, id)).toEqual(['opening', 'closing', 'failed']);
  });

  it('keeps it waiting while Azure does not say, and opens it when it does', async () => {
    const { world, process, id } = await waiting();
    world.authorization.fail({ retryAfterSeconds: 5 });
    world.budget.set({ opens: 'now' });
    await world.runUntil(seconds(150), process);
    expect((await world.request(id)).state).toBe('opening');
    expect(writes(world)).toBe(0);
    world.authorization.answer();
    await world.runUntil(seconds(160), process);
    expect((await world.request(id)).state).toBe('active');
  });

  it('ends it failed when Azure does not say so in time', async () => {
    const { world, process, id } = await waiting();
    world.authorization.fail({ retryAfterSeconds: 5 });
    world.budget.set({ opens: 'now' });
    await world.runUntil(seconds(400), process);
    expect(await world.request(id)).toMatchObject({
      state: 'failed',
      reason: { code: 'not-opened-in-time' },
    });
    expect(writes(world)).toBe(0);
  });
});

describe('what is opened at once', () => {
  it('costs one question, however the grant goes on', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.runUntil(seconds(4000), process);
    expect(world.authorization.asked).toHaveLength(1);
  });
});
