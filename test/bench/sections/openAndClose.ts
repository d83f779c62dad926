import type { BurstResult } from '../burst.ts';
import { atMost, figure, table, type Check, type Section } from '../section.ts';
import type { Simulation } from '../simulation.ts';

const sizes = [1, 10, 100, 800];

/** P1 and P2, writes and reads; P3, time to open: many grants at once, two ports each, on one NSG. */
export async function openAndClose(simulation: Simulation): Promise<Section> {
  const rows = await Promise.all(
    sizes.map(async (grants) => ({
      grants,
      one: await simulation.sallyport({ grants }),
      two: await simulation.sallyport({ grants, workers: 2 }),
      spread: await simulation.sallyport({ grants, spreadSeconds: 1 }),
      naive: await simulation.naive({ grants }),
    })),
  );
  const beyond = await simulation.sallyport({ grants: 1000 });
  const checks: Check[] = rows.flatMap(({ grants, ...runs }) =>
    Object.entries({ '1 worker': runs.one, '2 workers': runs.two }).flatMap(([workers, run]) => [
      atMost(`P2, ${grants} grants, ${workers}: writes to open`, run.open.writes, 3),
      atMost(`P2, ${grants} grants, ${workers}: writes to close`, run.close.writes, 3),
      atMost(`P2, ${grants} grants, ${workers}: NSG reads to open`, run.open.nsgReads, 20),
      atMost(`P2, ${grants} grants, ${workers}: NSG reads to close`, run.close.nsgReads, 20),
      atMost(`P3, ${grants} grants, ${workers}: last rule visible, in writes`, run.visible.most, 2.5),
      allClosed(`${grants} grants, ${workers}`, grants, run),
    ]),
  );
  for (const { grants, spread } of rows) {
    checks.push(atMost(`P2, ${grants} grants within a write: writes to open`, spread.open.writes, 3));
    checks.push(
      atMost(`P3, ${grants} grants within a write: last rule visible, in writes`, spread.visible.most, 2.5),
    );
  }
  const refused = beyond.states['failed: no-capacity'] ?? 0;
  checks.push({
    name: 'Beyond 1,000 rules: 100 of 1,000 grants end with no-capacity',
    met: refused === 100 && beyond.states['closed'] === 900,
    measured: JSON.stringify(beyond.states),
    target: '100 no-capacity, 900 closed',
  });

  return {
    checks,
    text: `## Opening and closing (P1, P2, P3)

Grants of two ports each on one NSG with 100 rules of others. All rows are approved before the first write is sent.
Accepted writes, and after the plus sign those in vain: refused with 409, 412 or 429, or superseded (P17). Reads of the
NSG; polls of an operation are none.

${table(
  ['grants', 'target', 'Sallyport, 1 worker', '2 workers', 'naive', 'naive ÷ Sallyport'],
  rows.flatMap(({ grants, one, two, naive }) => [
    [
      `${grants}: writes to open`,
      '≤ 3',
      writes(one, 'open'),
      writes(two, 'open'),
      writes(naive, 'open'),
      naive.open.writes / one.open.writes,
    ],
    [
      `${grants}: writes to close`,
      '≤ 3',
      writes(one, 'close'),
      writes(two, 'close'),
      writes(naive, 'close'),
      naive.close.writes / one.close.writes,
    ],
    [`${grants}: NSG reads to open`, '≤ 20', one.open.nsgReads, two.open.nsgReads, naive.open.nsgReads, ''],
    [
      `${grants}: NSG reads to close`,
      '≤ 20',
      one.close.nsgReads,
      two.close.nsgReads,
      naive.close.nsgReads,
      '',
    ],
    [`${grants}: grants that were open`, String(grants), one.opened, two.opened, naive.opened, ''],
  ]),
)}

${table(
  [
    'grants',
    'target',
    'Sallyport, 1 worker',
    '2 workers',
    'coming in over one write',
    'naive',
    'naive ÷ Sallyport',
  ],
  rows.flatMap(({ grants, one, two, spread, naive }) => [
    [
      `${grants}: last rule visible`,
      '≤ 2.5 L',
      last(one.visible.most),
      last(two.visible.most),
      last(spread.visible.most),
      last(naive.visible.most),
      naive.visible.most / one.visible.most,
    ],
    [
      `${grants}: last row says so`,
      '',
      last(one.recorded.most),
      last(two.recorded.most),
      last(spread.recorded.most),
      last(naive.recorded.most),
      naive.recorded.most / one.recorded.most,
    ],
  ]),
)}

L is one write, here 1 s. A rule is visible when an operation has ended that wrote it; counted from the instant of approval
in the row. Of the time beyond 1 L, ${figure((rows[0]?.one.visible.most ?? 0) - 1)} L are storage calls of 10 ms and the engine's way from the POST to the first
activity. Where many grants come at once every rule is visible with the first write; that every *row* says so takes the
engine longer, and not Azure: each grant is an activity, ten at a time for each worker and 100 a second for all.

What the naive twin loses: its writes supersede each other, so most activities fail, are tried again three times, and give up
with rules that may or may not be there (${figure(rows[2]?.naive.opened ?? 0)} of 100 grants were open at any time with both ports); from about 450 grants on its
rule for each port does not fit into an NSG. Sallyport refuses what does not fit: of 1,000 grants beside 100 rules of others
${beyond.states['closed'] ?? 0} were open and ${refused} ended with \`no-capacity\`.
`,
  };
}

function writes(run: BurstResult, phase: 'open' | 'close'): string {
  const { writes: accepted, wasted } = run[phase];
  return wasted === 0 ? String(accepted) : `${accepted} + ${wasted}`;
}

function last(value: number): string {
  return Number.isFinite(value) ? `${figure(value)} L` : '–';
}

function allClosed(name: string, grants: number, run: BurstResult): Check {
  return {
    name: `${name}: every grant was open and was closed`,
    met: run.opened === grants && run.states['closed'] === grants && run.neverClosed === 0,
    measured: `${run.opened} open, ${JSON.stringify(run.states)}`,
    target: `${grants} open and closed`,
  };
}
