import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import { foreignRule, withRule } from '../support/foreignRule.ts';
import {
  contentOf,
  eventsOf,
  grantWorld,
  idOf,
  nicNsg,
  noon,
  ProcessDied,
  submission,
  type GrantWorld,
  type Hindrance,
  type Lifeline,
  type Process,
} from '../support/grantWorld.ts';
import { accepted, always } from '../support/hindrances.ts';

const id = idOf(1);
const rule = `sallyport-contoso-${id}-1`;
const call = { correlationId: submission.correlationId, purpose: 'open' } as const;
type Rule = JsonObject & { name: string; properties: JsonObject };

const edits = {
  'rule-deleted': (rules: Rule[]) => rules.filter(({ name }) => name !== rule),
  'rule-narrowed': (rules: Rule[]) => change(rules, { sourcePortRange: '1024-65535' }),
  'rule-widened': (rules: Rule[]) => change(rules, { sourceAddressPrefix: '*' }),
  'rule-tampered': (rules: Rule[]) => [
    ...rules,
    foreignRule('sallyport-contoso-mine', 400, { access: 'Allow', destinationPortRange: '8080' }),
  ],
  'blocked-by-foreign-rule': (rules: Rule[]) => [
    ...rules,
    foreignRule('deny-ssh-first', 99, { destinationPortRange: '22' }),
  ],
};
type Kind = keyof typeof edits;
const kinds = Object.keys(edits) as Kind[];

function change(rules: Rule[], properties: JsonObject): JsonObject[] {
  return rules.map((one) =>
    one.name === rule ? { ...one, properties: { ...one.properties, ...properties } } : one,
  );
}

function after(minutes: number): Date {
  return new Date(noon.getTime() + minutes * 60_000);
}

/** A grant that is open, and an NSG that somebody has then edited. */
async function edited(kind: Kind): Promise<GrantWorld> {
  const world = await grantWorld();
  const process = world.startProcess();
  await accepted(world, process);
  await world.runUntil(after(2), process);
  world.network.edit(nicNsg, (body) => {
    const properties = body['properties'] as { securityRules: Rule[] };
    return { ...body, properties: { ...properties, securityRules: edits[kind](properties.securityRules) } };
  });
  return world;
}

async function look(world: GrantWorld, process: Process, revisit = false): Promise<void> {
  await world.clock.run(process.reconcile(nicNsg, { ...call, revisit }));
}

/** Everything that a decision leaves behind; the same whatever happened on the way. */
async function outcome(world: GrantWorld) {
  const records = await world.stores.audit.read(driftPartition(nicNsg));
  expect(verifyTrail(driftPartition(nicNsg), records)).toEqual([]);
  const record = (await world.stores.nsgs.get(nicNsg))?.row;
  const row = (await world.stores.live.get(nicNsg, id))?.row;
  const request = await world.request(id);
  expect(row?.version).toBe(request.version);
  return {
    nsg: contentOf(world.network.nsg(nicNsg)),
    told: records.map(({ event, details }) => [event, details?.['rule']]),
    pending: record?.journal,
    recorded: record?.recorded,
    keys: Object.keys(record?.told ?? {}),
    accepted: [row?.accepted, request.targets.find(({ nsgId }) => nsgId === nicNsg)?.accepted],
    events: await eventsOf(world, id),
  };
}

