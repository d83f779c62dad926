import { contentOf } from '../../support/grantWorld.ts';
import { ProcessDied, type Place, type Weather } from './effects.ts';
import { happeningTo, type CallFault } from './faults.ts';
import { createPromises, type Promises } from './promises.ts';
import { createWorld, instantAfter, type Ask, type Worker, type World } from './world.ts';
import { nsgIds, web } from './worldModel.ts';

/** What becomes of the orchestration whose worker dies inside an activity. */
export const deaths = ['task failed', 'instance failed', 'message lost'] as const;

export interface LifeOptions {
  revoke: boolean;
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
  azureCalls: number;
  tableEffects: number;
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
const bounds = { open: 120 + 15 + 2 * 5, skew: 0 };
const seconds = 120;
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
 * One grant of two minutes on a path of two NSGs: asked for, opened, revoked half-way or not, closed, swept every minute and
 * put away; with deaths or faults at the places that the options name.
 */
export async function live(options: LifeOptions): Promise<Life> {
  const { revoke, onDeath, kills = [], callFaults = [], tableFault, placesOf, keepTrace = 0 } = options;
  const effects: number[] = [];
  let died = 0;
  let hit = 0;
  let azureCalls = 0;
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
    async inTransit(call) {
      azureCalls += 1;
      const [first, second] = callFaults;
      const due =
        firstHitAt === undefined
          ? first?.call === azureCalls
            ? first.fault
            : undefined
          : second !== undefined && second.call + firstHitAt === azureCalls
            ? second.fault
            : undefined;
      if (due === undefined) return undefined;
      firstHitAt ??= azureCalls;
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
  const before = nsgIds.map((nsgId) => contentOf(world.network.nsg(nsgId)));
  promises.asks.set(1, theAsk);

  const weather: Weather = {
    async before({ name }) {
      if (name.startsWith('network') || name.startsWith('orchestrations')) return;
      tableEffects += 1;
      if (tableFault?.effect !== tableEffects) return;
      hit += 1;
      promises.trouble();
      if (tableFault.kind === 'refused') throw new Error('The table is down.');
      if (tableFault.kind === 'slow') await world.clock.sleep(9000);
    },
    after({ name }) {
      const isIt = tableFault?.effect === tableEffects && tableFault.kind === 'answer lost';
      if (!isIt || name.startsWith('network') || name.startsWith('orchestrations')) return undefined;
      // As with a client that repeats a replace whose first answer was lost.
      if (name === 'requests.replace' || name === 'live.replace') return { instead: 'changed' };
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

  await survive((alive) => alive.submit(theAsk));
  // Whoever got no answer asks again under the same key.
  if (died + hit > 0) await survive((alive) => alive.submit(theAsk));
  for (let at = 5; at <= horizon; at += 5) {
    turn += 1;
    await world.clock.advanceTo(instantAfter(at));
    replaceDead();
    if (revoke && at === 65) {
      for (const id of promises.known.keys()) {
        for (let time = 0; time < 3; time += 1) await survive((alive) => alive.revoke(id));
      }
    }
    if (at % 60 === 0) await survive((alive) => alive.sweep());
    promises.look();
  }
  effects.push(worker.lifeline.effects);
  await promises.checkEnd();
  const broken = [...promises.broken];
  const left = await leftovers(world, promises, worker);
  if (left !== undefined) broken.push(`I8: ${left}`);
  world.trace.note(JSON.stringify(await contentOfWorld(world, [...promises.known.keys()])));
  const after = nsgIds.map((nsgId) => contentOf(world.network.nsg(nsgId)));
  if (JSON.stringify(after) !== JSON.stringify(before)) broken.push('I3: an NSG is not what it was before');
  return {
    ...{ broken, hash: world.trace.hash(), died, hit, effects, azureCalls, tableEffects },
    ...{ places, futureHash: world.trace.hashSinceMark() },
    lines: world.trace.lines(),
  };
}

/** What a life has left in the tables that should have been put away. */
async function leftovers(world: World, promises: Promises, worker: Worker): Promise<string | undefined> {
  const { live: rows } = world.stores;
  for (const nsgId of nsgIds) {
    if ((await rows.ofNsg(nsgId)).length > 0) return 'a live row is left';
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
