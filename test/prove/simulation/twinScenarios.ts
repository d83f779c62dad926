import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../../src/core/network.ts';
import { foreignRule, withRule } from '../../support/foreignRule.ts';
import type { MemoryCall, MemoryFault } from '../../support/memoryNetwork.ts';
import { isNaive, naiveActivities, naiveName, naiveOrchestrator, type NaiveKind } from './naiveTwin.ts';
import { admittedBy, intersection, isEmpty } from './packets.ts';
import { createPromises, type Promises } from './promises.ts';
import { createWorld, instantAfter, type Ask, type World } from './world.ts';
import { foreignNsg, isOwned, mail, rulesOf, subnetNsg } from './worldModel.ts';

/** Who is put through a scenario: Sallyport, or one of the naive twins. */
export type Subject = 'sallyport' | NaiveKind;

export interface TwinScenario {
  name: string;
  /** Which promise each naive twin breaks in it; none if it is left out. */
  breaks: Partial<Record<NaiveKind, string>>;
  /** Seconds that the second grant is asked for after the first; there is none if it is left out. */
  second?: number;
  /** Calls to Azure that fail, from this second on. */
  fault?: { at: number; of: MemoryCall['method'][]; fault: MemoryFault; times: number };
  /** What an administrator does after half a minute. */
  edit?: (body: JsonObject) => JsonObject;
  losesTimers?: boolean;
}

const ask = (number: number): Ask => ({
  number,
  machine: mail,
  source: '203.0.113.7',
  port: 22,
  seconds: 60,
});
const writes: MemoryCall['method'][] = ['write', 'writeRule', 'deleteRule'];
const both = { rules: 'I1', snapshot: 'I1' };

export const twinScenarios: readonly TwinScenario[] = [
  { name: 'nothing goes wrong', breaks: {} },
  { name: 'the message of a timer is lost', breaks: both, losesTimers: true },
  {
    name: 'a lock on the resource group refuses to delete',
    breaks: { rules: 'I1' },
    fault: { at: 30, of: ['deleteRule'], fault: { kind: 'not-permitted', code: 'ScopeLocked' }, times: 50 },
  },
  {
    name: 'the operation that opens is superseded by another',
    breaks: both,
    fault: { at: 0, of: writes, fault: { kind: 'superseded' }, times: 1 },
  },
  {
    name: 'the answer to the write that opens is lost',
    breaks: both,
    fault: { at: 0, of: writes, fault: { kind: 'unknown-after-commit' }, times: 1 },
  },
  {
    name: 'Azure throttles when it is time to close',
    breaks: both,
    fault: { at: 55, of: writes, fault: { kind: 'throttled', retryAfterSeconds: 5 }, times: 1 },
  },
  {
    name: 'an administrator adds a rule meanwhile',
    breaks: { snapshot: 'I3' },
    edit: (body) => withRule(body, foreignRule('deny-rdp', 320, { destinationPortRange: '3389' })),
  },
  {
    name: 'a second grant of the same access outlives the first',
    breaks: { rules: 'I7', snapshot: 'I7' },
    second: 30,
  },
];

const bounds = { open: 120 + 15 + 2 * 5, skew: 0 };

/** Runs one subject through one scenario and says which promises it broke. */
export async function runTwinScenario(scenario: TwinScenario, subject: Subject): Promise<string[]> {
  const broken = new Set<string>();
  let hasLost = false;
  const promises: Promises = createPromises(() => world, bounds);
  const world: World = await createWorld({
    witness: promises,
    changed: promises.changed,
    operationMilliseconds: 400,
    workerFor: () => worker,
    orchestrators: { [naiveName]: naiveOrchestrator },
    activities: {
      'naive-open': (input) => naive['naive-open'](input),
      'naive-close': (input) => naive['naive-close'](input),
    },
    deliveries: (kind) => {
      const isLost = kind === 'timer' && scenario.losesTimers === true && !hasLost;
      hasLost ||= isLost;
      return isLost ? [] : [0];
    },
  });
  const worker = world.startWorker();
  const naive = naiveActivities({ network: world.network, told: setState });
  let own = foreignNsg();

  function setState(id: string, state: 'active' | 'closed'): void {
    const request = promises.known.get(id);
    if (request !== undefined) request.state = state;
  }

  function begin(one: Ask): void {
    promises.asks.set(one.number, one);
    if (subject === 'sallyport') {
      void worker.submit(one);
      return;
    }
    const id = one.number.toString(16).padStart(32, '0');
    const now = world.clock.now().getTime();
    const end = now + one.seconds * 1000;
    promises.promised(id, one, now, end);
    world.hub.start(id, naiveName, { kind: subject, id, ask: one, end: new Date(end).toISOString() });
  }

  /** A naive rule does not say whose it is: what is open is judged by its packets alone. */
  function look(): void {
    promises.look();
    const now = world.clock.now().getTime();
    const admitted = admittedBy(rulesOf(world.network.nsg(subnetNsg) ?? {}));
    const open = [...promises.known.values()].filter(
      ({ packets }) => !isEmpty(intersection(admitted, packets)),
    );
    const lastEnd = Math.max(...open.map(({ end }) => end));
    if (open.length > 0 && now > lastEnd + bounds.open * 1000)
      broken.add('I1: a port is open long after the last grant has ended');
  }

  for (let at = 0; at <= 400; at += 5) {
    await world.clock.advanceTo(instantAfter(at));
    const { fault, edit, second } = scenario;
    if (fault?.at === at) for (const method of fault.of) world.network.fail(method, fault.fault, fault.times);
    if (edit !== undefined && at === 30) {
      own = edit(own);
      world.network.edit(subnetNsg, edit);
    }
    if (at === 0) begin(ask(1));
    if (at === second) begin(ask(2));
    if (at % 60 === 0 && subject === 'sallyport') await world.clock.run(worker.sweep());
    look();
  }
  if (subject === 'sallyport') await promises.checkEnd();
  for (const what of promises.broken) broken.add(what);
  const namesOf = (body: JsonObject) =>
    rulesOf(body).flatMap((rule) => (isOwned(rule) || isNaive(rule) ? [] : [rule['name']]));
  if (!isDeepStrictEqual(namesOf(world.network.nsg(subnetNsg) ?? {}), namesOf(own))) {
    broken.add('I3: rules of somebody else are gone');
  }
  return [...broken];
}
