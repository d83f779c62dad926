import type { Person } from '../../../src/core/accessRequest.ts';
import { contentOf } from '../../support/grantWorld.ts';
import type { MemoryCall } from '../../support/memoryNetwork.ts';
import { ProcessDied, type Effect, type Place, type Weather } from './effects.ts';
import { happeningTo, type CallFault } from './faults.ts';
import { contentFor } from './machinePolicy.ts';
import { alice, approvers } from './people.ts';
import { createPromises, type Promises } from './promises.ts';
import type { Shape } from './shapes.ts';
import { createWorld, instantAfter, type Ask, type Worker, type World } from './world.ts';
import { nsgIds, rulesOf, web } from './worldModel.ts';

/** What becomes of the orchestration whose worker dies inside an activity. */
export const deaths = ['task failed', 'instance failed', 'message lost'] as const;

export interface LifeOptions extends Omit<Shape, 'name'> {
  onDeath: (typeof deaths)[number];
  /** When one process dies, the next takes over and may die as well. */
  kills?: Place[];
  /** What happens to the n-th call to Azure, from 1; of the second, counted from the first. */
  callFaults?: { call: number; fault: CallFault }[];
  /** What happens to the n-th effect on a table. */
  tableFault?: { effect: number; kind: TableFault };
  /** Of the process that comes after so many others, the places at which it may die are told. */
  placesOf?: number;
  keepTrace?: number;
}

export const tableFaults = ['refused', 'answer lost', 'slow'] as const;
export type TableFault = (typeof tableFaults)[number];

export interface Life {
  broken: string[];
  hash: string;
  /** How many processes died of those that were to. */
  died: number;
  /** How many faults hit. */
  hit: number;
  /** Effects of each process, in the order in which they lived. */
  effects: number[];
  /** Of each call to Azure, in order. */
  callMethods: MemoryCall['method'][];
  tableEffects: number;
  /** What the request's journal says, in order. */
  events: string[];
  /** How often a baseline came to stand in an NSG, and went again. */
  baselines: { set: number; ended: number };
  /** In the order in which the process came to them, if they were asked for. */
  places: PlaceInLife[];
  /** Of everything that happened after the last death, and of what the tables and Azure hold in the end. */
  futureHash: string;
  lines: string[];
}

export interface PlaceInLife extends Place {
  /**
   * The same for two places of one life between which nothing happened but that the process read and computed. What it
   * knew dies with it: whichever of the two it dies at, what it leaves behind is the same.
   */
  world: string;
}

/** Two periods of the sweep, the start of its instance, two writes. */
const bounds = { open: 120 + 15 + 2 * 5, skew: 0, approval: 150 };
const seconds = 120;
/** Alice asks, and cannot decide herself. */
const deciders = approvers.filter((person) => person !== alice);
/** Until when a life is looked at: its rows are put away at 420 s, and two deaths delay that by two sweeps. */
const horizon = 720;
const day = 24 * 3600;
const theAsk: Ask = {
  number: 1,
  machine: web,
  source: '203.0.113.7',
  port: 22,
  seconds,
  idempotencyKey: 'key',
};

/**
 * One grant of two minutes on a path of two NSGs: asked for, opened, closed, swept every minute and put away, with what its
 * shape adds to that; and with deaths or faults at the places that the options name.
 */
