import type { JsonObject, NsgDocument } from '../../../src/core/network.ts';

/** One call that a process makes of the world outside it. */
export interface Effect {
  process: string;
  /** Table or service and method: `live.insert`, `network.writeNsg`. */
  name: string;
  parameters: unknown[];
  /** Counted in its process, from 1. */
  number: number;
}

/** What happens to effects on their way out and back. */
export interface Weather {
  /** Before the effect: may wait, or throw instead of it. */
  before?: (effect: Effect) => void | Promise<void>;
  /** After it: may wait or throw, so that the answer is lost, or say what is answered instead. */
  after?: (effect: Effect, result: unknown) => Answer | Promise<Answer>;
}

export type Answer = { instead: unknown } | undefined;

/** Sees each effect at the moment at which it is done, whatever becomes of its answer. */
export interface Witness {
  sent: (effect: Effect) => void;
  /** A write of an NSG or of one of its rules leaves, not too late by the clock of its process. */
  leaves: (process: string, write: LeavingWrite) => void;
  done: (effect: Effect, result: unknown) => void;
}

/** Where a process may die: before an effect is done, or after it and without seeing the answer. */
export interface Place {
  /** Of its process, counted from 1. */
  effect: number;
  when: 'before' | 'after';
}

export interface LifelineOptions {
  killAt?: Place;
  /** Told of each place that the process comes to, before it dies there if it is to. */
  atPlace?: (place: Place) => void;
  /** Told in the moment of the death. */
  onDeath?: () => void;
}

/** Counts the effects of one process and can kill it at one of them. */
export interface Lifeline extends LifelineOptions {
  process: string;
  effects: number;
  readonly dead: boolean;
  /** Resolves when the process has died. */
  readonly died: Promise<void>;
  kill(): void;
}

/** The lifeline of a process that has just begun. */
export function createLifeline(process: string, options: LifelineOptions): Lifeline {
  let dead = false;
  let settle: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return {
    ...{ ...options, process, effects: 0, died },
    get dead() {
      return dead;
    },
    kill() {
      if (dead) return;
      dead = true;
      options.onDeath?.();
      settle();
    },
  };
}

export type LeavingWrite =
  { kind: 'nsg'; nsg: NsgDocument; body: JsonObject } | { kind: 'rule'; nsgId: string; ruleName: string };

export class ProcessDied extends Error {}

/** Everything that this object does becomes an effect of a process, in this weather and before this witness. */
export function effectsOf<T extends object>(
  target: T,
  table: string,
  lifeline: Lifeline,
  weather: Weather,
  witness: Witness,
): T {
  async function perform(name: string, parameters: unknown[], work: () => unknown): Promise<unknown> {
    if (lifeline.dead) throw new ProcessDied();
    lifeline.effects += 1;
    const number = lifeline.effects;
    const effect = { process: lifeline.process, name, parameters, number };
    comeTo({ effect: number, when: 'before' });
    if (!isDead()) await weather.before?.(effect);
    if (isDead()) throw new ProcessDied();
    witness.sent(effect);
    const result = await work();
    if (isRead(name)) {
      comeTo({ effect: number, when: 'after' });
      // What a read found is known only to the process.
      if (isDead()) throw new ProcessDied();
      witness.done(effect, result);
    } else {
      // What was under way when the process died is done, and nobody sees the answer.
      witness.done(effect, result);
      comeTo({ effect: number, when: 'after' });
      if (isDead()) throw new ProcessDied();
    }
    const answer = await weather.after?.(effect, result);
    if (isDead()) throw new ProcessDied();
    return answer === undefined ? result : answer.instead;
  }

  const isDead = () => lifeline.dead;

  function comeTo(place: Place): void {
    if (isDead()) return;
    lifeline.atPlace?.(place);
    const { killAt } = lifeline;
    if (killAt?.effect === place.effect && killAt.when === place.when) lifeline.kill();
  }

  async function* pages(name: string, parameters: unknown[], list: AsyncIterable<unknown>) {
    const iterator = list[Symbol.asyncIterator]();
    for (;;) {
      const next = (await perform(name, parameters, () => iterator.next())) as IteratorResult<unknown>;
      if (next.done === true) return;
      yield next.value;
    }
  }

  const members = new Map<string | symbol, unknown>();
  return new Proxy(target, {
    get(from, member) {
      if (members.has(member)) return members.get(member);
      const first: unknown = Reflect.get(from, member);
      if (typeof first !== 'function') return first;
      const name = `${table}.${String(member)}`;
      const effectful = (...parameters: unknown[]): unknown => {
        // Looked up anew: tables may be lost, and are others then.
        const call = () => {
          const method: unknown = Reflect.get(from, member);
          return typeof method === 'function' ? (Reflect.apply(method, from, parameters) as unknown) : method;
        };
        if (iterated.has(name)) return pages(name, parameters, call() as AsyncIterable<unknown>);
        return known.has(name) ? call() : perform(name, parameters, call);
      };
      members.set(member, effectful);
      return effectful;
    },
  });
}

/** Lists that come by the page: each page is an effect. */
const iterated: ReadonlySet<string> = new Set([
  'audit.partitions',
  'inventory.nsgs',
  'inventory.networkInterfaces',
  'inventory.virtualMachines',
]);

/** What is known without asking anybody. */
const known: ReadonlySet<string> = new Set(['inventory.readsLeft']);

/** Effects that only ask; of any other it is taken that it changes something. */
const reads: ReadonlySet<string> = new Set([
  ...[
    'requests.get',
    'policies.get',
    'policies.list',
    'policies.all',
    'nsgs.get',
    'nsgs.nsgIds',
    'nsgs.unsettled',
  ],
  ...['live.get', 'live.ofNsg', 'live.allOfNsg', 'live.getBaseline', 'live.everyBaseline', 'live.unended'],
  ...['audit.read', 'audit.query', 'audit.indexed', 'audit.partitions', 'seals.newest', 'seals.after'],
  ...['sweepState.marker', 'sweepState.heartbeat', 'sweepState.listedAt', 'sweepState.lostSince'],
  ...['network.readNsg', 'network.resolveVirtualMachine', 'rights.closability'],
  ...['authorization.check', 'authorization.memberships', 'orchestrations.status'],
  ...[
    'inventory.nsgs',
    'inventory.networkInterfaces',
    'inventory.virtualMachines',
    'inventory.virtualNetworks',
  ],
]);

/** Whether an effect of this name leaves everything outside its process as it was. */
export const isRead = (name: string): boolean => reads.has(name);
