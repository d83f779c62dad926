import { isDeepStrictEqual } from 'node:util';
import { createRandom, type Random } from '../random.ts';
import { contentOf } from '../../support/grantWorld.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { createDisaster } from './disaster.ts';
import { createAdministrator } from './administrator.ts';
import { createCrowd } from './crowd.ts';
import { requesters } from './people.ts';
import { createPolicyAdministrator } from './policyAdministrator.ts';
import { ProcessDied, type Weather } from './effects.ts';
import { callFaults, happeningTo } from './faults.ts';
import { createPromises, type Promises } from './promises.ts';
import { sources } from './packets.ts';
import { createWorld, instantAfter, type Ask, type Worker, type World } from './world.ts';
import { isBaselineRule, machines, nsgIds, rulesOf } from './worldModel.ts';

/** What came of one simulated history, and each promise that was broken in it. */
export interface History {
  broken: string[];
  /** The same for every run of a seed. */
  hash: string;
  counted: Record<string, number>;
}

/** Seconds of virtual time: until when things go wrong, and the end. */
const calmFrom = 260;
const horizon = 600;
const grants = 20;
/** Two periods of the sweep, the start of its instance, two writes, and clocks that are 30 s off. */
const bounds = { open: 120 + 15 + 2 * 5 + 30, skew: 30, heartbeat: 180 + 60, approval: 60 };

/** A time in which Azure or the storage does not do what it should. */
interface Burst {
  from: number;
  to: number;
  kind: 'storage' | 'azure';
  nsgId: string;
}

/**
 * Twenty grants on three NSGs, run by two workers with clocks of their own, a task hub that loses and doubles messages and
 * is wiped, a sweep, an administrator who edits, and a time of faults: all from one seed. In a quarter of them there are people who
 * approve and extend, and policies with baselines that change; these cost twice as much and crowd out what the others meet.
 */