export async function live(options: LifeOptions): Promise<Life> {
  const { revoke, approvers: needed = 0, extend, later, baseline } = options;
  const { onDeath, kills = [], callFaults = [], tableFault, placesOf, keepTrace = 0 } = options;
  const effects: number[] = [];
  let died = 0;
  let hit = 0;
  const callMethods: MemoryCall['method'][] = [];
  let tableEffects = 0;
  let firstHitAt: number | undefined;
  /** What is done from outside, counted: whose turn it is. */
  let turn = 0;
  const places: PlaceInLife[] = [];

  const promises: Promises = createPromises(() => world, bounds);
  const world: World = await createWorld({
    keepTrace,
    witness: promises,
    changed: promises.changed,
    policyOf: (machine) => contentFor(machine, machine === web ? { approvers: needed } : {}),
    approvalSeconds: bounds.approval,
    async inTransit(call) {
      const number = callMethods.push(call.method);
      const [first, second] = callFaults;
      const due =
        firstHitAt === undefined
          ? first?.call === number
            ? first.fault
            : undefined
          : second !== undefined && second.call + firstHitAt === number
            ? second.fault
            : undefined;
      if (due === undefined) return undefined;
      firstHitAt ??= number;
      hit += 1;
      world.trace.note(`fault ${due.name} at ${call.method}`);
      promises.trouble();
      if (due.transit > 0) await world.clock.sleep(due.transit);
      promises.trouble();
      return happeningTo(call, due);
    },
    workerFor: () => worker,
    whenWorkerDies(instance) {
      if (onDeath === 'instance failed') world.hub.end(instance);
      return onDeath === 'message lost' ? 'no result' : 'failed';
    },
  });
  for (const { row } of await world.stores.policies.all()) {
    promises.policies.note(row, world.clock.now().getTime());
  }
  const before = nsgIds.map((nsgId) => contentOf(world.network.nsg(nsgId)));

  let struck: Effect | undefined;
  const weather: Weather = {
    async before(effect) {
      if (!isTable(effect)) return;
      tableEffects += 1;
      if (tableFault?.effect !== tableEffects) return;
      struck = effect;
      hit += 1;
      promises.trouble();
      if (tableFault.kind === 'refused') throw new Error('The table is down.');
      if (tableFault.kind === 'slow') await world.clock.sleep(9000);
    },
    after(effect) {
      if (effect !== struck || tableFault?.kind !== 'answer lost') return undefined;
      // As with a client that repeats a replace whose first answer was lost.
      if (effect.name === 'requests.replace' || effect.name === 'live.replace') return { instead: 'changed' };
      throw new Error('read ECONNRESET');
    },
  };
  const startWorker = () => {
    const killAt = kills[died];
    return world.startWorker({
      ...{ weather, onDeath: world.trace.mark },
      ...(killAt === undefined ? {} : { killAt }),
      ...(placesOf === died ? { atPlace: (place) => places.push({ ...place, world: leftAt() }) } : {}),
    });
  };
  /** What the promises know from reads is not lost with the process that read. */
  const leftAt = () => `${turn} ${world.seconds()} ${world.changes()} ${promises.knownFromReads()}`;
  let worker: Worker = startWorker();

  /** The next process takes over as soon as one has died, wherever it did. */
  function replaceDead(): void {
    if (!worker.lifeline.dead) return;
    effects.push(worker.lifeline.effects);
    died += 1;
    promises.trouble();
    worker = startWorker();
  }
  const survive = async (work: (alive: Worker) => Promise<unknown>) => {
    turn += 1;
    try {
      await world.clock.run(Promise.race([work(worker), worker.lifeline.died]));
    } catch (error) {
      if (!(error instanceof ProcessDied) && hit === 0) throw error;
    }
    replaceDead();
  };

  /** Whoever got no answer, or none of use, asks again. */
  const insist = async (work: (alive: Worker) => Promise<unknown>) => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const before = died + hit;
      await survive(work);
      if (died + hit === before) return;
    }
  };
  const decide = async (by: Person) => {
    for (const id of promises.known.keys()) {
      await insist(async (alive) => {
        const said = promises.people.decides(id, by, 'approve');
        said.answer = (await alive.decide(id, by, 'approve')).kind;
      });
    }
  };
  const decideAll = async () => {
    for (const by of deciders.slice(0, needed)) await decide(by);
  };
  /** What people do, and when. */
  const doings: Record<number, () => Promise<void>> = {
    20: decideAll,
    ...(revoke === true && { 65: revokeThrice }),
    ...(extend === true && { 90: askForMore, 100: decideAll }),
    ...(baseline === true && { 480: () => insist((alive) => alive.removePolicy(web)) }),
  };

  async function revokeThrice(): Promise<void> {
    for (const id of promises.known.keys()) {
      for (let time = 0; time < 3; time += 1) await survive((alive) => alive.revoke(id));
    }
  }

  async function askForMore(): Promise<void> {
    for (const id of promises.known.keys()) {
      const more = { id, person: alice, seconds: 60, idempotencyKey: 'more' };
      promises.people.extends(more);
      await insist((alive) => alive.extend(more));
    }
  }

  if (baseline === true) {
    const content = contentFor(web, { approvers: needed, baseline: { kind: 'internet' } });
    await insist((alive) => alive.putPolicy(web, content));
  }
  const ask: Ask = later === true ? { ...theAsk, start: instantAfter(40) } : theAsk;
  promises.asks.set(1, ask);
  promises.people.asks(ask);
  await insist((alive) => alive.submit(ask));
  for (let at = 5; at <= horizon; at += 5) {
    turn += 1;
    await world.clock.advanceTo(instantAfter(at));
    replaceDead();
    await doings[at]?.();
    if (at % 60 === 0) await survive((alive) => alive.sweep());
    promises.look();
  }
  effects.push(worker.lifeline.effects);
  await promises.checkEnd();
  for (const nsgId of nsgIds) {
    promises.baselines.settled(nsgId, Infinity, rulesOf(world.network.nsg(nsgId) ?? {}));
  }
  const broken = [...promises.broken];
  const left = await leftovers(world, promises, worker);
  if (left !== undefined) broken.push(`I8: ${left}`);
  world.trace.note(JSON.stringify(await contentOfWorld(world, [...promises.known.keys()])));
  const after = nsgIds.map((nsgId) => contentOf(world.network.nsg(nsgId)));
  if (JSON.stringify(after) !== JSON.stringify(before)) broken.push('I3: an NSG is not what it was before');
  return {
    ...{ broken, hash: world.trace.hash(), died, hit, effects, callMethods, tableEffects },
    ...{ places, futureHash: world.trace.hashSinceMark(), events: await eventsOf(world, promises) },
    baselines: { set: promises.baselines.counted.set, ended: promises.baselines.counted.ended },
    lines: world.trace.lines(),
  };
}

