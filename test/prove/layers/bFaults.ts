/**
 * Layer B: every fault at every call to Azure and at every table effect, alone; every pair of faults of Azure; and each fault
 * of Azure with some of tables, which a seed chooses. Of faults that do the same to a call (a read fails alike by many names)
 * one is taken.
 */
import { createRandom } from '../random.ts';
import { replayCommand, type Failure, type LayerOptions, type LayerResult } from '../layer.ts';
import { callFaults, happeningTo } from '../simulation/faults.ts';
import { live, tableFaults, type Life, type LifeOptions } from '../simulation/life.ts';
import { shapes } from '../simulation/shapes.ts';

/** More calls to Azure than any life makes; the cases are numbered by it. */
const calls = 60;
/** Places: a call and its fault, numbered from 1. */
const places = calls * callFaults.length;
/** The first shapes, plain and revoked, are run with every pair of faults between them; the others with some that a seed chooses. */
const shortShapes = 2;
/** More effects on tables than any life has. */
const effects = 1000;
/** Cases of tables are numbered behind those of calls, and those of both behind them. */
const tables = shapes.length * (places + 1) ** 2;
const both = tables + effects * tableFaults.length * shapes.length;

/** A fault of a call, and another after it or 0; a fault of a table; or one of each, by the number of the call's place. */
type Case = { shape: number } & (
  { first: number; second: number } | { effect: number; kind: number; beside: number }
);

function seedOf(one: Case): number {
  if (!('effect' in one)) return (one.shape * (places + 1) + one.first) * (places + 1) + one.second;
  const place = (one.effect * tableFaults.length + one.kind) * shapes.length + one.shape;
  return one.beside === 0 ? tables + place : both + place * (places + 1) + one.beside;
}

function caseOf(seed: number): Case {
  if (seed < tables) {
    const first = Math.floor(seed / (places + 1)) % (places + 1);
    return { shape: Math.floor(seed / (places + 1) ** 2), first, second: seed % (places + 1) };
  }
  const beside = seed < both ? 0 : (seed - both) % (places + 1);
  const numbered = seed < both ? seed - tables : Math.floor((seed - both) / (places + 1));
  const place = Math.floor(numbered / shapes.length);
  return {
    ...{ shape: numbered % shapes.length, effect: Math.floor(place / tableFaults.length) },
    ...{ kind: place % tableFaults.length, beside },
  };
}

function placeOf(place: number) {
  const fault = callFaults[(place - 1) % callFaults.length];
  if (fault === undefined || place < 1) throw new Error('There is no such case.');
  return { call: Math.ceil(place / callFaults.length), fault };
}

function optionsOf(one: Case): LifeOptions {
  const shape = shapes[one.shape];
  if (shape === undefined) throw new Error('There is no such case.');
  const onDeath = 'task failed';
  if ('effect' in one) {
    const kind = tableFaults[one.kind];
    if (kind === undefined) throw new Error('There is no such case.');
    const beside = one.beside === 0 ? [] : [placeOf(one.beside)];
    return { ...shape, onDeath, tableFault: { effect: one.effect, kind }, callFaults: beside };
  }
  return {
    ...shape,
    onDeath,
    callFaults: [one.first, ...(one.second === 0 ? [] : [one.second])].map(placeOf),
  };
}

/** The places of these calls, those together that do the same; of the calls after the `after`-th, counted from it. */
function distinctFaults({ callMethods }: Life, after = 0): number[][] {
  return callMethods.slice(after, after + calls).flatMap((method, call) => {
    const alike = new Map<string, number[]>();
    for (const [index, fault] of callFaults.entries()) {
      const what = JSON.stringify([fault.transit, happeningTo({ method }, fault)]);
      alike.set(what, [...(alike.get(what) ?? []), call * callFaults.length + index + 1]);
    }
    return [...alike.values()];
  });
}

