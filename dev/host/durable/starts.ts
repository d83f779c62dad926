import { setTimeout as delay } from 'node:timers/promises';

import type { Engine } from './engine.ts';
import { isFinal } from './inbox.ts';
import type { RuntimeStatus } from './store.ts';

interface Candidate {
  name: string;
  input: string | null;
}

/** How long the first of simultaneous starts waits for the others. */
const gatheringMs = 5;

/**
 * Starts instances. The real engine checks and then acts: of simultaneous starts of one id it accepts one, or all, and
 * then an arbitrary one of the inputs wins. Which of both happens, and who wins, is drawn from the seed.
 */
export class Starts {
  readonly #engine: Engine;
  readonly #random: () => number;
  readonly #underWay = new Map<string, { all: boolean; candidates: Candidate[]; done: Promise<void> }>();

  constructor(engine: Engine, seed: number) {
    this.#engine = engine;
    this.#random = randomNumbers(seed);
  }

  /** Resolves to undefined when started, else to the status that forbids it. */
  async start(instanceId: string, name: string, input: string | null): Promise<RuntimeStatus | undefined> {
    const other = this.#underWay.get(instanceId);
    if (other !== undefined) {
      if (!other.all) return 'Pending';
      other.candidates.push({ name, input });
      await other.done;
      return undefined;
    }
    const known = this.#engine.instances.get(instanceId);
    if (known !== undefined && !isFinal(known)) return known.status;
    const all = this.#random() < 0.5;
    const candidates = [{ name, input }];
    const done = this.#run(instanceId, candidates, all).finally(() => this.#underWay.delete(instanceId));
    this.#underWay.set(instanceId, { all, candidates, done });
    await done;
    return undefined;
  }

  async #run(instanceId: string, candidates: Candidate[], all: boolean): Promise<void> {
    if (all) await delay(gatheringMs);
    const { name, input } = candidates[Math.floor(this.#random() * candidates.length)] as Candidate;
    await this.#engine.startInstance(instanceId, name, input);
  }
}

/** Mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