async function eventsOf({ stores }: World, { known }: Promises): Promise<string[]> {
  const stored = await Promise.all([...known.keys()].map((id) => stores.requests.get(id)));
  return stored.flatMap((one) => one?.row.journal.map(({ event }) => event) ?? []);
}

const isTable = ({ name }: Effect) => !name.startsWith('network') && !name.startsWith('orchestrations');

/** What a life has left in the tables that should have been put away. */
async function leftovers(world: World, promises: Promises, worker: Worker): Promise<string | undefined> {
  const { live: rows } = world.stores;
  for (const nsgId of nsgIds) {
    const { grants, baselines } = await rows.allOfNsg(nsgId);
    if (grants.length > 0) return 'a live row is left';
    if (baselines.length > 0) return 'the row of a baseline is left';
  }
  const unended = await rows.unended();
  if (unended.length === 0) return undefined;
  const isOrphan = unended.every(({ requestId }) => !promises.known.has(requestId));
  if (!isOrphan) return 'the request is not put away';
  // Its POST might still go on, or be repeated under its key: what it left is kept for some days.
  await world.clock.advanceTo(instantAfter(8 * day));
  await world.clock.run(worker.sweep());
  return (await rows.unended()).length === 0 ? undefined : 'a row without a request stays';
}

/** What the tables and Azure hold. */
async function contentOfWorld({ stores, network }: World, requestIds: string[]): Promise<unknown> {
  const { requests, live: rows, audit, nsgs, seals, policies } = stores;
  return {
    requests: await Promise.all(requestIds.map((id) => requests.get(id))),
    records: await Promise.all(requestIds.map((id) => audit.read(id))),
    rows: await Promise.all(nsgIds.map((nsgId) => rows.allOfNsg(nsgId))),
    unended: await rows.unended(),
    nsgs: await Promise.all(nsgIds.map((nsgId) => nsgs.get(nsgId))),
    seals: await seals.after(0),
    policies: await policies.all(),
    rules: nsgIds.map((nsgId) => network.nsg(nsgId)),
  };
}