export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = Date.now();
  const { size, seed } = options;
  const counted: Record<string, number> = {};
  const count = (what: string, by = 1) => {
    counted[what] = (counted[what] ?? 0) + by;
  };
  const failures: Failure[] = [];

  async function runCase(one: Case): Promise<Life> {
    const chosen = optionsOf(one);
    const life = await live(chosen);
    const ofAzure = chosen.callFaults?.length ?? 0;
    const ofTables = chosen.tableFault === undefined ? 0 : 1;
    const isOfBoth = ofAzure > 0 && ofTables > 0;
    if (isOfBoth) count('of Azure and of tables together');
    else if (ofTables > 0) count('single faults of tables');
    else count(ofAzure === 1 ? 'single faults of Azure' : 'pairs of faults run');
    // Every place was come to in a life before; if it is not now, lives are not what they are taken for. Of a fault of each
    // kind it is not known which comes first, and the first may keep the other from being come to.
    const atLeast = isOfBoth ? 1 : ofAzure + ofTables;
    if (isOfBoth && life.hit === 1) count('of these with one that kept the other from happening');
    const broken = [...life.broken, ...(life.hit >= atLeast ? [] : ['A fault was not come to.'])];
    if (broken.length > 0) {
      const at = String(seedOf(one));
      failures.push({ seed: at, what: broken.join('; '), replay: replayCommand('B', at) });
    }
    return life;
  }

  /**
   * One fault of several that do the same, and faults after it: all, or as many as were asked for; and beside it so many
   * faults of tables.
   */
  async function runFirst({ shape, alike }: FirstFaults, seconds: number, ofTables: number): Promise<void> {
    const [first = 0] = alike;
    const life = await runCase({ shape, first, second: 0 });
    count('equal to one that was run', alike.length - 1);
    const randomOfTables = createRandom(seedOf({ shape, first, second: 0 }) + both);
    for (let number = 0; number < ofTables; number += 1) {
      const effect = 1 + randomOfTables.below(life.tableEffects);
      const kind = randomOfTables.below(tableFaults.length);
      await runCase({ shape, effect, kind, beside: first });
    }
    if (seconds === 0) return;
    const all = distinctFaults(life, placeOf(first).call);
    const random = createRandom(seedOf({ shape, first, second: 0 }));
    // Each pair once: in the plain life or in the revoked one.
    const chosen = all.filter(
      (_, position) => shape >= shortShapes || (first + position) % shortShapes === shape,
    );
    const some = Array.from({ length: Math.min(seconds, chosen.length) }, () => random.pick(chosen));
    for (const [second = 0, ...others] of seconds < chosen.length ? some : chosen) {
      await runCase({ shape, first, second });
      count('equal to one that was run', alike.length * (others.length + 1) - 1);
    }
  }

  if (seed !== undefined) {
    await runCase(caseOf(seed));
  } else {
    const { index, of } = options.worker ?? { index: 0, of: 1 };
    const mine = <T>(list: readonly T[], step = 1) =>
      list.filter((_, position) => position % step === 0).filter((_, position) => position % of === index);
    const { firsts, ofTables } = await singleFaults();
    const step = size === 'quick' ? Math.ceil((firsts.length + ofTables.length) / 170) : 1;
    for (const first of mine(firsts, step)) {
      const isShort = first.shape < shortShapes;
      const seconds = { quick: 0, usual: isShort ? 3 : 0, full: isShort ? Infinity : 6 };
      await runFirst(first, seconds[size], { quick: 0, usual: isShort ? 1 : 0, full: 6 }[size]);
    }
    for (const one of mine(ofTables, size === 'usual' ? 3 : step)) await runCase(one);
  }
  return {
    ...{ layer: 'B', title: 'faults at every call, single and in pairs', counted, failures },
    seeds: seed === undefined ? `every place, ${size}` : String(seed),
    milliseconds: Date.now() - began,
  };
}

/** Places of one call at which a fault does the same. */
interface FirstFaults {
  shape: number;
  alike: number[];
}

/** Every single fault, by the lives without one. */
async function singleFaults(): Promise<{ firsts: FirstFaults[]; ofTables: Case[] }> {
  const firsts: FirstFaults[] = [];
  const ofTables: Case[] = [];
  for (const [shape, options] of shapes.entries()) {
    const life = await live({ ...options, onDeath: 'task failed' });
    if (life.callMethods.length > calls)
      throw new Error('A life makes more calls than cases are numbered for.');
    if (life.tableEffects >= effects)
      throw new Error('A life has more effects on tables than cases are numbered for.');
    firsts.push(...distinctFaults(life).map((alike) => ({ shape, alike })));
    for (let effect = 1; effect <= life.tableEffects; effect += 1) {
      ofTables.push(...tableFaults.map((_, kind) => ({ shape, effect, kind, beside: 0 })));
    }
  }
  return { firsts, ofTables };
}
