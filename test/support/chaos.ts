import { isDeepStrictEqual } from 'node:util';
import { finalStates, type AccessRequest, type LiveRow } from '../../src/core/accessRequest.ts';
import type { CallOptions, JsonObject, NsgDocument } from '../../src/core/network.ts';
import type { Stored } from '../../src/core/stores.ts';
import { verifyTrail } from '../../src/core/verifyTrail.ts';
import type { Drive } from './driveOrchestrator.ts';
import {
  contentOf,
  grantWorld,
  nicNsg,
  noon,
  ProcessDied,
  subnetNsg,
  type GrantWorld,
  type Hindrance,
  type Process,
} from './grantWorld.ts';
import type { MemoryFault } from './memoryNetwork.ts';

/** What came of one life, and each promise that was broken in it. */
export interface Chaos {
  broken: string[];
  grants: number;
  deaths: number;
  activations: number;
}

const nsgIds = [subnetNsg, nicNsg];
const second = 1000;
/** How far the clock of a process is off at the most. */
const skew = 700;
/** Grants are asked for and faults happen in the first minutes; after that everything has to come right by itself. */
const faultsUntil = 8 * 60;
const horizon = 25 * 60;
/** Two periods of the sweep, its retry pause and two writes. */
const bound = 150;
const faults: MemoryFault[] = [
  { kind: 'unknown' },
  { kind: 'unknown-after-commit' },
  { kind: 'superseded' },
  { kind: 'operation-failed' },
  { kind: 'changed-meanwhile' },
  { kind: 'locked' },
  { kind: 'throttled', retryAfterSeconds: 7 },
];

/**
 * Several grants on two shared NSGs, run by two processes and a sweep at once, with random delays, lost answers,
 * faults, foreign edits, revocations and deaths, all decided by the seed.
 */
