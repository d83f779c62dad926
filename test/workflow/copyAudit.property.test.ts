import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyWorld, doubled, missing, type CopyWorld, type WalkOptions } from '../support/copyWorld.ts';

const start = new Date('2026-11-02T11:50:00.000Z');

/** Something that the app records. `late`: minutes that its first record, and its entry in the index, come after it. */
type Happening =
  | { kind: 'open'; isBreakGlass: boolean; late: number }
  | { kind: 'step' | 'end' | 'review' | 'write'; which: number }
  | { kind: 'lasting'; which: number }
  | { kind: 'deny' | 'refuse' | 'announce' };
type Action = Happening | { kind: 'pass'; minutes: number } | { kind: 'seal' };
type Walk = { kind: 'walk'; twice: boolean } & WalkOptions;

const happening = (late: fc.Arbitrary<number>): fc.Arbitrary<Happening> =>
  fc.oneof(
    fc.record({ kind: fc.constant('open' as const), isBreakGlass: fc.boolean(), late }),
    fc.record({ kind: fc.constantFrom('step', 'end', 'review', 'write'), which: fc.nat(5) }),
    fc.record({ kind: fc.constant('lasting' as const), which: fc.nat(7) }),
    fc.record({ kind: fc.constantFrom('deny', 'refuse', 'announce') }),
  );
const walk: fc.Arbitrary<Walk> = fc.record(
  {
    kind: fc.constant('walk' as const),
    twice: fc.boolean(),
    skew: fc.integer({ min: -4, max: 4 }),
    killed: fc.record({ at: fc.integer({ min: 1, max: 12 }), done: fc.boolean() }),
    failing: fc.constantFrom(
      () => 'refused' as const,
      () => 'stored' as const,
      (send: number) => (send % 2 === 0 ? ('stored' as const) : undefined),
    ),
  },
  { requiredKeys: ['kind', 'twice'] },
);
const action = (late: fc.Arbitrary<number>): fc.Arbitrary<Action> =>
  fc.oneof(
    { weight: 6, arbitrary: happening(late) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        minutes: fc.oneof(fc.nat(12), fc.constantFrom(60, 24 * 60)),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: 'seal' as const }) },
  );

/** Does what happens; keeps in mind which requests are open, unreviewed, or in the index without a record. */
function stage(world: CopyWorld) {
  const open: { name: string; isBreakGlass: boolean }[] = [];
  const unreviewed: string[] = [];
  const announced: string[] = [];
  const taken = <T>(all: T[], which: number) => all.splice(which % Math.max(all.length, 1), 1)[0];

  const perform = async (action: Action): Promise<void> => {
    switch (action.kind) {
      case 'pass':
        world.pass(action.minutes);
        return;
      case 'seal':
        return world.seal();
      case 'open': {
        const name = world.newName();
        const { isBreakGlass, late } = action;
        await world.append(name, 'request.opening', { isBreakGlass, minutesAgo: late });
        open.push({ name, isBreakGlass });
        return;
      }
      case 'step': {
        const request = open[action.which % Math.max(open.length, 1)];
        return request && world.append(request.name, 'request.active');
      }
      case 'end': {
        const request = taken(open, action.which);
        if (request === undefined) return;
        await world.append(request.name, 'request.closed');
        if (request.isBreakGlass) unreviewed.push(request.name);
        return;
      }
      case 'review': {
        const name = taken(unreviewed, action.which);
        return name === undefined ? undefined : world.append(name, 'request.break-glass-reviewed');
      }
      case 'lasting':
        return world.append(`nsg-${String(action.which).repeat(32)}`, 'nsg.rule-deleted');
      case 'deny':
        return world.append(world.newName(), 'request.denied');
      case 'refuse':
        return world.refuse();
      case 'announce': {
        const name = world.newName();
        await world.index(name);
        announced.push(name);
        return;
      }
      case 'write': {
        const name = taken(announced, action.which);
        if (name === undefined) return;
        await world.append(name, 'request.opening', { isIndexed: false });
        open.push({ name, isBreakGlass: false });
        return;
      }
    }
  };
  return {
    perform,
    /** Everything that began comes to its end. */
    finish: async () => {
      while (announced.length > 0) await perform({ kind: 'write', which: 0 });
      while (open.length > 0) await perform({ kind: 'end', which: 0 });
      while (unreviewed.length > 0) await perform({ kind: 'review', which: 0 });
    },
  };
}

/** Runs undisturbed until it has caught up with the index, a day at a time, and with the seals. */
async function catchUp(world: CopyWorld): Promise<void> {
  for (let run = 0; run < 60; run += 1) {
    world.pass(6);
    await world.seal();
    await world.walk();
  }
}

describe('copying the audit', () => {
  it.each([undefined, 4])(
    'brings each record at least once and in order, whatever is killed, fails, races or is late (room for %s)',
    async (limit) => {
      const actions = fc.array(
        fc.oneof(
          { weight: 3, arbitrary: action(fc.constantFrom(0, 0, 4, 30, 3000)) },
          { weight: 1, arbitrary: walk },
        ),
        { maxLength: 40 },
      );
      await fc.assert(
        fc.asyncProperty(actions, async (script) => {
          const world = copyWorld(start, limit);
          const { perform, finish } = stage(world);
          await catchUp(world);
          for (const each of script) {
            if (each.kind !== 'walk') await perform(each);
            else await Promise.all(each.twice ? [world.walk(each), world.walk(each)] : [world.walk(each)]);
            const state = await world.state();
            expect(state?.partitions.length ?? 0).toBeLessThanOrEqual(limit ?? 2000);
          }
          await finish();
          await catchUp(world);
          expect(missing(world)).toEqual([]);
        }),
        { numRuns: 150 },
      );
    },
  );

  it('brings each record exactly once where nothing disturbs it, and forgets what has ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action(fc.constantFrom(0, 1)), { maxLength: 40 }), async (script) => {
        const world = copyWorld(start);
        const { perform, finish } = stage(world);
        await catchUp(world);
        for (const each of script) {
          await perform(each);
          world.pass(1);
          await world.seal();
          await world.walk();
        }
        await finish();
        await catchUp(world);
        expect(missing(world)).toEqual([]);
        expect(doubled(world)).toEqual([]);

        world.pass(24 * 60 - 1);
        await catchUp(world);
        const kept = (await world.state())?.partitions.map(({ partition }) => partition) ?? [];
        expect(kept.filter((name) => !name.startsWith('nsg-') && name !== world.today())).toEqual([]);
        expect(doubled(world)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
