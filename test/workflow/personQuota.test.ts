import { describe, expect, it } from 'vitest';
import { alice, grantWorld, idOf, minutes, noon, seconds } from '../support/grantWorld.ts';
import { noQuotas } from '../support/noQuotas.ts';

const bob = { ...alice, objectId: '00000000-0000-4000-8000-000000000b0b', displayName: 'Bob' };
const withQuotas = (quotas: Partial<typeof noQuotas>) =>
  grantWorld(undefined, 'task-failed', 'beating', 0, { ...noQuotas, ...quotas });

describe('calls of one person in a minute', () => {
  it('are answered up to the quota and refused beyond it, until the minute is over', async () => {
    const world = await withQuotas({ requestsPerMinute: 3 });
    const process = world.startProcess();
    const ask = async () => (await world.clock.run(process.submit())).kind;

    expect([await ask(), await ask(), await ask()]).toEqual(['accepted', 'accepted', 'accepted']);
    await world.clock.advanceTo(seconds(20));
    expect(await world.clock.run(process.submit())).toMatchObject({
      kind: 'over-quota',
      code: 'too-many-requests',
      retryAfterSeconds: 40,
    });
    await world.clock.advanceTo(seconds(60));
    expect(await ask()).toBe('accepted');
  });

  it('are counted for extensions too, and leave others alone', async () => {
    const world = await withQuotas({ requestsPerMinute: 1 });
    const process = world.startProcess();
    await world.clock.run(process.submit());

    expect(await world.clock.run(process.extend(idOf(1)))).toMatchObject({ code: 'too-many-requests' });
    expect((await world.clock.run(process.submit({ requester: bob }))).kind).toBe('accepted');
    await world.clock.run(process.revoke(idOf(1)));
    expect((await world.request(idOf(1))).state).toBe('closing');
  });

  it('are not audited beyond the quota', async () => {
    const world = await withQuotas({ requestsPerMinute: 1 });
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.clock.run(process.submit());

    const partitions: string[] = [];
    for await (const partition of world.stores.audit.partitions()) partitions.push(partition);
    expect(partitions).toEqual([idOf(1)]);
  });
});

describe('live requests of one person', () => {
  it('are as many as the quota, counted over all workers, and fewer again when one has ended', async () => {
    const world = await withQuotas({ liveGrantsPerPerson: 4 });
    const [one, two] = [world.startProcess(), world.startProcess()];
    const workers = [one, two];
    for (const process of [...workers, ...workers]) {
      expect((await world.clock.run(process.submit())).kind).toBe('accepted');
    }

    for (const process of workers) {
      expect(await world.clock.run(process.submit())).toMatchObject({
        kind: 'over-quota',
        code: 'too-many-live-requests',
        retryAfterSeconds: 60,
      });
    }
    expect((await world.clock.run(one.submit({ requester: bob }))).kind).toBe('accepted');

    await world.clock.run(one.revoke(idOf(1)));
    await world.runUntil(minutes(2), one);
    expect((await world.clock.run(two.submit())).kind).toBe('accepted');
  });

  it('are read from the rows only for somebody of whom a quarter of the quota is known', async () => {
    const world = await withQuotas({ liveGrantsPerPerson: 20 });
    const effects: string[] = [];
    const process = world.startProcess(undefined, { before: (effect) => void effects.push(effect) });
    const reads = () => effects.filter((effect) => effect === 'live.unended').length;

    for (let count = 0; count < 5; count += 1) await world.clock.run(process.submit());
    expect(reads()).toBe(0);
    await world.clock.run(process.submit());
    expect(reads()).toBe(1);
  });

  it('that are over are forgotten', async () => {
    const world = await withQuotas({ liveGrantsPerPerson: 4 });
    const effects: string[] = [];
    const process = world.startProcess(undefined, { before: (effect) => void effects.push(effect) });
    await world.clock.run(process.submit({ durationSeconds: 60 }));
    await world.clock.advanceTo(new Date(noon.getTime() + 61_000));

    await world.clock.run(process.submit());

    expect(effects).not.toContain('live.unended');
  });
});

describe('grants on one network security group', () => {
  it('are as many as the quota by what the group shows', async () => {
    const world = await withQuotas({ liveGrantsPerNsg: 2 });
    const process = world.startProcess();
    await world.clock.run(process.submit());
    await world.clock.run(process.submit());
    await world.runUntil(minutes(1), process);

    expect(await world.clock.run(process.submit())).toMatchObject({
      kind: 'denied',
      decision: { reasons: [{ code: 'too-many-grants' }, { code: 'too-many-grants' }] },
    });

    await world.clock.run(process.revoke(idOf(1)));
    await world.runUntil(minutes(2), process);
    expect((await world.clock.run(process.submit())).kind).toBe('accepted');
  });
});