export async function liveChaos(seed: number): Promise<Chaos> {
  const random = randomOf(seed);
  const world = await grantWorld();
  const { clock, network, stores } = world;
  const before = nsgIds.map((nsgId) => contentOf(network.nsg(nsgId)));
  const broken = new Set<string>();
  const life: Chaos = { broken: [], grants: 0, deaths: 0, activations: 0 };
  const closingIsLive = new Map<string, number>();
  const seenOpen = new Set<string>();
  const ended = new Set<string>();
  const busy = new Set<Drive>();
  const now = () => (clock.now().getTime() - noon.getTime()) / second;
  const calm = () => now() > faultsUntil;
  const violate = (promise: string) => broken.add(`${promise}, ${Math.round(now())} s after noon`);

  const ownedIn = (body: JsonObject | undefined) =>
    rulesOf(body).flatMap(({ name }) => /^sallyport-contoso-([0-9a-f]{32})-/.exec(name)?.[1] ?? []);

  function look(): void {
    for (const nsgId of nsgIds) {
      for (const requestId of ownedIn(network.nsg(nsgId))) {
        seenOpen.add(`${nsgId} ${requestId}`);
        if (ended.has(requestId)) violate(`I5: ${requestId} is open after it was recorded as ended`);
      }
    }
  }

  function checkWrite(
    [nsg, body, options]: [NsgDocument, JsonObject, CallOptions],
    rows: LiveRow[],
    readAt: number,
  ) {
    if ((options.notAfter?.getTime() ?? Infinity) > readAt + 5 * second + skew)
      violate('I5: a write may leave too late');
    const foreign = (whole: JsonObject) => [
      rulesOf(whole).filter(({ name }) => !name.startsWith('sallyport-contoso-')),
      { ...whole, properties: { ...(whole['properties'] as JsonObject), securityRules: [] } },
    ];
    if (!isDeepStrictEqual(foreign(nsg.body), foreign(body))) violate('I3: something foreign is changed');
    for (const requestId of ownedIn(body)) {
      const row = rows.find((candidate) => candidate.requestId === requestId);
      if (row === undefined || (row.state !== 'opening' && row.state !== 'active')) {
        violate(`I5: ${requestId} is written although its row does not want it`);
      }
      if ((closingIsLive.get(`${nsg.id} ${requestId}`) ?? Infinity) < readAt) {
        violate(`I5: ${requestId} is written from rows read after its revocation`);
      }
      if (Date.parse(row?.end ?? '') <= readAt - skew) violate(`I5: ${requestId} is written after its end`);
    }
  }

  function hindrance(): Hindrance {
    const rowsRead = new Map<string, { at: number; rows: LiveRow[] }>();
    /** NSGs whose rows, or whether they are those of this installation, could not be read when last asked for. */
    const blind = new Set<string>();
    const readBegan = new Map<string, number>();
    return {
      clockAheadMilliseconds: random.pick([0, 0, skew, -skew]),
      async before(effect, parameters) {
        if (random.chance(0.5)) await clock.sleep(random.upTo(random.chance(0.05) ? 4000 : 300));
        if (!calm() && random.chance(0.01)) fail(effect, parameters, 'The table is down.');
        if (effect === 'live.ofNsg') readBegan.set(parameters[0] as string, clock.now().getTime());
        if (effect === 'network.writeNsg') {
          const write = parameters as [NsgDocument, JsonObject, CallOptions];
          const read = rowsRead.get(write[0].id);
          if (isBlind(write[0].id)) checkRemoval(write);
          else if (read === undefined) violate('I4: a write before any row was read');
          else checkWrite(write, read.rows, read.at);
        }
      },
      after(effect, parameters, result) {
        if (effect === 'live.ofNsg') {
          const nsgId = parameters[0] as string;
          const rows = (result as Stored<LiveRow>[]).map(({ row }) => row);
          rowsRead.set(nsgId, { at: readBegan.get(nsgId) ?? 0, rows });
          blind.delete(nsgId);
          blind.delete('every');
        }
        if (effect === 'live.insert' || effect === 'live.replace') noteLive(parameters[0] as LiveRow, result);
        if (effect === 'requests.replace' && result !== 'changed')
          noteRequest(parameters[0] as AccessRequest);
        if (effect.startsWith('network')) look();
        if (calm() || !random.chance(0.01)) return undefined;
        // As with a client that repeats a replace whose first answer was lost.
        if (effect === 'requests.replace' || effect === 'live.replace') return { instead: 'changed' };
        return fail(effect, parameters, 'read ECONNRESET');
      },
    };

    function isBlind(nsgId: string): boolean {
      return blind.has(nsgId) || blind.has('every');
    }

    function fail(effect: string, parameters: unknown[], message: string): never {
      if (effect === 'live.ofNsg') blind.add(parameters[0] as string);
      if (effect.startsWith('sweepState.')) blind.add('every');
      throw new Error(message);
    }
  }

  /** Without rows nothing is sent but what is there already, less rules of ours. */
  function checkRemoval([nsg, body]: [NsgDocument, JsonObject, CallOptions]): void {
    const rest = rulesOf(body).map((rule) => JSON.stringify(rule));
    const kept = rulesOf(nsg.body).filter((rule) => rest.includes(JSON.stringify(rule)));
    if (!isDeepStrictEqual(kept, rulesOf(body))) violate('I5: something is written without rows');
    const gone = rulesOf(nsg.body).filter((rule) => !kept.includes(rule));
    if (!gone.every(({ name }) => name.startsWith('sallyport-contoso-')))
      violate('I3: something foreign is removed');
  }

  function noteLive(row: LiveRow, result: unknown): void {
    const key = `${row.nsgId} ${row.requestId}`;
    if (
      row.state === 'closing' &&
      (result === 'replaced' || result === 'inserted') &&
      !closingIsLive.has(key)
    ) {
      closingIsLive.set(key, clock.now().getTime());
    }
  }

  function noteRequest(row: AccessRequest): void {
    look();
    if (row.state === 'active' && row.journal.at(-1)?.event === 'active') {
      life.activations += 1;
      if (nsgIds.some((nsgId) => !seenOpen.has(`${nsgId} ${row.id}`)))
        violate(`${row.id} is called active unseen`);
    }
    if (finalStates.has(row.state)) ended.add(row.id);
  }

  const processes: Process[] = [];
  const startProcess = () => world.startProcess(undefined, hindrance());
  processes.push(startProcess(), startProcess());
  const some = () => random.pick(processes);
  const forgive = (work: Promise<unknown>) => void work.catch(() => undefined);

  async function runActivity(instance: string, grant: Drive, requestId: string): Promise<void> {
    const process = some();
    busy.add(grant);
    try {
      const result = await process.step(requestId, 'sallyport');
      grant.complete(result);
    } catch (error) {
      if (error instanceof ProcessDied && random.chance(0.3)) world.running.delete(instance);
      else grant.fail();
    } finally {
      busy.delete(grant);
    }
  }

  function goOn(): void {
    for (const [instance, grant] of world.running) {
      const asked = grant.asked();
      if (asked.kind === 'activity' && !busy.has(grant)) {
        void runActivity(instance, grant, (asked.input as { requestId: string }).requestId);
      }
      // Timers fire up to a second early.
      if (asked.kind === 'wait' && asked.until.getTime() - random.upTo(second) <= clock.now().getTime()) {
        grant.fire(clock.now());
      }
    }
  }

  async function misbehave(): Promise<void> {
    if (random.chance(0.02)) {
      life.grants += 1;
      const durationSeconds = 30 + random.upTo(400);
      forgive(some().submit({ durationSeconds, duration: `PT${durationSeconds}S` }));
    }
    if (random.chance(0.02))
      network.fail(random.pick(['read', 'write']), random.pick(faults), 1 + random.upTo(4));
    if (random.chance(0.01))
      network.edit(random.pick(nsgIds), (body) => ({ ...body, tags: { edited: 'yes' } }));
    if (random.chance(0.02)) {
      const [row] = random.shuffle(await stores.live.unended());
      if (row !== undefined) for (let by = 0; by < 2; by += 1) forgive(some().revoke(row.requestId));
    }
    if (random.chance(0.01)) {
      life.deaths += 1;
      const index = random.upTo(1);
      const dying = processes[index];
      if (dying !== undefined) dying.lifeline.dead = true;
      processes[index] = startProcess();
    }
  }

  async function checkBound(): Promise<void> {
    for (const nsgId of nsgIds) {
      for (const requestId of ownedIn(network.nsg(nsgId))) {
        const { end } = await world.request(requestId);
        const shut = Math.min(Date.parse(end), closingIsLive.get(`${nsgId} ${requestId}`) ?? Infinity);
        const late = Math.max(shut, noon.getTime() + faultsUntil * second) + bound * second;
        if (clock.now().getTime() > late) violate(`I1: ${requestId} is open too long`);
      }
    }
  }

  for (let at = 1; at <= horizon; at += 1) {
    await clock.advanceTo(new Date(noon.getTime() + at * second));
    goOn();
    if (calm()) network.clearFaults();
    else await misbehave();
    if (at % 60 === 0) forgive(some().sweep());
    look();
    await checkBound();
  }
  await checkEnd(world, violate);
  // Foreign edits apart, every NSG is as it was before.
  for (const [index, nsgId] of nsgIds.entries()) {
    const { tags, ...rest } = contentOf(network.nsg(nsgId)) as JsonObject;
    if (!isDeepStrictEqual(rest, before[index]))
      violate(`I3: ${nsgId} is not what it was (tags ${typeof tags})`);
  }
  return { ...life, broken: [...broken] };
}

