import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/core/auditRecord.ts';
import { copyWorld, doubled, missing, type CopyWorld } from '../support/copyWorld.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const nsg = `nsg-${'a'.repeat(32)}`;

/** A walker that has caught up with the index, and reads nothing but what is new. */
async function caughtUp(limit?: number): Promise<CopyWorld> {
  const world = copyWorld(noon, limit);
  for (let run = 0; run < 60; run += 1) await world.walk();
  expect((await world.state())?.indexedUpTo).toBe(noon.toISOString());
  world.logged.length = 0;
  return world;
}

const namesOf = ({ received }: CopyWorld) => received.map(({ partition, sequence }) => [partition, sequence]);

describe('copyAudit', () => {
  it('begins with what was indexed since the beginning of the month before', async () => {
    const world = copyWorld(new Date('2026-09-30T12:00:00.000Z'));
    await world.append('before', 'request.denied');
    world.pass(24 * 60);
    await world.append('since', 'request.denied');
    world.pass(53 * 24 * 60);
    for (let run = 0; run < 60; run += 1) await world.walk();

    expect(namesOf(world)).toEqual([['since', 1]]);
  });

  it('finds what was indexed nine minutes late, before any seal names it', async () => {
    const world = await caughtUp();
    world.pass(1);
    await world.walk();
    await world.append('late', 'request.opening', { minutesAgo: 9 });
    await world.walk();

    expect(missing(world)).toEqual([]);
  });

  it('finds what was recorded hours late when a seal names it', async () => {
    const world = await caughtUp();
    await world.append('late', 'request.opening', { minutesAgo: 300 });
    await world.walk();
    expect(world.received).toEqual([]);
    await world.append('late', 'request.closed');
    await world.seal();
    await world.walk();

    expect(missing(world)).toEqual([]);
  });

  it('finds the next record of what never ends, before any seal names it', async () => {
    const world = await caughtUp();
    await world.append(nsg, 'nsg.rule-deleted');
    world.pass(1);
    await world.walk();
    world.pass(3000);
    for (let run = 0; run < 4; run += 1) await world.walk();
    await world.append(nsg, 'nsg.rule-deleted');
    world.pass(1);
    await world.walk();

    expect(namesOf(world)).toEqual([
      [nsg, 1],
      [nsg, 2],
    ]);
  });

  it('finds what is new after another worker, whose clock was a day ahead', async () => {
    const world = await caughtUp();
    await world.walk({ skew: 24 * 60 });
    world.pass(1);
    await world.append('new', 'request.opening');
    world.pass(1);
    await world.walk();

    expect(missing(world)).toEqual([]);
  });

  it('sends nothing again when its workers are some minutes apart, or the seal comes hours later', async () => {
    const world = await caughtUp();
    await world.append('denied', 'request.denied');
    for (let run = 0; run < 200; run += 1) {
      world.pass(1);
      await world.walk({ skew: run % 2 === 0 ? 4 : -1 });
    }
    await world.seal();
    for (let run = 0; run < 30; run += 1) {
      world.pass(1);
      await world.walk();
    }

    expect(namesOf(world)).toEqual([['denied', 1]]);
    expect((await world.state())?.partitions.map(({ partition }) => partition)).toEqual([world.today()]);
  });

  it('waits for a review without reading, and sends it alone', async () => {
    const world = await caughtUp();
    await world.append('night', 'request.opening', { isBreakGlass: true });
    await world.append('night', 'request.closed');
    await world.seal();
    for (let run = 0; run < 30; run += 1) {
      world.pass(1);
      await world.walk();
    }
    // The day's refused credentials alone.
    expect(world.calls.filter((name) => name === 'audit.read')).toHaveLength(1);
    await world.append('night', 'request.break-glass-reviewed');
    await world.seal();
    world.pass(1);
    await world.walk();

    expect(namesOf(world)).toEqual([
      ['night', 1],
      ['night', 2],
      ['night', 3],
    ]);
  });

  it('asks five things of the tables where nothing is new, and logs nothing', async () => {
    const world = await caughtUp();
    world.pass(1);
    await world.walk();

    expect(world.calls).toEqual([
      'states.get',
      'seals.after',
      'audit.indexed',
      'audit.read',
      'states.replace',
    ]);
    expect(world.logged).toEqual([]);
  });

  it('sends the new records of many partitions together, and says how many', async () => {
    const world = await caughtUp();
    for (let each = 0; each < 30; each += 1) await world.append(world.newName(), 'request.opening');
    world.pass(1);
    await world.walk();

    expect(world.calls.filter((name) => name === 'sink.send')).toHaveLength(1);
    expect(world.logged).toMatchObject([
      { level: 'info', message: 'audit-copied', facts: { sink: 'sink', records: 30, left: 0 } },
    ]);
  });

  it('has no more than fifty partitions sent again by a crash', async () => {
    const world = await caughtUp();
    for (let each = 0; each < 120; each += 1) await world.append(world.newName(), 'request.opening');
    world.pass(1);
    // Three queries, then the reads of fifty, the send and the state, twice: it dies with the third send.
    await world.walk({ killed: { at: 3 + 52 + 52 + 22, done: true } });
    await world.walk();

    expect(missing(world)).toEqual([]);
    expect(doubled(world).length).toBeLessThanOrEqual(50);
    expect(doubled(world)).not.toEqual([]);
  });

  it('logs one line for each run that the sink fails, and brings everything when it is back', async () => {
    const world = await caughtUp();
    for (let each = 0; each < 3; each += 1) await world.append(world.newName(), 'request.opening');
    world.pass(1);
    await world.walk({ failing: () => 'refused' });
    await world.walk({ failing: () => 'refused' });
    const line = { level: 'error', message: 'audit-copy-failed', facts: { sink: 'sink' } };
    expect(world.logged.filter(({ level }) => level === 'error')).toMatchObject([line, line]);
    expect(world.logged.at(-1)?.facts['cause']).toBe('The sink fails.');
    await world.walk();

    expect(missing(world)).toEqual([]);
    expect((await world.state())?.failures).toBe(0);
  });

  it('brings everything else while the sink will not have one partition, or one cannot be read', async () => {
    for (const fault of ['refused', 'unreadable'] as const) {
      const world = await caughtUp();
      const names = Array.from({ length: 60 }, () => world.newName());
      for (const name of names) await world.append(name, 'request.opening');
      const [bad = ''] = names.slice(7);
      for (let run = 0; run < 3; run += 1) {
        world.pass(1);
        await world.walk({ [fault]: [bad] });
      }

      expect(missing(world)).toEqual([`${bad}: 0 of 1`]);
      expect(world.logged.at(-1)).toMatchObject({ message: 'audit-copy-failed', facts: { partition: bad } });
      await world.walk();
      expect(missing(world)).toEqual([]);
    }
  });

  it('notes when the newest run began that came to an end, and nothing of one that could read no index', async () => {
    const world = await caughtUp();
    world.pass(1);
    await world.walk();
    world.pass(1);
    await world.walk({ killed: { at: 2, done: false } });

    expect((await world.state())?.ranAt).toBe('2026-11-23T12:01:00.000Z');
  });

  it('brings one sink everything while another fails', async () => {
    const world = await caughtUp();
    await world.append('request', 'request.opening');
    const failing = { name: 'other', send: () => Promise.reject(new Error('It is away.')) };
    world.pass(1);
    for (let run = 0; run < 60; run += 1) await world.walk({ beside: [failing] });

    expect(missing(world)).toEqual([]);
    expect(world.logged.filter(({ level }) => level === 'error').at(-1)?.facts).toMatchObject({
      sink: 'other',
    });
  });

  it('gets over more at once than it has room for, and sends little of it again', async () => {
    const world = await caughtUp(5);
    for (let each = 0; each < 30; each += 1) {
      await world.append(world.newName(), 'request.denied', { minutesAgo: (30 - each) / 10 });
    }
    for (let run = 0; run < 12; run += 1) {
      world.pass(0.1);
      await world.walk();
    }

    expect(missing(world)).toEqual([]);
    expect(doubled(world).length).toBeLessThanOrEqual(5);
  });

  it.each([3, 9])(
    'gets over %i more that never end than it has room for, all within ten minutes',
    async (more) => {
      const world = await caughtUp(4);
      for (let each = 0; each < 3 + more; each += 1) {
        await world.append(`nsg-${each.toString(16).repeat(32)}`, 'nsg.rule-deleted');
      }
      for (let run = 0; run < 30; run += 1) {
        world.pass(1);
        await world.walk();
      }

      expect(missing(world)).toEqual([]);
      expect((await world.state())?.indexedUpTo).toBe('2026-11-23T12:30:00.000Z');
    },
  );

  it('gets over a seal that names more late ones than it has room for', async () => {
    const world = await caughtUp(4);
    const names = Array.from({ length: 10 }, () => world.newName());
    for (const name of names) {
      await world.append(name, 'request.opening', { minutesAgo: 300 });
      await world.append(name, 'request.closed');
    }
    await world.seal();
    for (let run = 0; run < 30; run += 1) {
      world.pass(1);
      await world.walk();
    }

    expect(missing(world)).toEqual([]);
    expect((await world.state())?.seal).toBe(1);
  });

  it('leaves to a faster walker what that has written', async () => {
    const world = await caughtUp();
    await world.append('request', 'request.opening');
    world.pass(1);
    await Promise.all([world.walk(), world.walk()]);
    await world.append('request', 'request.active');
    await world.walk();

    expect(missing(world)).toEqual([]);
    const sentOnce = world.received.filter(({ sequence }: AuditRecord) => sequence === 2);
    expect(sentOnce).toHaveLength(1);
    expect(world.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