export async function runHistory(seed: number, keepTrace = 0): Promise<History & { lines: string[] }> {
  const random = createRandom(seed);
  const hasPeople = random.oneIn(4);
  const bursts = burstsOf(random);
  const isCalm = () => world.seconds() >= calmFrom;
  const workers: Worker[] = [];
  const counted: Record<string, number> = { grants: 0, deaths: 0, faults: 0 };
  const skew = random.pick([0, 700, 30_000]);
  // Set once the world is there, which needs the promises first.
  const promises: Promises = createPromises(() => world, bounds);
  const policyAdministrator = createPolicyAdministrator(random, () => world, promises, hasPeople);
  const world: World = await createWorld({
    keepTrace,
    isNew: true,
    policyOf: policyAdministrator.first,
    approvalSeconds: bounds.approval,
    witness: promises,
    changed: promises.changed,
    operationMilliseconds: 300 + random.below(2500),
    async inTransit(call) {
      if (random.oneIn(2)) await world.clock.sleep(random.below(random.oneIn(20) ? 3000 : 200));
      // Long under way, but not longer than whoever sent it waits.
      if (call.method === 'write' && !isCalm() && random.oneIn(25)) {
        promises.trouble(call.id);
        await world.clock.sleep(random.below(19_000));
        promises.trouble(call.id);
      }
      const isHit = !isCalm() && (inBurst('azure', call.id) ? random.oneIn(2) : random.oneIn(400));
      if (!isHit) return undefined;
      const fault = random.pick(callFaults);
      counted['faults'] = (counted['faults'] ?? 0) + 1;
      promises.trouble(call.id);
      world.trace.note(`fault ${fault.name}`);
      if (fault.transit > 0) await world.clock.sleep(fault.transit);
      promises.trouble(call.id);
      return happeningTo(call, fault);
    },
    deliveries(kind) {
      const delay = () => (random.oneIn(10) ? random.below(4000) : random.below(100));
      // Timers fire up to a second early.
      const early = kind === 'timer' ? -random.below(1000) : 0;
      if (isCalm()) return [early + delay()];
      if (random.oneIn(40)) return [];
      return random.oneIn(25) ? [early + delay(), delay() + random.below(9000)] : [early + delay()];
    },
    workerFor: () => some(),
  });
  const disaster = createDisaster(random, world, promises);
  const administrator = createAdministrator(world, promises);
  const some = () => random.pick(workers);
  const crowd = createCrowd(random, world, promises, { some, forgive });

  function inBurst(kind: Burst['kind'], nsgId?: string): boolean {
    const at = world.seconds();
    return bursts.some(
      (burst) =>
        burst.kind === kind && burst.from <= at && at < burst.to && (nsgId ?? burst.nsgId) === burst.nsgId,
    );
  }

  const weather: Weather = {
    async before({ name }) {
      if (random.oneIn(2)) await world.clock.sleep(random.below(random.oneIn(40) ? 3000 : 60));
      // A process that stalls between its reading and its writing.
      if (name === 'network.writeNsg' && !isCalm() && random.oneIn(30)) {
        promises.trouble();
        await world.clock.sleep(random.below(15_000));
      }
      if (!isTable(name) || isCalm()) return;
      if (disaster.isBlind() || (inBurst('storage') && !random.oneIn(3))) fail();
    },
    after({ name }) {
      if (!isTable(name) || isCalm() || !inBurst('storage') || !random.oneIn(6)) return undefined;
      promises.storageTrouble();
      // As with a client that repeats a replace whose first answer was lost.
      if (name === 'requests.replace' || name === 'live.replace') return { instead: 'changed' };
      return fail();
    },
  };

  function fail(): never {
    counted['faults'] = (counted['faults'] ?? 0) + 1;
    promises.storageTrouble();
    throw new Error('The table is down.');
  }

  function startWorker(): Worker {
    return world.startWorker({
      clockAheadMilliseconds: skew === 0 ? 0 : random.below(2 * skew) - skew,
      weather,
    });
  }

  /** What fails is tried again by those whose work it is; a history goes on. */
  function forgive(work: Promise<unknown>): void {
    void work.catch((error: unknown) => {
      if (!(error instanceof ProcessDied) && isCalm()) world.trace.note(`failed: ${String(error)}`);
    });
  }

  function ask(): void {
    counted['grants'] = (counted['grants'] ?? 0) + 1;
    const number = counted['grants'];
    const machine = random.pick(machines);
    const mustWait = policyAdministrator.needsApproval(machine);
    const isLater = hasPeople && random.oneIn(6);
    const isSkipped = mustWait && !isLater && random.oneIn(6);
    const asked: Ask = {
      number,
      machine,
      source: random.pick(sources.slice(0, 4)),
      port: random.pick([22, 3389]),
      // What waits for people or for its start has less time left.
      seconds: 20 + random.below(random.oneIn(3) && !mustWait && !isLater ? 200 : 60),
      person: random.pick(requesters),
      ...(isLater ? { start: instantAfter(world.seconds() + 5 + random.below(50)) } : {}),
      ...(isSkipped ? { breakGlass: true as const } : {}),
      ...(random.oneIn(4) ? { idempotencyKey: `key ${number}` } : {}),
    };
    promises.asks.set(number, asked);
    promises.people.asks(asked);
    const times = asked.idempotencyKey === undefined ? 1 : 2;
    for (let time = 0; time < times; time += 1) forgive(some().submit(asked));
  }

  /** Azure tells of an edit late, twice or not at all. */
  function hint(nsgId: string): void {
    const at = world.clock.now();
    for (let copy = random.below(3); copy > 0; copy -= 1) {
      void world.clock
        .sleep(random.below(9000))
        .then(() => forgive(some().followHint({ kind: 'nsg', id: nsgId, at })));
    }
  }

  async function misbehave(): Promise<void> {
    if (random.oneIn(12)) hint(administrator.edit(random));
    if (hasPeople) {
      crowd.act();
      if (random.oneIn(40)) forgive(policyAdministrator.change(some()));
    }
    if (random.oneIn(15)) {
      const rows = await world.stores.live.unended();
      const row = rows.length === 0 ? undefined : random.pick(rows);
      if (row !== undefined)
        for (let by = 0; by < 2; by += 1) forgive(some().revoke(row.requestId, random.pick(requesters)));
    }
    if (random.oneIn(120)) {
      counted['deaths'] = (counted['deaths'] ?? 0) + 1;
      const index = random.below(workers.length);
      const dying = workers[index];
      dying?.lifeline.kill();
      promises.trouble();
      workers[index] = startWorker();
    }
    if (random.oneIn(60)) {
      const running = world.hub.running();
      if (running.length > 0) world.hub.end(random.pick(running));
    }
    if (random.oneIn(500)) {
      counted['wiped hubs'] = (counted['wiped hubs'] ?? 0) + 1;
      world.hub.wipe();
    }
  }

  policyAdministrator.begin();
  await promises.begin();
  workers.push(startWorker(), startWorker());
  await world.clock.run(some().sweep());
  let isSweeping = false;
  const asksAt = new Set(Array.from({ length: grants }, () => 1 + random.below(180)));
  let asked = 0;
  for (let at = 1; at <= horizon; at += 1) {
    await world.clock.advanceTo(instantAfter(at));
    if (!isCalm()) await misbehave();
    disaster.happen();
    while (asked < grants && (asksAt.has(at) || at >= 180)) {
      asked += 1;
      ask();
      if (at < 180 && !random.oneIn(3)) break;
    }
    if (at % 60 === 5 && !isSweeping) {
      isSweeping = true;
      forgive(
        some()
          .sweep()
          .finally(() => {
            isSweeping = false;
          }),
      );
    }
    promises.look();
  }
  await promises.checkEnd();
  const broken = [...promises.broken];
  for (const nsgId of nsgIds) {
    promises.baselines.settled(nsgId, Infinity, rulesOf(world.network.nsg(nsgId) ?? {}));
    const left = rulesLeft(disaster.without(nsgId), administrator.own(nsgId));
    if (left !== undefined)
      broken.push(`I3: ${nsgId.slice(-10)} is not what it would be without us: ${left}`);
  }
  const hub = world.hub.counted;
  return {
    broken,
    hash: world.trace.hash(),
    lines: world.trace.lines(),
    counted: {
      ...counted,
      ...disaster.counted,
      accepted: promises.known.size,
      opened: promises.counted.opened,
      'NSG writes': promises.counted.writes,
      'drift records': promises.counted.drift,
      ...deedsOf(promises),
      edits: Object.values(administrator.counted).reduce((sum, count) => sum + count, 0),
      episodes: hub.episodes,
      activities: hub.activities,
    },
  };
}

