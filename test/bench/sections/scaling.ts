import { performance } from 'node:perf_hooks';
import type { LiveRow } from '../../../src/core/accessRequest.ts';
import { guard } from '../../../src/core/guard/guard.ts';
import { liveGrants } from '../../../src/core/guard/liveGrants.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { planBody } from '../../../src/core/nsgBody.ts';
import { plan } from '../../../src/core/plan.ts';
import { installation } from '../sallyport.ts';
import { liveRows, noon, nsgBody } from '../cpuWorlds.ts';
import { atMost, figure, table, type Section } from '../section.ts';

const sizes = [10, 30, 100, 300, 1000];
const runs = 41;

/** P12, the planner, and the guard: time of this machine, so slopes and parts of a write of one second. */
export function scaling(): Section {
  const byRules = sizes.map((rules) => [rules, planTime(nsgBody(rules), liveRows(1, 'each'))] as const);
  const byGrants = sizes.map((grants) => [grants, planTime(nsgBody(1), liveRows(grants, 'each'))] as const);
  const large = planTime(nsgBody(100), liveRows(900, 'each'));
  const guarded = [
    { what: 'opens 200 grants on an NSG of 800 rules', milliseconds: guardTime(800, 200, 'each') },
    { what: 'the same on one machine', milliseconds: guardTime(800, 200, 'one') },
    { what: 'opens one grant on an NSG of 999 rules', milliseconds: guardTime(999, 1, 'each') },
    { what: 'fills an NSG of 100 rules with 900 grants', milliseconds: guardTime(100, 900, 'each') },
  ];
  const [first] = guarded;
  const slopes = { rules: slopeOf(byRules), grants: slopeOf(byGrants) };
  const one = planTime(nsgBody(999), liveRows(1, 'each'));
  return {
    checks: [
      atMost('P12: slope of planning over rules', slopes.rules, 1.15),
      atMost('P12: slope of planning over grants', slopes.grants, 1.15),
      atMost('Guard, 1,000 rules with 200 grants, in writes', (first?.milliseconds ?? 0) / 1000, 0.1),
    ],
    text: `## Planning and proving (P12)

Times of this machine, the least of ${runs} runs; slopes are those of the logarithms (1 is proportional), over ${sizes.join(', ')}.

${table(
  ['', 'target', 'measured'],
  [
    ['slope of planning over rules of others', '≤ 1.15', slopes.rules],
    ['slope of planning over grants', '≤ 1.15', slopes.grants],
    ['one grant among 999 rules', '', `${figure(one)} ms`],
    ['900 grants among 100 rules, all an NSG holds', '', `${figure(large)} ms`],
  ],
)}

The guard on one write, in parts of a write of 1 s:

${table(
  ['a write that', 'target', 'measured'],
  guarded.map(({ what, milliseconds }, index) => [
    what,
    index < 2 ? '≤ 0.1 L' : '',
    `${figure(milliseconds / 1000, 3)} L`,
  ]),
)}
`,
  };
}

function planTime(body: JsonObject, rows: LiveRow[]): number {
  return least(() => plan({ body, rows, now: noon, installation }));
}

function guardTime(rules: number, grants: number, machines: 'one' | 'each'): number {
  const before = nsgBody(rules);
  const rows = liveRows(grants, machines);
  const after = planBody(before, plan({ body: before, rows, now: noon, installation }).securityRules ?? []);
  const input = {
    ...{ before, after, installation: installation.id, budget: 10_000_000 },
    lastAllowPriority: installation.allowBand.last,
    grants: liveGrants(rows, noon),
  };
  return least(() => {
    if (guard(input).verdict !== 'proven') throw new Error('The write was not proven.');
  });
}

function least(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) {
    const began = performance.now();
    work();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

/** Of the straight line through the logarithms, by least squares. */
function slopeOf(points: readonly (readonly [size: number, milliseconds: number])[]): number {
  const logs = points.map(([size, milliseconds]) => [Math.log(size), Math.log(milliseconds)] as const);
  const mean = (index: 0 | 1) => logs.reduce((sum, point) => sum + point[index], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return over / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}
