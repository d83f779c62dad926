import { describe, expect, it } from 'vitest';
import type { FlushValue } from '../../src/core/flushConnection.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { demand } from '../support/approvals.ts';
import { flushOf, noteWrites, setFlush, type SentWrite } from '../support/flushes.ts';
import {
  contentOf,
  eventsOf,
  grantWorld,
  minutes,
  nicNsg,
  seconds,
  subnetNsg,
  type GrantWorld,
  type Hindrance,
  type Process,
} from '../support/grantWorld.ts';

const on: FlushValue = { value: true };
const paths = [subnetNsg, nicNsg];

/** A world whose policy wants established flows cut, or not, and a process of it whose writes are noted. */
async function flushingWorld(wants = true) {
  const world = await grantWorld();
  await demand(world, wants ? { flushConnection: true } : {});
  const sent: SentWrite[] = [];
  return { world, sent, process: world.startProcess(undefined, noteWrites(world, sent)) };
}

async function asked(world: GrantWorld, process: Process): Promise<string> {
  const result = await world.clock.run(process.submit());
  if (result.kind !== 'accepted') throw new Error(`It was not accepted but ${result.kind}.`);
  return result.request.id;
}

/** Codes and messages of the record that says closed. */
async function closing(world: GrantWorld, id: string): Promise<string[]> {
  const record = (await world.audit(id)).find(({ event }) => event === 'request.closed');
  return (record?.reasons ?? []).map(({ code, message }) => `${code}: ${message}`);
}

/** What the audit of an NSG says of the member, its chain verified. */
async function told(world: GrantWorld, nsgId: string): Promise<string[]> {
  const partition = driftPartition(nsgId);
  const records = await world.audit(partition);
  expect(verifyTrail(partition, records)).toEqual([]);
  return records.map(({ event }) => event.replace('nsg.flush-connection-', ''));
}

const recordOf = async (world: GrantWorld, nsgId: string) => (await world.stores.nsgs.get(nsgId))?.row.flush;
const sweepAt = async (world: GrantWorld, process: Process, at: Date) => {
  await world.runUntil(at, process);
  await world.clock.run(process.sweep());
};

