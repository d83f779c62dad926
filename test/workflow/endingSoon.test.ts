import { describe, expect, it } from 'vitest';
import { extend } from '../../src/core/extension.ts';
import { eventsOf, grantWorld, idOf, minutes, type GrantWorld, type Process } from '../support/grantWorld.ts';
import { accepted } from '../support/hindrances.ts';

const id = idOf(1);
const world = (warnSeconds = 300) => grantWorld(undefined, 'task-failed', 'beating', warnSeconds);

/** Lets the orchestration and the sweep go on, once a minute, over these minutes after noon. */
async function run(world: GrantWorld, process: Process, from: number, to: number): Promise<void> {
  for (let minute = from; minute <= to; minute += 1) {
    await world.runUntil(minutes(minute), process);
    await world.clock.run(process.sweep());
  }
}

describe('the warning before the end', () => {
  it('is noted and audited once, by the first sweep in the last five minutes', async () => {
    const around = await world();
    const process = around.startProcess();
    await accepted(around, process);

    await run(around, process, 1, 54);
    expect(await eventsOf(around, id)).toEqual(['opening', 'active']);
    await run(around, process, 55, 59);

    const [, , warning, ...others] = await around.audit(id);
    expect(others).toEqual([]);
    expect(warning).toMatchObject({
      event: 'request.ending-soon',
      actor: 'sweep',
      reasons: [
        {
          code: 'ending-soon',
          message: `It ends at ${minutes(60).toISOString()}. Until then it may be extended.`,
        },
      ],
    });
    expect(Date.parse(warning?.at ?? '')).toBeLessThan(minutes(56).getTime());
    await run(around, process, 60, 61);
    expect(await eventsOf(around, id)).toEqual(['opening', 'active', 'ending-soon', 'closing', 'closed']);
  });

  it('comes again before the new end of a grant that was extended', async () => {
    const around = await world();
    const process = around.startProcess();
    await accepted(around, process);
    await run(around, process, 1, 57);
    const stored = await around.stores.requests.get(id);
    if (stored === undefined) throw new Error('There is no request.');
    const change = { at: around.clock.now(), actor: 'alice', reasons: [] };
    await around.stores.requests.replace(extend(stored.row, minutes(90).toISOString(), change), stored.etag);

    await run(around, process, 58, 84);
    expect(await eventsOf(around, id)).toEqual(['opening', 'active', 'ending-soon', 'extended']);
    await run(around, process, 85, 92);

    const events = await eventsOf(around, id);
    expect(events.filter((event) => event === 'ending-soon')).toHaveLength(2);
    expect(events.slice(-3)).toEqual(['ending-soon', 'closing', 'closed']);
  });

  it.each([
    ['which is shorter than twice the time', 300, 599],
    ['where it is switched off', 0, 3600],
  ])('is left out for a grant %s', async (_case, warnSeconds, durationSeconds) => {
    const around = await world(warnSeconds);
    const process = around.startProcess();
    await around.clock.run(process.submit({ durationSeconds }));

    await run(around, process, 1, durationSeconds / 60 + 2);

    expect(await eventsOf(around, id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('is audited although the audit was down when it was noted', async () => {
    const around = await world();
    const process = around.startProcess();
    await accepted(around, process);
    await run(around, process, 1, 54);
    const hindered = around.startProcess(undefined, {
      before: (effect) => {
        if (effect === 'audit.insert') throw new Error('The table is down.');
      },
    });
    await run(around, hindered, 55, 56);
    expect(await eventsOf(around, id)).toEqual(['opening', 'active']);

    await run(around, process, 57, 61);

    expect(await eventsOf(around, id)).toEqual(['opening', 'active', 'ending-soon', 'closing', 'closed']);
  });

  it('costs three transactions, and a sweep without one writes nothing', async () => {
    const around = await world();
    const process = around.startProcess();
    await accepted(around, process);
    await run(around, process, 1, 54);
    const effects: string[] = [];
    const counted = around.startProcess(undefined, { before: (effect) => void effects.push(effect) });
    const written = () =>
      effects.splice(0).filter((effect) => /requests\.replace|audit\.(read|insert)/.test(effect));

    await run(around, counted, 55, 55);
    expect(written()).toEqual(['requests.replace', 'audit.read', 'audit.insert']);
    await run(around, counted, 56, 58);
    expect(written()).toEqual([]);
  });
});
