/**
 * Layer A: a process dies before or after each of its effects, alone and with the process that takes over from it.
 * A death after an effect whose answer was seen is the one before the next effect.
 */
import { createRandom } from '../random.ts';
import { replayCommand, type Failure, type LayerOptions, type LayerResult } from '../layer.ts';
import { deaths, live, type LifeOptions } from '../simulation/life.ts';

const variants = [false, true].flatMap((revoke) => deaths.map((onDeath) => ({ revoke, onDeath })));
const moments = ['before', 'after'] as const;
/** More effects than any life has; the cases are numbered by it. */
const most = 500;

interface Case {
  variant: number;
  first: number;
  /** 0 where only one process dies. */
  second: number;
}

/** Places are numbered from 1: effect 1 before and after, effect 2 before and after … */
const places = most * moments.length;
const placeOf = (place: number) => ({
  effect: Math.ceil(place / moments.length),
  when: moments[(place - 1) % moments.length] ?? 'before',
});

const seedOf = ({ variant, first, second }: Case) => (variant * (places + 1) + first) * (places + 1) + second;
const caseOf = (seed: number): Case => ({
  variant: Math.floor(seed / (places + 1) ** 2),
  first: Math.floor(seed / (places + 1)) % (places + 1),
  second: seed % (places + 1),
});

function optionsOf({ variant, first, second }: Case): LifeOptions {
  const chosen = variants[variant];
  if (chosen === undefined || first === 0) throw new Error('There is no such case.');
  const kills = [placeOf(first), ...(second === 0 ? [] : [placeOf(second)])];
  return { ...chosen, kills };
}

/** Every single death in every variant, and every ordered pair of deaths in one of them, or as many as were asked for. */
async function casesOf({ size, seed }: LayerOptions): Promise<Case[]> {
  if (seed !== undefined) return [caseOf(seed)];
  const lengths = await Promise.all(
    variants.map(async (variant) => ((await live(variant)).effects[0] ?? 0) * moments.length),
  );
  if (lengths.some((length) => length > places))
    throw new Error('A life has more effects than cases are numbered for.');
  const singles = lengths.flatMap((length, variant) =>
    Array.from({ length }, (_, place) => ({ variant, first: place + 1, second: 0 })),
  );
  if (size === 'quick') return everyNth(singles, 120);
  const longest = Math.max(...lengths);
  const pairs: Case[] = [];
  for (let first = 1; first <= longest; first += 1) {
    for (let second = 1; second <= longest; second += 1) {
      const variant = (first * 5 + second * 7) % variants.length;
      if (first <= (lengths[variant] ?? 0)) pairs.push({ variant, first, second });
    }
  }
  return [...singles, ...(size === 'full' ? pairs : sampled(pairs, 2500))];
}

export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = Date.now();
  const counted = { 'single deaths': 0, 'pairs of deaths': 0 };
  const failures: Failure[] = [];
  const { index, of } = options.worker ?? { index: 0, of: 1 };
  const cases = (await casesOf(options)).filter((_, position) => position % of === index);
  /** From which place on the process that takes over is not alive any more, by variant and first death. */
  const beyond = new Map<number, number>();
  for (const one of cases) {
    const key = one.variant * places + one.first;
    if (one.second >= (beyond.get(key) ?? Infinity)) continue;
    const { broken, died } = await live(optionsOf(one));
    if (died < (one.second === 0 ? 1 : 2)) {
      beyond.set(key, one.second);
      continue;
    }
    counted[one.second === 0 ? 'single deaths' : 'pairs of deaths'] += 1;
    if (broken.length === 0) continue;
    const seed = String(seedOf(one));
    failures.push({ seed, what: broken.join('; '), replay: replayCommand('A', seed) });
  }
  return {
    ...{ layer: 'A', title: 'deaths at every effect, single and in pairs', counted, failures },
    seeds: options.seed === undefined ? `every place, ${options.size}` : String(options.seed),
    milliseconds: Date.now() - began,
  };
}

function everyNth<T>(list: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.floor(list.length / count));
  return list.filter((_, position) => position % step === 0);
}

/** The same for every process of a run. */
function sampled<T>(list: readonly T[], count: number): T[] {
  const random = createRandom(list.length);
  return Array.from({ length: count }, () => random.pick(list));
}