describe('a grant whose policy wants established flows cut', () => {
  it.each<[string, FlushValue]>([
    ['false', { value: false }],
    ['absent', {}],
    ['null', { value: null }],
  ])(
    'has it switched on with the write that ends it, where it was %s, and put back after',
    async (_, former) => {
      const { world, sent, process } = await flushingWorld();
      for (const nsgId of paths) setFlush(world, nsgId, former);
      const before = paths.map((nsgId) => contentOf(world.network.nsg(nsgId)));
      const id = await asked(world, process);
      await world.runUntil(minutes(59), process);
      expect(sent.map(({ from, to }) => [from, to])).toEqual([
        [former, former],
        [former, former],
      ]);
      sent.length = 0;

      await world.runUntil(minutes(61), process);

      for (const nsgId of paths) {
        expect(sent.filter((write) => write.nsgId === nsgId)).toEqual([
          { nsgId, from: former, to: on, ends: [id], recorded: former },
          { nsgId, from: on, to: former, ends: [], recorded: former },
        ]);
        expect(await recordOf(world, nsgId)).toBeUndefined();
        expect(await told(world, nsgId)).toEqual(['set', 'put-back']);
      }
      expect(paths.map((nsgId) => contentOf(world.network.nsg(nsgId)))).toEqual(before);
      expect(await eventsOf(world, id)).toEqual(['opening', 'active', 'closing', 'closed']);
      expect(await closing(world, id)).toEqual([
        expect.stringContaining('ended:'),
        expect.stringMatching(/^flows-cut: .* the whole of nsg-subnet, nsg-nic\.$/),
      ]);
      expect(await world.stores.nsgs.unsettled()).toEqual([]);
    },
  );

  it('leaves it alone where somebody else has it on, and says that flows are cut', async () => {
    const { world, sent, process } = await flushingWorld();
    for (const nsgId of paths) setFlush(world, nsgId, on);
    const id = await asked(world, process);
    await world.runUntil(minutes(61), process);

    expect(sent).toHaveLength(4);
    expect(
      sent.every(({ from, to, recorded }) => from.value === true && to.value === true && !recorded),
    ).toBe(true);
    expect(await told(world, nicNsg)).toEqual([]);
    expect((await closing(world, id)).at(-1)).toContain('flows-cut:');
  });

  it('says in the audit of each NSG which grants it was for, and what it was before', async () => {
    const { world, process } = await flushingWorld();
    const id = await asked(world, process);
    await world.runUntil(minutes(61), process);

    const [set] = await world.audit(driftPartition(nicNsg));
    expect(set).toMatchObject({
      event: 'nsg.flush-connection-set',
      actor: 'sallyport',
      networkSecurityGroups: [nicNsg],
      details: { requestIds: [id] },
    });
    expect(set?.reasons[0]).toMatchObject({
      code: 'flush-connection',
      message: expect.stringContaining('Before that it was false.') as string,
    });
  });

  it('shares one flush and one putting back with everybody who ends at the same time', async () => {
    const { world, sent, process } = await flushingWorld();
    const ids = [];
    for (let count = 0; count < 5; count += 1) ids.push(await asked(world, process));
    await world.runUntil(minutes(59), process);
    sent.length = 0;
    await world.clock.run(Promise.all(ids.map((id) => process.revoke(id))));
    await world.runUntil(minutes(60), process);

    const atNic = sent.filter(({ nsgId }) => nsgId === nicNsg);
    expect(atNic.flatMap(({ ends }) => ends).sort()).toEqual([...ids].sort());
    expect(atNic.filter(({ from, to }) => from.value === false && to.value === true)).toHaveLength(1);
    expect(atNic.filter(({ from, to }) => from.value === true && to.value === false)).toHaveLength(1);
    for (const id of ids) expect((await closing(world, id)).at(-1)).toContain('flows-cut:');
    expect(await recordOf(world, nicNsg)).toBeUndefined();
  });

  it('cuts nothing when it never was open', async () => {
    const { world, sent, process } = await flushingWorld();
    world.network.fail('write', { kind: 'not-permitted' }, 1000);
    const id = await asked(world, process);
    await world.runUntil(minutes(2), process);
    world.network.clearFaults();
    await world.runUntil(minutes(10), process);

    expect((await world.request(id)).state).toBe('failed');
    expect(sent.filter(({ to }) => to.value === true)).toEqual([]);
    expect(JSON.stringify(await world.audit(id))).not.toContain('flows-');
    expect(await world.stores.nsgs.get(nicNsg)).toBeUndefined();
  });

  it('writes while it is on what others want, and puts it back with that write', async () => {
    const { world, sent, process } = await flushingWorld();
    const id = await asked(world, process);
    await world.runUntil(minutes(30), process);
    await demand(world, {});
    const other = world.startProcess();
    let hasAsked = false;
    const meanwhile = world.startProcess(undefined, {
      before: async (effect, parameters) => {
        await noteWrites(world, sent).before?.(effect, parameters);
      },
      after: (effect) => {
        if (effect !== 'network.writeNsg' || hasAsked) return undefined;
        hasAsked = true;
        void other.submit();
        return undefined;
      },
    });
    sent.length = 0;
    await world.clock.run(meanwhile.revoke(id));
    await world.runUntil(minutes(31), meanwhile);

    expect(paths.map((nsgId) => flushOf(world, nsgId))).toEqual([{ value: false }, { value: false }]);
    expect(world.ownedRules()).toHaveLength(2);
    expect(await recordOf(world, nicNsg)).toBeUndefined();
  });
});

describe('a plain grant', () => {
  it('costs no call and no write more, and leaves the member as it is', async () => {
    const { world, sent } = await flushingWorld(false);
    const effects: string[] = [];
    const counting = world.startProcess(undefined, {
      before: async (effect, parameters) => {
        effects.push(effect);
        await noteWrites(world, sent).before?.(effect, parameters);
      },
    });
    const id = await asked(world, counting);
    await world.runUntil(minutes(61), counting);

    expect((await world.request(id)).state).toBe('closed');
    expect(sent).toHaveLength(4);
    expect(sent.every(({ from, to }) => from.value === false && to.value === false)).toBe(true);
    expect(effects.filter((effect) => effect.startsWith('nsgs.'))).toEqual([]);
    expect(await closing(world, id)).toEqual([expect.stringContaining('ended:')]);
  });

  it('beside one that opted in does not flush with its end, and its neighbour does', async () => {
    const { world, sent, process } = await flushingWorld();
    const opted = await asked(world, process);
    await world.runUntil(minutes(10), process);
    await demand(world, {});
    const plain = await asked(world, process);
    await world.runUntil(minutes(20), process);
    sent.length = 0;
    await process.revoke(plain);
    await world.runUntil(minutes(21), process);
    expect(sent).toHaveLength(2);
    expect(sent.every(({ to }) => to.value === false)).toBe(true);

    await process.revoke(opted);
    await world.runUntil(minutes(22), process);
    expect(sent.filter(({ to }) => to.value === true)).toHaveLength(2);
    expect(flushOf(world, nicNsg)).toEqual({ value: false });
  });
});