describe('what others did is told and settled exactly once', () => {
  it.each(kinds)('(%s) whatever call a process dies at', async (kind) => {
    const calm = await edited(kind);
    const lifeline: Lifeline = { effects: 0, dead: false };
    const process = calm.startProcess();
    const before = process.lifeline.effects;
    await look(calm, process);
    lifeline.effects = process.lifeline.effects - before;
    await look(calm, process, true);
    const expected = await outcome(calm);
    expect(expected.told).toHaveLength(1);
    expect(lifeline.effects).toBeGreaterThan(5);

    for (let effect = 1; effect <= lifeline.effects; effect += 1) {
      for (const when of ['before', 'after'] as const) {
        const world = await edited(kind);
        const mortal = world.startProcess({ effect, when });
        await look(world, mortal).catch((error: unknown) => {
          if (!(error instanceof ProcessDied)) throw error;
        });
        expect(mortal.lifeline.dead).toBe(true);
        const next = world.startProcess();
        // What the dead one had begun is settled before anything else is looked at.
        await world.clock.advanceTo(new Date(world.clock.now().getTime() + 30_000));
        await look(world, next, true);
        await look(world, next, true);
        expect({ effect, when, ...(await outcome(world)) }).toEqual({ effect, when, ...expected });
      }
    }
  });

  it.each(kinds)('(%s) by two processes that look at once', async (kind) => {
    const calm = await edited(kind);
    await look(calm, calm.startProcess());
    await look(calm, calm.startProcess(), true);
    const expected = await outcome(calm);
    // One of them is held up at one of its calls, by one after the other.
    for (let delayed = 1; delayed <= 16; delayed += 1) {
      const world = await edited(kind);
      let effects = 0;
      const slow: Hindrance = {
        before: async () => {
          effects += 1;
          if (effects === delayed) await world.clock.sleep(1500);
        },
      };
      const two = [world.startProcess(), world.startProcess(undefined, slow)];
      await world.clock.run(
        Promise.all(
          two.map((process, index) =>
            process.reconcile(nicNsg, {
              ...call,
              correlationId: `5a11f0a7-0000-4000-8000-00000000000${index}`,
            }),
          ),
        ),
      );
      await look(world, world.startProcess(), true);
      expect({ delayed, ...(await outcome(world)) }).toEqual({ delayed, ...expected });
      expect(world.logged.filter((line) => /^(drift|grant)-/.test(line))).toHaveLength(1);
    }
  });
});

describe('a close', () => {
  /** Another grant on the same NSG that is revoked after somebody has widened the first one's rule. */
  async function revoked(hindrance: Hindrance) {
    const world = await grantWorld();
    const process = world.startProcess();
    await accepted(world, process);
    await world.clock.run(process.submit());
    await world.runUntil(after(2), process);
    world.network.edit(nicNsg, (body) => {
      const properties = body['properties'] as { securityRules: Rule[] };
      const widened = edits['rule-widened'](properties.securityRules);
      return withRule(
        { ...body, properties: { ...properties, securityRules: widened } },
        foreignRule('sallyport-contoso-mine', 400, { access: 'Allow', destinationPortRange: '8080' }),
      );
    });
    const other = idOf(2);
    await world.clock.run(process.revoke(other));
    const began = world.clock.now().getTime();
    const hindered = world.startProcess(undefined, hindrance);
    await world.clock.run(hindered.step(other, 'sallyport'));
    return { world, other, seconds: (world.clock.now().getTime() - began) / 1000 };
  }

  it.each<[string, Hindrance, message?: string]>([
    ['refuses every call', always('nsgs.')],
    ['takes no second change', always('nsgs.replace'), 'drift-not-completed'],
    ['takes no row', always('nsgs.insert')],
    [
      'never answers',
      { before: (effect) => (effect.startsWith('nsgs.') ? new Promise<void>(() => undefined) : undefined) },
    ],
  ])(
    'goes ahead, and what was widened is put back, where the table of drift %s',
    async (_, hindrance, message = 'drift-not-recorded') => {
      const { world, other, seconds } = await revoked(hindrance);
      expect((await world.request(other)).state).toBe('closed');
      expect(world.ownedRules(nicNsg)).toEqual([rule]);
      const { securityRules } = world.network.nsg(nicNsg)?.['properties'] as { securityRules: Rule[] };
      const put = securityRules.find(({ name }) => name === rule);
      expect(put?.properties['sourceAddressPrefix']).toBe('203.0.113.7/32');
      expect(world.logged).toContain(message);
      expect(seconds).toBeLessThan(15);
    },
  );

  it('notes after it what could not be noted before it', async () => {
    let failures = 1;
    const { world } = await revoked({
      before: (effect) => {
        if (effect === 'nsgs.insert' && failures > 0) {
          failures -= 1;
          throw new Error('The table is down.');
        }
      },
    });
    const records = await world.stores.audit.read(driftPartition(nicNsg));
    expect(records.map(({ event }) => event).sort()).toEqual(['nsg.rule-tampered', 'nsg.rule-widened']);
  });
});
