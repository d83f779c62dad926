import { contentOf } from '../../support/grantWorld.ts';
import { createRandom } from '../random.ts';
import type { Weather } from './effects.ts';
import { createPromises, type Promises } from './promises.ts';
import { createWorld, instantAfter, type Ask, type Worker, type World } from './world.ts';
import { jobs, nsgIds, web } from './worldModel.ts';

/**
 * How two workers take turns, effect by effect. With `switches`, the first runs alone up to its n-th effect, then the second
 * up to its m-th, then the first to its end, then the second: every way to interrupt each of them once. With `seed`, chance
 * decides at each effect who goes on.
 */
export type Schedule = { switches: [number, number] } | { seed: number };

export interface Interleaved {
  broken: string[];
  hash: string;
  /** Effects of the two while they took turns. */
  effects: [number, number];
  lines: string[];
}

interface Stage {
  world: World;
  promises: Promises;
  first: Worker;
  second: Worker;
}

export interface Scenario {
  name: string;
  /** What was before: on a worker of its own, without turns. */
  before?: (stage: Stage, worker: Worker) => Promise<void>;
  /** How long the first write is under way that leaves while the two take turns, in milliseconds. */
  transit?: number;
  first: (stage: Stage) => Promise<unknown>;
  second: (stage: Stage) => Promise<unknown>;
}

const ask = (number: number, changes: Partial<Ask> = {}): Ask => ({
  ...{ number, machine: web, source: '203.0.113.7', port: 22, seconds: 120 },
  ...changes,
});
const idOf = ({ promises }: Stage, number: number): string => {
  const found = [...promises.known.values()].find((request) => request.ask.number === number);
  if (found === undefined) throw new Error(`Nobody has asked for ${number}.`);
  return found.id;
};

async function accept({ promises, world }: Stage, worker: Worker, asked: Ask): Promise<void> {
  promises.asks.set(asked.number, asked);
  await world.clock.run(worker.submit(asked));
}

async function open(stage: Stage, worker: Worker, asked: Ask): Promise<void> {
  await accept(stage, worker, asked);
  await stage.world.clock.run(worker.step(idOf(stage, asked.number)));
}

/** Orchestrations do not run while two take turns: who calls a step is said here, and the sweep finds the rest. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'a step opens while a person revokes',
    before: (stage, worker) => accept(stage, worker, ask(1)),
    first: (stage) => stage.first.step(idOf(stage, 1)),
    second: (stage) => stage.second.revoke(idOf(stage, 1)),
  },
  {
    name: 'a write that opens arrives after a person has revoked and another step has closed',
    before: (stage, worker) => accept(stage, worker, ask(1)),
    transit: 15_000,
    first: (stage) => stage.first.step(idOf(stage, 1)),
    async second(stage) {
      await stage.second.revoke(idOf(stage, 1));
      await stage.second.step(idOf(stage, 1));
    },
  },
  {
    name: 'two steps open one grant',
    before: (stage, worker) => accept(stage, worker, ask(1)),
    first: (stage) => stage.first.step(idOf(stage, 1)),
    second: (stage) => stage.second.step(idOf(stage, 1)),
  },
  {
    name: 'one opens what another closes an equal of',
    async before(stage, worker) {
      await open(stage, worker, ask(1, { seconds: 30 }));
      await stage.world.clock.advanceTo(instantAfter(31));
      await accept(stage, worker, ask(2));
    },
    first: (stage) => stage.first.step(idOf(stage, 2)),
    second: (stage) => stage.second.step(idOf(stage, 1)),
  },
  {
    name: 'a step and the sweep close one grant',
    async before(stage, worker) {
      await open(stage, worker, ask(1, { seconds: 30 }));
      await stage.world.clock.advanceTo(instantAfter(50));
    },
    first: (stage) => stage.first.step(idOf(stage, 1)),
    second: (stage) => stage.second.sweep(),
  },
  {
    name: 'one request is sent twice under one key',
    before: (stage) => Promise.resolve(void stage.promises.asks.set(1, ask(1, { idempotencyKey: 'key' }))),
    first: (stage) => stage.first.submit(ask(1, { idempotencyKey: 'key' })),
    second: (stage) => stage.second.submit(ask(1, { idempotencyKey: 'key' })),
  },
  {
    name: 'a request is revoked while its POST still goes on',
    before: ({ promises }) => Promise.resolve(void promises.asks.set(1, ask(1))),
    first: (stage) => stage.first.submit(ask(1)),
    async second(stage) {
      // Its first effect is what it waits for; without a row there is nothing to revoke yet.
      await stage.second.dependencies.live.unended();
      if (stage.promises.known.size > 0) await stage.second.revoke(idOf(stage, 1));
    },
  },
  {
    name: 'two sweeps meet lost orchestrations and what has ended',
    async before(stage, worker) {
      await open(stage, worker, ask(1, { seconds: 20 }));
      await open(stage, worker, ask(2, { machine: jobs }));
      await accept(stage, worker, ask(3));
      stage.world.hub.wipe();
      await stage.world.clock.advanceTo(instantAfter(55));
    },
    first: (stage) => stage.first.sweep(),
    second: (stage) => stage.second.sweep(),
  },
  {
    name: 'a grant is revoked while an equal one is opened',
    async before(stage, worker) {
      await open(stage, worker, ask(1));
      await accept(stage, worker, ask(2));
    },
    first: (stage) => stage.first.step(idOf(stage, 2)),
    async second(stage) {
      await stage.second.revoke(idOf(stage, 1));
      await stage.second.step(idOf(stage, 1));
    },
  },
];

/** Two periods of the sweep, the start of its instance, two writes. */
const bounds = { open: 120 + 15 + 2 * 5, skew: 0 };