describe('while it is switched on', () => {
  /** The process dies at the write that would put it back. */
  async function died(former: FlushValue = { value: false }) {
    const { world } = await flushingWorld();
    for (const nsgId of paths) setFlush(world, nsgId, former);
    const before = paths.map((nsgId) => contentOf(world.network.nsg(nsgId)));
    const first = world.startProcess();
    const id = await asked(world, first);
    await world.runUntil(minutes(59), first);
    const dying = world.startProcess(undefined, {
      before: (effect, parameters) => {
        const [nsg] = parameters as [{ body: Parameters<typeof contentOf>[0] }];
        if (effect === 'network.writeNsg' && JSON.stringify(nsg.body).includes('"flushConnection":true'))
          dying.lifeline.dead = true;
        if (dying.lifeline.dead) throw new Error('The process is dead.');
      },
    });
    await dying.revoke(id);
    try {
      await world.runUntil(minutes(60), dying);
    } catch (error) {
      if (!dying.lifeline.dead) throw error;
    }
    return { world, before, id };
  }

  it.each<[string, FlushValue]>([
    ['false', { value: false }],
    ['absent', {}],
  ])('and its process is dead, the sweep puts it back: %s', async (_, former) => {
    const { world, before, id } = await died(former);
    expect(paths.some((nsgId) => flushOf(world, nsgId).value === true)).toBe(true);
    const next = world.startProcess();
    for (const at of [61, 62, 63, 64, 65]) await sweepAt(world, next, minutes(at));

    expect(paths.map((nsgId) => contentOf(world.network.nsg(nsgId)))).toEqual(before);
    expect(await world.stores.nsgs.unsettled()).toEqual([]);
    expect((await closing(world, id)).at(-1)).toContain('flows-cut:');
    expect(await told(world, nicNsg)).toEqual(['set', 'put-back']);
  });

  it.each<[string, FlushValue]>([
    ['switches it off', { value: false }],
    ['takes it out', {}],
  ])('somebody else %s, it stays as they have it', async (_, theirs) => {
    const { world } = await died({ value: null });
    for (const nsgId of paths) setFlush(world, nsgId, theirs);
    const sent: SentWrite[] = [];
    const next = world.startProcess(undefined, noteWrites(world, sent));
    for (const at of [61, 62, 63, 64]) await sweepAt(world, next, minutes(at));

    expect(sent.filter(({ ends }) => ends.length === 0)).toEqual([]);
    expect(flushOf(world, nicNsg).value === true).toBe(false);
    expect(await world.stores.nsgs.unsettled()).toEqual([]);
    expect((await told(world, nicNsg)).at(-1)).toBe('left');
  });

  it('and the tables are lost, nothing is touched', async () => {
    const { world } = await died();
    const record = await world.stores.nsgs.get(nicNsg);
    if (record === undefined) throw new Error('Nothing was recorded.');
    // As tables that are made anew would be: they hold nothing of this NSG.
    await world.stores.nsgs.replace({ nsgId: nicNsg, told: {}, journal: [], recorded: 0 }, record.etag);
    const next = world.startProcess();
    for (const at of [61, 62, 63]) await sweepAt(world, next, minutes(at));

    expect(flushOf(world, nicNsg)).toEqual(on);
  });
});

