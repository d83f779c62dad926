import { describe, expect, it } from 'vitest';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { demand } from '../support/approvals.ts';
import { noteWrites, type SentWrite } from '../support/flushes.ts';
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

const id = idOf(1);
const paths = [subnetNsg, nicNsg];

/** A grant that wants established flows cut, on a process that dies at the given effect of its last minute or its end. */
async function end(killAt: Lifeline['killAt'], onDeath: 'task-failed' | 'instance-lost') {
  const world = await grantWorld(undefined, onDeath);
  await demand(world, { flushConnection: true });
  const before = paths.map((nsgId) => contentOf(world.network.nsg(nsgId)));
  const sent: SentWrite[] = [];
  const opening = world.startProcess();
  await world.clock.run(opening.submit());
  await world.runUntil(minutes(59), opening);
  const first = world.startProcess(killAt, noteWrites(world, sent));
  let process = first;

  const survive = async (work: (process: Process) => Promise<unknown>) => {
    try {
      await work(process);
    } catch (error) {
      if (!(error instanceof ProcessDied)) throw error;
    }
    if (process.lifeline.dead) process = world.startProcess(undefined, noteWrites(world, sent));
  };
  await survive((alive) => world.runUntil(minutes(60.5), alive));
  const { effects } = first.lifeline;
  for (const at of [61, 62, 64]) {
    await survive((alive) => world.runUntil(minutes(at), alive));
    await survive((alive) => world.clock.run(alive.sweep()));
  }
  return { world, before, sent, effects, died: first.lifeline.dead };
}

describe.each([
  ['before', 'task-failed'],
  ['after', 'instance-lost'],
] as const)('a process that dies %s an effect (%s)', (when, onDeath) => {
  it('at whichever of an end that cuts flows has recorded what was there first, and the next puts it back and tells each once', async () => {
    const { effects } = await end(undefined, onDeath);
    expect(effects).toBeGreaterThan(30);
    let cut = 0;

    for (let effect = 1; effect <= effects; effect += 1) {
      const at = `killed ${when} effect ${effect}`;
      const { world, before, sent, died } = await end({ effect, when }, onDeath);
      expect(died, at).toBe(true);
      expect(
        paths.map((nsgId) => contentOf(world.network.nsg(nsgId))),
        at,
      ).toEqual(before);
      const switched = sent.filter(({ from, to }) => from.value !== true && to.value === true);
      expect(
        switched.every(({ recorded, ends }) => recorded?.value === false && ends.includes(id)),
        at,
      ).toBe(true);
      expect(await world.stores.nsgs.unsettled(), at).toEqual([]);
      for (const nsgId of paths) {
        const partition = driftPartition(nsgId);
        const records = await world.audit(partition);
        expect(verifyTrail(partition, records), at).toEqual([]);
        const events = records.map(({ event }) => event.replace('nsg.flush-connection-', ''));
        expect(
          [
            ['set', 'put-back'],
            ['set', 'left'],
          ],
          at,
        ).toContainEqual(events);
      }
      expect(await eventsOf(world, id), at).toEqual(
        (await world.request(id)).journal.map(({ event }) => event),
      );
      const closed = (await world.request(id)).journal.filter(({ event }) => event === 'closed');
      expect(closed, at).toHaveLength(1);
      const codes = closed[0]?.reasons.map(({ code }) => code).filter((code) => code.startsWith('flows-'));
      expect(codes?.length, at).toBeGreaterThan(0);
      if (codes?.join() === 'flows-cut') cut += 1;
    }
    // What nobody lived to see is told as not seen: that is the exception.
    expect(cut / effects).toBeGreaterThan(0.9);
  });
});