async function checkEnd({ stores }: GrantWorld, violate: (promise: string) => void): Promise<void> {
  const left = await stores.live.unended();
  for (const { requestId } of left) {
    if ((await stores.requests.get(requestId)) !== undefined)
      violate(`I8: ${requestId} has not been put away`);
  }
  for (const nsgId of nsgIds) {
    for (const { row } of await stores.live.ofNsg(nsgId))
      violate(`I8: ${row.requestId} still has a live row`);
  }
  for await (const partition of stores.audit.partitions()) {
    const records = await stores.audit.read(partition);
    const stored = await stores.requests.get(partition);
    if (stored === undefined) {
      violate(`I4: ${partition} has records and no row`);
      continue;
    }
    const { row } = stored;
    for (const { message } of verifyTrail(partition, records, row)) violate(`I6: ${message}`);
    if (!finalStates.has(row.state)) violate(`I8: ${partition} hangs in ${row.state}`);
    if (row.recorded !== row.journal.length || records.length !== row.journal.length) {
      violate(
        `I6: ${partition} has ${records.length} records of ${row.journal.length}, ${row.recorded} known`,
      );
    }
    const transitions = records.map(({ event }) => event).filter((event) => !event.endsWith('restarted'));
    if (new Set(transitions).size !== transitions.length)
      violate(`I6: ${transitions.join()} is recorded twice`);
  }
}

function rulesOf(body: JsonObject | undefined): { name: string }[] {
  const properties = body?.['properties'] as { securityRules?: { name: string }[] } | undefined;
  return properties?.securityRules ?? [];
}

/** Small, fast and repeatable (mulberry32). */
function randomOf(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  return {
    chance: (probability: number) => next() < probability,
    /** A whole number from 0 to this. */
    upTo: (most: number) => Math.floor(next() * (most + 1)),
    pick,
    shuffle: <T>(from: readonly T[]) =>
      from
        .map((item) => ({ item, at: next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item),
  };
}
