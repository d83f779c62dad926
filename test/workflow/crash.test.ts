import { describe, expect, it } from 'vitest';
import { finalStates } from '../../src/core/accessRequest.ts';
import {
  contentOf,
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  noon,
  ProcessDied,
  subnetNsg,
  type GrantWorld,
  type Lifeline,
  type Process,
} from '../support/grantWorld.ts';

const minute = 60_000;
type OnDeath = 'task-failed' | 'instance-lost';

/** When the sweep runs: each minute around what happens, and where nothing does, just now and then. */
const minutes = Array.from({ length: 80 }, (_, index) => index + 1).filter(
  (at) => at <= 2 || at % 15 === 0 || (at > 30 && at < 33) || (at > 60 && at < 65) || at > 77,
);

/** A grant of an hour, revoked after half of it or not, on a process that dies at the given effect. */
async function live(killAt: Lifeline['killAt'], onDeath: OnDeath, revoke: boolean) {
  const world = await grantWorld(undefined, onDeath);
  const before = [subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId)));
  const first = world.startProcess(killAt);
  let process = first;
  let died = noon;

  const survive = async (work: (process: Process) => Promise<unknown>) => {
    try {
      await work(process);
    } catch (error) {
      if (!(error instanceof ProcessDied)) throw error;
    }
    if (process.lifeline.dead) {
      process = world.startProcess();
      died = world.clock.now();
    }
  };

  await survive((alive) => world.clock.run(alive.submit()));
  let openTooLong = false;
  for (const at of minutes) {
    const instant = new Date(noon.getTime() + at * minute);
    await survive((alive) => world.runUntil(instant, alive));
    await survive((alive) => world.clock.run(alive.sweep()));
    if (revoke && at === 30) {
      for (const { requestId } of await world.stores.live.unended()) {
        await survive((alive) => alive.revoke(requestId));
        // A person whose call failed calls again.
        await survive((alive) => alive.revoke(requestId));
      }
    }
    openTooLong ||= at > 62 + (died.getTime() > noon.getTime() + 60 * minute ? 2 : 0) && isOpen(world);
  }
  return { world, before, effects: first.lifeline.effects, died: first.lifeline.dead, openTooLong };
}

function isOpen(world: GrantWorld): boolean {
  return [subnetNsg, nicNsg].some((nsgId) => world.ownedRules(nsgId).length > 0);
}

describe.each(['task-failed', 'instance-lost'] as const)('a process that dies (%s)', (onDeath) => {
  describe.each([false, true])('in a grant that is revoked: %s', (revoke) => {
    it('at whichever effect, before or after it, leaves nothing open (I1), one record for each transition (I6) and no request that hangs (I8)', async () => {
      const { effects } = await live(undefined, onDeath, revoke);
      expect(effects).toBeGreaterThan(40);

      for (let effect = 1; effect <= effects; effect += 1) {
        for (const when of ['before', 'after'] as const) {
          const at = `killed ${when} effect ${effect}`;
          const { world, before, died, openTooLong } = await live({ effect, when }, onDeath, revoke);
          expect(died, at).toBe(true);
          expect(openTooLong, at).toBe(false);
          expect(
            [subnetNsg, nicNsg].map((nsgId) => contentOf(world.network.nsg(nsgId))),
            at,
          ).toEqual(before);
          expect(await world.stores.live.ofNsg(subnetNsg), at).toEqual([]);

          const id = idOf(1);
          const stored = await world.stores.requests.get(id);
          if (stored === undefined) {
            // Its POST might still go on, or be repeated under its key: what it left is kept for some days.
            await world.clock.advanceTo(new Date(noon.getTime() + 8 * 24 * 60 * minute));
            await world.clock.run(world.startProcess().sweep());
            expect(await world.stores.live.unended(), at).toEqual([]);
            expect(await world.audit(id), at).toEqual([]);
            continue;
          }
          expect(await world.stores.live.unended(), at).toEqual([]);
          expect(finalStates.has(stored.row.state), at).toBe(true);
          const events = await eventsOf(world, id);
          expect(events, at).toEqual(stored.row.journal.map(({ event }) => event));
          const transitions = events.filter((event) => event !== 'orchestration-restarted');
          expect(new Set(transitions).size, at).toBe(transitions.length);
          expect(stored.row.recorded, at).toBe(stored.row.journal.length);
        }
      }
    });
  });
});
