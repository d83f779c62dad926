import { describe, expect, it } from 'vitest';
import { finalStates } from '../../src/core/accessRequest.ts';
import { approver, demand, oneApprover } from '../support/approvals.ts';
import {
  contentOf,
  eventsOf,
  grantWorld,
  idOf,
  minutes,
  nicNsg,
  ProcessDied,
  subnetNsg,
  type Lifeline,
  type Process,
} from '../support/grantWorld.ts';
import { openRules } from '../support/hindrances.ts';

const id = idOf(1);
/** When something may have to be done: around the asking, the approval, the end, and when rows are put away. */
const looks = [1, 2, 3, 4, 6, 7, 8, 30, 66, 67, 68, 69, 74, 75, 81, 82];
const approvedAt = 3;

/** A request that two people approve after three minutes, on a process that dies at the given effect. */
async function live(killAt: Lifeline['killAt'], onDeath: 'task-failed' | 'instance-lost') {
  const world = await grantWorld(undefined, onDeath);
  await demand(world, { approval: { ...oneApprover, approvers: 2 } });
  const before = [subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId)));
  const first = world.startProcess(killAt);
  let process = first;
  let openTooEarly = false;

  const survive = async (work: (process: Process) => Promise<unknown>) => {
    try {
      await work(process);
    } catch (error) {
      if (!(error instanceof ProcessDied)) throw error;
    }
    if (process.lifeline.dead) process = world.startProcess();
  };
  const approve = (name: string) => (alive: Process) =>
    world.clock.run(
      alive.service.decide({
        ...{ id, caller: approver(name), decision: 'approve', comment: name, correlationId: 'c' },
      }),
    );

  await survive((alive) => world.clock.run(alive.submit()));
  for (const at of looks) {
    await survive((alive) => world.runUntil(minutes(at), alive));
    await survive((alive) => world.clock.run(alive.sweep()));
    if (at <= approvedAt) openTooEarly ||= openRules(world).length > 0;
    if (at !== approvedAt) continue;
    for (const name of ['carol', 'dave']) {
      await survive(approve(name));
      // A person whose call failed calls again.
      await survive(approve(name));
    }
  }
  return { world, before, openTooEarly, effects: first.lifeline.effects, died: first.lifeline.dead };
}

describe.each(['task-failed', 'instance-lost'] as const)('a process that dies (%s)', (onDeath) => {
  it('at whichever effect of a grant that people approve opens nothing before that, and leaves nothing open, undone or told twice', async () => {
    const { effects } = await live(undefined, onDeath);
    expect(effects).toBeGreaterThan(60);

    for (let effect = 1; effect <= effects; effect += 1) {
      for (const when of ['before', 'after'] as const) {
        const at = `killed ${when} effect ${effect}`;
        const { world, before, died, openTooEarly } = await live({ effect, when }, onDeath);
        expect(died, at).toBe(true);
        expect(openTooEarly, at).toBe(false);
        expect(
          [subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId))),
          at,
        ).toEqual(before);
        const stored = await world.stores.requests.get(id);
        // Its POST died before there was a request.
        if (stored === undefined) continue;
        expect(finalStates.has(stored.row.state), `${at}: ${stored.row.state}`).toBe(true);
        const events = await eventsOf(world, id);
        expect(events, at).toEqual(stored.row.journal.map(({ event }) => event));
        const once = events.filter((event) => event !== 'orchestration-restarted' && event !== 'approved');
        expect(new Set(once).size, at).toBe(once.length);
        expect(
          events.filter((event) => event === 'approved'),
          at,
        ).toHaveLength(2);
        expect(stored.row.recorded, at).toBe(stored.row.journal.length);
        expect(await world.stores.live.unended(), at).toEqual([]);
      }
    }
  });
});
