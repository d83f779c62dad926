import { describe, expect, it } from 'vitest';
import { grantWorld, idOf, minutes, noon, seconds } from '../support/grantWorld.ts';

describe('the end of a submission', () => {
  it('is the very instant that was asked for, whatever deciding takes', async () => {
    const world = await grantWorld();
    const end = new Date(noon.getTime() + 1_800_123).toISOString();

    const asked = { end, duration: 'PT30M', durationSeconds: 1800 };
    const result = await world.clock.run(world.startProcess().submit(asked));

    expect(result).toMatchObject({ kind: 'accepted', request: { end } });
    expect(
      (await world.stores.live.ofNsg((await world.request(idOf(1))).targets[0]?.nsgId ?? ''))[0]?.row.end,
    ).toBe(end);
  });
});

describe('what happened of late', () => {
  it('has requests that run, that have ended, and of everybody, newest first; and none that was denied', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit({ duration: 'PT10M', durationSeconds: 600 }));
    await world.runUntil(minutes(20), process);
    await world.clock.run(process.submit({ durationSeconds: 999_999 }));
    await world.clock.run(process.submit());

    const recent = await process.service.listRecent();

    expect(recent.map(({ state }) => state)).toEqual(['opening', 'closed']);
    expect(recent.map(({ requestedAt }) => requestedAt)).toEqual(
      [...recent.map(({ requestedAt }) => requestedAt)].sort().reverse(),
    );
  });

  it('has what ended no longer than a day after it was asked for, and what runs however old it is', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    await world.clock.run(process.submit({ duration: 'PT10M', durationSeconds: 600 }));
    await world.runUntil(minutes(20), process);
    await process.sweep();
    await world.runUntil(minutes(24 * 60 - 1), process);
    await process.sweep();

    expect(await process.service.listRecent()).toHaveLength(1);

    await world.runUntil(minutes(24 * 60 + 1), process);
    expect(await process.service.listRecent()).toEqual([]);
  });

  it('is of a hundred requests at most, besides those that run', async () => {
    const world = await grantWorld();
    const process = world.startProcess();
    for (let count = 0; count < 102; count += 1) {
      const record = { partition: idOf(1_000 + count), at: seconds(-1_000 + count).toISOString() };
      await world.stores.audit.index({
        ...record,
        event: 'request.opening',
        actor: 'x',
        reasons: [],
        correlationId: 'x',
      });
    }
    const read: string[] = [];
    const counting = world.startProcess(undefined, {
      before: (effect, [id]) => {
        if (effect === 'requests.get') read.push(String(id));
      },
    });
    await world.clock.run(process.submit());

    expect(await counting.service.listRecent()).toHaveLength(1);
    expect(read).toHaveLength(100);
    expect(read).toContain(idOf(1_101));
  });
});
