/** Layer B: every fault at every call to Azure and at every table effect, alone; and every pair of faults of Azure. */
import { createRandom } from '../random.ts';
import { replayCommand, type Failure, type LayerOptions, type LayerResult } from '../layer.ts';
import { callFaults } from '../simulation/faults.ts';
import { live, tableFaults, type LifeOptions } from '../simulation/life.ts';

/** Faults hit the first so many calls to Azure, and in pairs as many calls after the first. */
const calls = 14;
/** Places: a call and its fault, numbered from 1. */
const places = calls * callFaults.length;
const tables = 1_000_000;

function placeOf(place: number) {
  const fault = callFaults[(place - 1) % callFaults.length];
  if (fault === undefined) throw new Error('There is no such case.');
  return { call: Math.ceil(place / callFaults.length), fault };
}

/** Faults of calls: variant, first place, second place or 0. Faults of tables come behind them all. */
function optionsOf(seed: number): LifeOptions {
  if (seed >= tables) {
    const [effect, rest] = [Math.floor((seed - tables) / 6), (seed - tables) % 6];
    const kind = tableFaults[Math.floor(rest / 2)] ?? 'refused';
    return { revoke: rest % 2 === 1, onDeath: 'task failed', tableFault: { effect, kind } };
  }
  const [first, second] = [Math.floor(seed / (places + 1)) % (places + 1), seed % (places + 1)];
  const revoke = seed >= (places + 1) ** 2;
  if (first === 0) throw new Error('There is no such case.');
  const chosen = [placeOf(first), ...(second === 0 ? [] : [placeOf(second)])];
  return { revoke, onDeath: 'task failed', callFaults: chosen };
}

const seedOf = (revoke: boolean, first: number, second: number) =>
  ((revoke ? places + 1 : 0) + first) * (places + 1) + second;

async function seedsFor({ size, seed }: LayerOptions): Promise<number[]> {
  if (seed !== undefined) return [seed];
  const one = Array.from({ length: places }, (_, place) => place + 1);
  const singles = [false, true].flatMap((revoke) => one.map((first) => seedOf(revoke, first, 0)));
  const { tableEffects } = await live({ revoke: true, onDeath: 'task failed' });
  const ofTables = Array.from({ length: tableEffects * 6 }, (_, index) => tables + 6 + index);
  if (size === 'quick') return [...singles, ...ofTables].filter((_, position) => position % 8 === 0);
  const random = createRandom(1);
  const pairs =
    size === 'full'
      ? one.flatMap((first) => one.map((second) => seedOf((first + second) % 2 === 0, first, second)))
      : Array.from({ length: 3000 }, () => seedOf(random.oneIn(2), random.pick(one), random.pick(one)));
  return [...singles, ...ofTables, ...pairs];
}

export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = Date.now();
  const counted = { 'single faults of Azure': 0, 'single faults of tables': 0, 'pairs of faults': 0 };
  const failures: Failure[] = [];
  const { index, of } = options.worker ?? { index: 0, of: 1 };
  const seeds = (await seedsFor(options)).filter((_, position) => position % of === index);
  for (const seed of seeds) {
    const chosen = optionsOf(seed);
    const { broken, hit } = await live(chosen);
    const planned = chosen.callFaults?.length ?? 1;
    // A life that takes another turn after the first fault may not come to the call of the second.
    if (hit === planned) {
      if (chosen.tableFault !== undefined) counted['single faults of tables'] += 1;
      else counted[planned === 1 ? 'single faults of Azure' : 'pairs of faults'] += 1;
    }
    if (broken.length > 0)
      failures.push({ seed: String(seed), what: broken.join('; '), replay: replayCommand('B', seed) });
  }
  return {
    ...{ layer: 'B', title: 'faults at every call, single and in pairs', counted, failures },
    seeds: options.seed === undefined ? `every place, ${options.size}` : String(options.seed),
    milliseconds: Date.now() - began,
  };
}