const tables = ['requests', 'live', 'nsgs', 'audit', 'seals', 'policies', 'sweepState'];
const isTable = (effect: string) => tables.includes(effect.slice(0, effect.indexOf('.')));

function burstsOf(random: Random): Burst[] {
  return Array.from({ length: random.below(5) }, () => {
    const from = random.below(calmFrom - 40);
    const kind = random.pick(['storage', 'azure', 'azure'] as const);
    return { from, to: from + 3 + random.below(25), kind, nsgId: random.pick(nsgIds) };
  });
}

/** What people and policies have done, by names for people. */
function deedsOf({ people, baselines }: Promises): Record<string, number> {
  const of = (...events: string[]) => events.reduce((sum, event) => sum + (people.counted[event] ?? 0), 0);
  return {
    approvals: of('approved', 'extension-approved'),
    denials: of('denied', 'extension-denied'),
    'expired unapproved': of('expired'),
    'later starts': of('scheduled'),
    extensions: of('extended'),
    'approvals skipped and reviewed': of('break-glass-reviewed'),
    'baselines set': baselines.counted.set,
    'baselines put back': baselines.counted['put back'],
    'baselines ended': baselines.counted.ended,
  };
}

/** What distinguishes an NSG from what it would be without us; undefined if nothing does. */
function rulesLeft(body: JsonObject | undefined, own: unknown): string | undefined {
  if (body === undefined) return 'its baseline is gone';
  const there = { ...(contentOf(withoutBaselines(body)) as Record<string, unknown>) };
  delete there['id'];
  const plain = JSON.parse(JSON.stringify(own)) as Record<string, unknown>;
  if (isDeepStrictEqual(withoutPlurals(there), withoutPlurals(plain))) return undefined;
  const names = (body: Record<string, unknown>) =>
    (body['properties'] as { securityRules: { name: string }[] }).securityRules
      .map(({ name }) => name)
      .join();
  return `${names(there)} instead of ${names(plain)}`;
}

/** Baselines are judged by what they refuse. */
function withoutBaselines(body: JsonObject): JsonObject {
  const securityRules = rulesOf(body).filter((rule) => !isBaselineRule(rule));
  return { ...body, properties: { ...(body['properties'] as JsonObject), securityRules } };
}

/** Azure shows the four plural fields whether used or not. */
function withoutPlurals(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) =>
      Array.isArray(inner) && inner.length === 0 ? undefined : inner,
    ),
  );
}