/** Runs one scenario by one schedule, then everything to its end with sweeps and orchestrations, and checks all promises. */
export async function interleave(
  scenario: Scenario,
  schedule: Schedule,
  keepTrace = 0,
): Promise<Interleaved> {
  const turns = createTurns(schedule);
  let isTurnTaking = false;
  let isUnderWay = false;
  const promises: Promises = createPromises(() => world, bounds);
  const world: World = await createWorld({
    keepTrace,
    witness: promises,
    changed: promises.changed,
    operationMilliseconds: 400,
    async inTransit({ method }) {
      if (!isTurnTaking || method !== 'write' || isUnderWay || scenario.transit === undefined) return;
      isUnderWay = true;
      await world.clock.sleep(scenario.transit);
    },
    workerFor: () => worker,
    // Rings and starts wait until the two are done.
    deliveries: () => [isTurnTaking ? 60_000 : 0],
  });
  const worker = world.startWorker();
  const original = nsgIds.map((nsgId) => contentOf(world.network.nsg(nsgId)));
  const [first, second] = [0, 1].map((actor) => world.startWorker({ weather: turns.weatherOf(actor) }));
  if (first === undefined || second === undefined) throw new Error('There are no workers.');
  const stage: Stage = { world, promises, first, second };
  isTurnTaking = true;
  await scenario.before?.(stage, worker);

  turns.begin();
  const work = [scenario.first(stage), scenario.second(stage)].map((one, actor) =>
    one.then(
      () => turns.ended(actor),
      (error: unknown) => {
        turns.ended(actor);
        throw error;
      },
    ),
  );
  const settled = Promise.allSettled(work);
  let isDone = false;
  void settled.then(() => (isDone = true));
  // Time passes only while neither of the two has an effect to go on with.
  let patience = 3000;
  while (!(isDone as boolean)) {
    await world.clock.advanceTo(world.clock.now());
    if (isDone as boolean) break;
    if (!turns.goOn()) await world.clock.advanceTo(new Date(world.clock.now().getTime() + 50));
    if ((patience -= 1) === 0) throw new Error(`${scenario.name} does not come to an end.`);
  }
  const effects = turns.end();
  isTurnTaking = false;
  const failed = (await settled).find((result) => result.status === 'rejected');
  for (let at = Math.ceil(world.seconds() / 5) * 5; at <= 780; at += 5) {
    await world.clock.advanceTo(instantAfter(at));
    if (at % 60 === 0) await world.clock.run(worker.sweep());
    promises.look();
  }
  await promises.checkEnd();
  const broken = [...promises.broken];
  if (failed !== undefined) broken.push(`it failed: ${String(failed.reason)}`);
  const after = nsgIds.map((nsgId) => contentOf(world.network.nsg(nsgId)));
  if (JSON.stringify(after) !== JSON.stringify(original)) broken.push('I3: an NSG is not what it was before');
  if ((await world.stores.live.unended()).length > 0) broken.push('I8: a request is not put away');
  return { broken, hash: world.trace.hash(), effects, lines: world.trace.lines() };
}

/** Holds each effect of the two until it is their turn. */
function createTurns(schedule: Schedule) {
  const random = createRandom('seed' in schedule ? schedule.seed : 0);
  const switches = 'switches' in schedule ? schedule.switches : undefined;
  const counts: [number, number] = [0, 0];
  const hasEnded = [false, false];
  let isOn = false;
  const queues: (() => void)[][] = [[], []];

  /** Who goes on, of those that can. */
  function chosen(able: number[]): number | undefined {
    if (switches === undefined) return able.length === 0 ? undefined : random.pick(able);
    const [n, m] = switches;
    const leads = counts[0] < n && !hasEnded[0] ? 0 : counts[1] < m && !hasEnded[1] ? 1 : hasEnded[0] ? 1 : 0;
    // Who leads may be waiting for Azure: nobody takes its turn meanwhile.
    return able.includes(leads) ? leads : undefined;
  }

  return {
    weatherOf: (actor: number): Weather => ({
      before: () => {
        if (!isOn) return undefined;
        return new Promise<void>((go) => queues[actor]?.push(go));
      },
    }),
    begin: () => (isOn = true),
    ended: (actor: number) => (hasEnded[actor] = true),
    /** Lets one effect happen; false if there is none that may. */
    goOn(): boolean {
      const able = [0, 1].filter((actor) => (queues[actor]?.length ?? 0) > 0);
      const actor = chosen(able);
      if (actor === undefined) return false;
      counts[actor as 0 | 1] += 1;
      queues[actor]?.shift()?.();
      return true;
    },
    end(): [number, number] {
      isOn = false;
      for (const queue of queues) for (const go of queue.splice(0)) go();
      return counts;
    },
  };
}
