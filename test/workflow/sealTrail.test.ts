import { describe, expect, it } from 'vitest';
import { createUnauthenticatedCounter } from '../../src/workflow/countUnauthenticated.ts';
import { recordJournal } from '../../src/workflow/recordJournal.ts';
import { recordRefusal } from '../../src/workflow/recordRefusal.ts';
import { createRefusalQuota } from '../../src/workflow/refusalQuota.ts';
import { alice, endedRequest, requestId, sampleRequest } from '../contracts/samples.ts';
import { marked, sealWorld } from '../support/sealWorld.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const quiet = { seals: 0, partitions: 0, failed: 0, left: 0 };

function after(minutes: number): Date {
  return new Date(noon.getTime() + minutes * 60_000);
}

describe('sealTrail', () => {
  it('writes and logs nothing where nothing has ended', async () => {
    const world = sealWorld(noon);
    await world.open('open');
    expect(await world.seal()).toEqual(quiet);
    expect(await world.seals()).toEqual([]);
    expect(world.logged).toEqual([]);
  });

  it('names the count and the last hash of each ended request, marks it, and chains to the seal before', async () => {
    const world = sealWorld(noon);
    const first = [await world.end('a'), await world.end('b')];
    await world.open('open');
    expect(await world.seal()).toEqual({ ...quiet, seals: 1, partitions: 2 });
    const second = await world.end('c');
    world.now = after(1);
    await world.seal();

    const [one, two] = await world.seals();
    expect(one).toMatchObject({ number: 1, at: noon.toISOString(), previousHash: '' });
    expect(two).toMatchObject({ number: 2, at: after(1).toISOString(), previousHash: one?.hash });
    expect((await world.sealed()).map((names) => names.sort())).toEqual([first.sort(), [second]]);
    const records = await world.stores.audit.read(second);
    expect(two?.sealed).toEqual([{ partition: second, count: 4, headHash: records[3]?.hash }]);
    expect((await marked(world)).sort()).toEqual([...first, second].sort());
    expect(await world.findings()).toEqual([]);
  });

  it('logs number and hash of a new seal, and of the newest again on every call after it', async () => {
    const world = sealWorld(noon);
    await world.end('a');
    await world.seal();
    expect(await world.seal()).toEqual(quiet);
    const [seal] = await world.seals();
    const line = { level: 'info', message: 'seal', facts: { number: 1, hash: seal?.hash } };
    expect(world.logged).toEqual([line, line]);
    expect(await world.seals()).toHaveLength(1);
  });

  it('splits what is too much for one seal, and leaves nothing out', async () => {
    const world = sealWorld(noon);
    const denied = await Promise.all(Array.from({ length: 250 }, (_, each) => world.deny(`denied ${each}`)));
    const ended = await Promise.all(Array.from({ length: 300 }, (_, each) => world.end(`ended ${each}`)));
    world.now = after(6);
    expect(await world.seal()).toEqual({ ...quiet, seals: 3, partitions: 550 });
    const sealed = await world.sealed();
    expect(sealed.map((names) => names.length)).toEqual([200, 200, 150]);
    expect(sealed.flat().sort()).toEqual([...denied, ...ended].sort());
    expect(await world.findings()).toEqual([]);
    expect(await world.seal()).toEqual(quiet);
  });

  it('takes a bounded number at once and the rest the next time', async () => {
    const world = sealWorld(noon);
    await Promise.all(Array.from({ length: 2100 }, (_, each) => world.deny(`denied ${each}`)));
    world.now = after(6);
    expect(await world.seal()).toMatchObject({ partitions: 2000, left: 100 });
    expect(await world.seal()).toMatchObject({ partitions: 100, left: 0 });
    expect(new Set((await world.sealed()).flat()).size).toBe(2100);
  });

  it('is never earlier than the seal before it, whatever the clocks say', async () => {
    const world = sealWorld(after(1));
    await world.end('a');
    await world.seal();
    await world.end('b');
    world.now = noon;
    await world.seal();
    const [one, two] = await world.seals();
    expect(two?.at).toBe(one?.at);
    expect(two?.indexedUpTo).toBe(one?.indexedUpTo);
  });

  describe('of what has no live row', () => {
    it('seals a denied submission five minutes later, once', async () => {
      const world = sealWorld(noon);
      const denied = await world.deny('a');
      world.now = after(5);
      expect(await world.seal()).toEqual(quiet);
      world.now = after(6);
      expect(await world.seal()).toMatchObject({ partitions: 1 });
      world.now = after(7);
      const later = await world.deny('b');
      world.now = after(60);
      await world.seal();
      await world.seal();
      expect(await world.sealed()).toEqual([[denied], [later]]);
    });

    it('seals the refusal of a decision in the same way', async () => {
      const world = sealWorld(noon);
      const { audit } = world.stores;
      const partition = requestId('refused');
      const request = sampleRequest('a');
      const clock = { now: () => world.now, sleep: () => Promise.resolve() };
      await recordRefusal({ audit, clock, newId: () => partition }, createRefusalQuota(), {
        ...{ row: request, caller: { person: request.requester, roles: [] }, wanted: 'approve' },
        ...{ code: 'own-request', message: 'Not one’s own.', comment: 'Let me', correlationId: 'c' },
      });
      world.now = after(6);
      await world.seal();

      expect(await world.sealed()).toEqual([[partition]]);
      expect(await world.findings()).toEqual([]);
    });

    it('finds it after months without a seal', async () => {
      const world = sealWorld(noon);
      await world.end('a');
      await world.seal();
      const denied = await world.deny('b');
      world.now = new Date('2027-02-01T00:00:00.000Z');
      await world.seal();
      expect((await world.sealed())[1]).toEqual([denied]);
    });

    it('does not seal an open request because it is indexed', async () => {
      const world = sealWorld(noon);
      await world.open('open');
      world.now = after(600);
      expect(await world.seal()).toEqual(quiet);
    });

    it('does not seal a request again whose rows were removed', async () => {
      const world = sealWorld(new Date('2026-11-23T08:01:00.000Z'));
      const id = await world.end('short');
      await world.seal();
      await world.stores.live.removeUnended(id);
      world.now = after(0);
      expect(await world.seal()).toEqual(quiet);
      expect(await world.sealed()).toEqual([[id]]);
    });

    it('seals a day of refused credentials after its end, once, with all that the day counted', async () => {
      const world = sealWorld(noon);
      const { audit } = world.stores;
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
      const counter = createUnauthenticatedCounter({ audit, log });
      for (const minute of [0, 1, 700]) await counter.refused('token-expired', after(minute));
      await world.end('a');
      await world.seal();
      world.now = new Date('2026-11-24T00:05:00.000Z');
      expect(await world.seal()).toEqual(quiet);
      world.now = new Date('2026-11-24T00:06:00.000Z');
      await world.seal();
      world.now = new Date('2026-11-26T00:06:00.000Z');
      expect(await world.seal()).toEqual(quiet);
      const sealed = (await world.seals())[1]?.sealed;
      expect(sealed).toMatchObject([{ partition: 'unauthenticated-2026-11-23', count: 3 }]);
      expect(await world.findings()).toEqual([]);
    });

    it('seals each day between two seals', async () => {
      const world = sealWorld(noon);
      const days = ['2026-11-20', '2026-11-21', '2026-11-22'];
      for (const day of days) await world.refuse(day);
      await world.refuse('2026-11-23');
      await world.seal();
      expect(await world.sealed()).toEqual([days.map((day) => `unauthenticated-${day}`)]);
    });
  });

  describe('where records are not as they should be', () => {
    it('seals what is there and says so', async () => {
      const world = sealWorld(noon);
      const request = endedRequest('a');
      const { audit, requests, live } = world.stores;
      await recordJournal({ ...request, journal: request.journal.slice(0, 2) }, audit, noon);
      await requests.insert({ ...request, recorded: 4 });
      await live.addUnended({ requestId: request.id, requesterId: alice, createdAt: noon.toISOString() });
      await live.markEnded(request.id, noon.toISOString());
      await world.seal();
      expect((await world.seals())[0]?.sealed).toMatchObject([{ partition: request.id, count: 2 }]);
      expect(world.logged[0]).toEqual({
        level: 'error',
        message: 'seal-of-damaged-records: run audit:verify',
        facts: { partition: request.id, faults: ['missing 3'] },
      });
    });

    it('leaves out what it cannot read, seals the rest, and tries again', async () => {
      const world = sealWorld(noon);
      const [bad, good] = [await world.end('bad'), await world.end('good')];
      const failing = (effect: string, [partition]: unknown[]) => {
        if (effect === 'audit.read' && partition === bad) throw new Error('no answer');
      };
      expect(await world.seal(failing)).toMatchObject({ partitions: 1, failed: 1 });
      expect(world.logged[0]).toEqual({
        level: 'error',
        message: 'seal-failed',
        facts: { partition: bad, cause: 'no answer' },
      });
      expect(await marked(world)).toEqual([good]);
      await world.seal();
      expect(await world.sealed()).toEqual([[good], [bad]]);
    });

    it('passes over no denied submission that it cannot read, for an hour', async () => {
      const world = sealWorld(noon);
      const bad = await world.deny('bad');
      world.now = after(1);
      const good = await world.deny('good');
      const failing = (effect: string, [partition]: unknown[]) => {
        if (effect === 'audit.read' && partition === bad) throw new Error('no answer');
      };
      world.now = after(10);
      const ended = await world.end('ended');
      await world.seal(failing);
      expect(await world.sealed()).toEqual([[ended]]);
      world.now = after(61);
      await world.seal(failing);
      expect(await world.sealed()).toEqual([[ended], [good]]);
    });
  });
});
