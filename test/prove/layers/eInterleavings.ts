/** Layer E: two workers take turns at every call, each interrupted at each of its effects, and by chance at all of them. */
import { replayCommand, type Failure, type LayerOptions, type LayerResult } from '../layer.ts';
import { interleave, scenarios, type Schedule } from '../simulation/interleaving.ts';

const byChance = { quick: 4, usual: 100, full: 2000 } as const;
/** How many effects lie between two places at which a worker is interrupted. */
const stride = { quick: 9, usual: 3, full: 1 } as const;
const most = 400;

interface Case {
  scenario: number;
  schedule: Schedule;
}

/** Scenario, then both switches from 0, or a seed behind all of these. */
function caseOf(seed: number): Case {
  const perScenario = 2 * most * most;
  const rest = seed % perScenario;
  const schedule: Schedule =
    rest >= most * most ? { seed: rest - most * most } : { switches: [Math.floor(rest / most), rest % most] };
  return { scenario: Math.floor(seed / perScenario), schedule };
}

const seedOf = ({ scenario, schedule }: Case): number =>
  scenario * 2 * most * most +
  ('seed' in schedule ? most * most + schedule.seed : schedule.switches[0] * most + schedule.switches[1]);

async function casesOf({ size, seed }: LayerOptions): Promise<Case[]> {
  if (seed !== undefined) return [caseOf(seed)];
  const cases: Case[] = [];
  for (const [scenario, chosen] of scenarios.entries()) {
    const { effects } = await interleave(chosen, { switches: [most, 0] });
    for (let first = 0; first <= effects[0]; first += stride[size]) {
      for (let second = 0; second <= effects[1] + 20; second += stride[size]) {
        cases.push({ scenario, schedule: { switches: [first, second] } });
      }
    }
    for (let number = 1; number <= byChance[size]; number += 1)
      cases.push({ scenario, schedule: { seed: number } });
  }
  return cases;
}

export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = Date.now();
  const counted = { scenarios: scenarios.length, 'interrupted each once': 0, 'by chance': 0 };
  const failures: Failure[] = [];
  const { index, of } = options.worker ?? { index: 0, of: 1 };
  if (index > 0) counted.scenarios = 0;
  const cases = (await casesOf(options)).filter((_, position) => position % of === index);
  for (const one of cases) {
    const scenario = scenarios[one.scenario];
    if (scenario === undefined) throw new Error('There is no such scenario.');
    const { broken } = await interleave(scenario, one.schedule);
    counted['seed' in one.schedule ? 'by chance' : 'interrupted each once'] += 1;
    if (broken.length === 0) continue;
    const seed = String(seedOf(one));
    failures.push({ seed, what: `${scenario.name}: ${broken.join('; ')}`, replay: replayCommand('E', seed) });
  }
  return {
    ...{ layer: 'E', title: 'two workers, interrupted at every call', counted, failures },
    seeds: options.seed === undefined ? `every place, ${options.size}` : String(options.seed),
    milliseconds: Date.now() - began,
  };
}
