/**
 * Layer A: a process dies before or after each of its effects, alone and with the process that takes over from it.
 * Two places of one life between which the process only read and computed leave the same world, for what it knew dies with
 * it. So of places that are equal in that way every one is died at alone, and one in pairs.
 */
import { createRandom } from '../random.ts';
import { replayCommand, type Failure, type LayerOptions, type LayerResult } from '../layer.ts';
import type { Place } from '../simulation/effects.ts';
import { deaths, live, type Life, type LifeOptions, type PlaceInLife } from '../simulation/life.ts';
import { shapes } from '../simulation/shapes.ts';

const variants = shapes.flatMap((shape) => deaths.map((onDeath) => ({ ...shape, onDeath })));
/** The plain and the revoked life, in which every pair of deaths is died in every way. */
const shortVariants = 2 * deaths.length;
/** More places than any life has; the cases are numbered by it. A place is before an effect, or after it. */
const most = 2000;

interface Case {
  variant: number;
  first: Place;
  second?: Place;
}

const numberOf = ({ effect, when }: Place) => 2 * effect - (when === 'before' ? 1 : 0);
const placeOf = (number: number): Place => ({
  effect: Math.ceil(number / 2),
  when: number % 2 === 1 ? 'before' : 'after',
});

const seedOf = ({ variant, first, second }: Case) =>
  (variant * most + numberOf(first)) * most + (second === undefined ? 0 : numberOf(second));

function caseOf(seed: number): Case {
  const [variant, first, second] = [
    Math.floor(seed / most ** 2),
    Math.floor(seed / most) % most,
    seed % most,
  ];
  if (variants[variant] === undefined || first === 0) throw new Error('There is no such case.');
  return { variant, first: placeOf(first), ...(second === 0 ? {} : { second: placeOf(second) }) };
}

/** Places of one life at which a death leaves the same world. */
interface EqualPlaces {
  variant: number;
  places: [Place, ...Place[]];
}

/** The places of a life, by the world that they leave. */
export function equalPlaces(places: readonly PlaceInLife[]): [Place, ...Place[]][] {
  const byWorld = new Map<string, [Place, ...Place[]]>();
  for (const { world, effect, when } of places) {
    const place = { effect, when };
    const equal = byWorld.get(world);
    if (equal === undefined) byWorld.set(world, [place]);
    else equal.push(place);
  }
  return [...byWorld.values()];
}

async function firstDeaths(): Promise<EqualPlaces[]> {
  const all: EqualPlaces[] = [];
  for (const [variant, options] of variants.entries()) {
    const { places } = await live({ ...options, placesOf: 0 });
    if (places.some((place) => numberOf(place) >= most)) {
      throw new Error('A life has more effects than cases are numbered for.');
    }
    all.push(...equalPlaces(places).map((equal) => ({ variant, places: equal })));
  }
  return all;
}

export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = Date.now();
  const counted: Record<string, number> = {};
  const count = (what: string, by = 1) => {
    counted[what] = (counted[what] ?? 0) + by;
  };
  const failures: Failure[] = [];

  async function runCase(one: Case, more: Partial<LifeOptions> = {}): Promise<Life> {
    const variant = variants[one.variant];
    if (variant === undefined) throw new Error('There is no such variant.');
    const kills = one.second === undefined ? [one.first] : [one.first, one.second];
    const life = await live({ ...variant, kills, ...more });
    count(kills.length === 1 ? 'single deaths' : 'pairs of deaths run');
    const broken = [
      ...life.broken,
      // Every place was come to in the life before; if it is not now, lives are not what they are taken for.
      ...(life.died === kills.length ? [] : ['The process did not come to the place of its death.']),
    ];
    if (broken.length === 0) return life;
    const seed = String(seedOf(one));
    failures.push({ seed, what: broken.join('; '), replay: replayCommand('A', seed) });
    return life;
  }

  /** Deaths at places that are equal, and second deaths after one of them. */
  async function runEqual({ variant, places }: EqualPlaces, isFull: boolean): Promise<void> {
    const [first, ...others] = places;
    const { places: next } = await runCase({ variant, first }, { placesOf: 1 });
    count('distinct worlds that they leave');
    for (const [position, other] of others.entries()) {
      if (isFull || position % 8 === 0) await runCase({ variant, first: other });
    }
    const distinct = equalPlaces(next);
    // With what shapes add, each way of dying has a third of the pairs.
    const chosen = distinct.filter(
      (_, position) =>
        variant < shortVariants || (numberOf(first) + position + variant) % deaths.length === 0,
    );
    const random = createRandom(seedOf({ variant, first }));
    for (const equal of isFull || chosen.length === 0 ? chosen : [random.pick(chosen)]) {
      await runCase({ variant, first, second: equal[0] });
      count('pairs equal to one that was run', places.length * equal.length - 1);
    }
  }

  const { size, seed } = options;
  const { index, of } = options.worker ?? { index: 0, of: 1 };
  if (seed !== undefined) {
    await runCase(caseOf(seed));
  } else if (size === 'quick') {
    const all = (await firstDeaths()).flatMap(({ variant, places }) =>
      places.map((first) => ({ variant, first })),
    );
    const step = Math.max(1, Math.floor(all.length / 70));
    for (const one of all.filter((_, position) => position % step === 0)) await runCase(one);
  } else {
    const mine = (await firstDeaths()).filter((_, position) => position % of === index);
    for (const equal of mine) await runEqual(equal, size === 'full');
  }
  return {
    ...{ layer: 'A', title: 'deaths at every effect, single and in pairs', counted, failures },
    seeds: seed === undefined ? `every place, ${size}` : String(seed),
    milliseconds: Date.now() - began,
  };
}