describe('where the write that ends it', () => {
  const withFault = async (fault: Parameters<GrantWorld['network']['fail']>[1], times: number) => {
    const { world, sent, process } = await flushingWorld();
    const before = paths.map((nsgId) => contentOf(world.network.nsg(nsgId)));
    const id = await asked(world, process);
    await world.runUntil(minutes(59), process);
    sent.length = 0;
    world.network.fail('write', fault, times);
    return { world, sent, process, id, before };
  };

  it.each([
    ['was overtaken', { kind: 'changed-meanwhile' }],
    ['is answered by nothing', { kind: 'unknown' }],
    ['is done and its answer lost', { kind: 'unknown-after-commit' }],
    ['is superseded', { kind: 'superseded' }],
    ['meets another operation', { kind: 'locked' }],
    ['fails in Azure', { kind: 'operation-failed' }],
  ] as const)('%s, flows are cut all the same, and it is put back', async (_, fault) => {
    const { world, process, id, before } = await withFault(fault, 2);
    for (const at of [61, 62, 63, 64]) await sweepAt(world, process, minutes(at));

    expect((await world.request(id)).state).toBe('closed');
    expect((await closing(world, id)).at(-1)).toContain('flows-cut:');
    expect(paths.map((nsgId) => contentOf(world.network.nsg(nsgId)))).toEqual(before);
    expect(await world.stores.nsgs.unsettled()).toEqual([]);
  });

  it.each([
    ['refused', { kind: 'refused', code: 'UnsupportedProperty' }],
    ['forbidden by a policy', { kind: 'not-permitted', code: 'RequestDisallowedByPolicy' }],
  ] as const)('is %s while it switches it on, the grant is closed without, and says so', async (_, fault) => {
    const { world, sent, process, id, before } = await withFault(fault, 0);
    const hindered = world.startProcess(undefined, {
      before: async (effect, parameters) => {
        await noteWrites(world, sent).before?.(effect, parameters);
        if (effect === 'network.writeNsg' && sent.at(-1)?.to.value === true)
          world.network.fail('write', fault);
      },
    });
    await world.runUntil(minutes(62), hindered);

    expect((await world.request(id)).state).toBe('closed');
    expect(world.logged).toContain('flush-connection-refused');
    expect(world.logged).not.toContain('closed-by-rule-delete');
    expect((await closing(world, id)).at(-1)).toMatch(
      /^flows-not-cut: Established flows could not be cut at nsg-/,
    );
    for (const at of [63, 64]) await sweepAt(world, process, minutes(at));
    expect(paths.map((nsgId) => contentOf(world.network.nsg(nsgId)))).toEqual(before);
    expect(await world.stores.nsgs.unsettled()).toEqual([]);
  });

  it('is refused whatever it says, its rules are closed one by one, and flows are not cut', async () => {
    const { world, process, id } = await withFault({ kind: 'not-permitted' }, 1000);
    await world.runUntil(minutes(62), process);

    expect((await world.request(id)).state).toBe('closed');
    expect(world.logged).toContain('closed-by-rule-delete');
    expect((await closing(world, id)).at(-1)).toMatch(
      /^flows-not-cut: Established flows could not be cut at nsg-/,
    );
    world.network.clearFaults();
    for (const at of [63, 64, 65]) await sweepAt(world, process, minutes(at));
    expect(await world.stores.nsgs.unsettled()).toEqual([]);
    expect(flushOf(world, nicNsg)).toEqual({ value: false });
  });

  it.each(['nsgs.', 'nsgs.get', 'nsgs.insert'])(
    'cannot be recorded because %s fails, nothing is switched on, it is closed, and flows are not cut',
    async (prefix) => {
      const { world, sent, id } = await withFault({ kind: 'unknown' }, 0);
      const process = world.startProcess(undefined, {
        before: async (effect, parameters) => {
          if (effect.startsWith(prefix)) throw new Error('The table is down.');
          await noteWrites(world, sent).before?.(effect, parameters);
        },
      });
      await world.runUntil(minutes(62), process);

      expect((await world.request(id)).state).toBe('closed');
      expect(sent.filter(({ to }) => to.value === true)).toEqual([]);
      expect(world.logged).toContain('flush-connection-not-recorded');
      expect((await closing(world, id)).at(-1)).toMatch(/^flows-not-cut: /);
      expect(world.ownedRules()).toEqual([]);
    },
  );
});

describe('where it cannot be put back because the write is', () => {
  it.each([
    ['refused by a lock', { kind: 'not-permitted', code: 'ScopeLocked' }],
    ['not permitted', { kind: 'not-permitted' }],
    ['throttled', { kind: 'throttled' }],
    ['behind another operation', { kind: 'locked' }],
    ['not answered', { kind: 'unknown' }],
    ['refused', { kind: 'refused' }],
  ] as const)(
    '%s, the grant is closed all the same, it is told, and the sweep puts it back',
    async (_, fault) => {
      const { world, process } = await flushingWorld();
      const before = paths.map((nsgId) => contentOf(world.network.nsg(nsgId)));
      const id = await asked(world, process);
      await world.runUntil(minutes(59), process);
      const hinder: Hindrance = {
        before: (effect, parameters) => {
          const [nsg, body] = parameters as [{ body: unknown }, unknown];
          if (effect !== 'network.writeNsg') return;
          const [was, is] = [nsg.body, body].map((one) =>
            JSON.stringify(one).includes('"flushConnection":true'),
          );
          if (was === true && is === false) world.network.fail('write', fault);
        },
      };
      const hindered = world.startProcess(undefined, hinder);
      await hindered.revoke(id);
      await world.runUntil(seconds(59 * 60 + 58), hindered);

      expect((await world.request(id)).state).toBe('closed');
      expect((await closing(world, id)).at(-1)).toContain('flows-cut:');
      expect(world.logged).toContain('flush-connection-not-put-back');
      expect(world.logged).not.toContain('close-unfinished');
      expect(paths.map((nsgId) => flushOf(world, nsgId))).toEqual([on, on]);

      world.network.clearFaults();
      for (const at of [61, 62]) await sweepAt(world, world.startProcess(), minutes(at));
      expect(paths.map((nsgId) => contentOf(world.network.nsg(nsgId)))).toEqual(before);
      expect(await world.stores.nsgs.unsettled()).toEqual([]);
    },
  );
});
