import { atMost, table, type Section } from '../section.ts';
import type { Simulation } from '../simulation.ts';
import type { SweepCost } from '../sweepCost.ts';

const sizes = [10, 100, 1000];

/** Reads of one sweep, where there is nothing to do. */
export async function sweeping(simulation: Simulation): Promise<Section> {
  const rows = await Promise.all(sizes.map(async (nsgs) => ({ nsgs, ...(await simulation.sweep(nsgs)) })));
  return {
    checks: rows.flatMap(({ nsgs, first, usual }) => [
      // Half of what Azure gives back in the minute between two sweeps: 25 reads a second.
      atMost(`Sweep, ${nsgs} NSGs: reads`, readsOf(usual), 750),
      atMost(`Sweep, ${nsgs} NSGs: writes`, first.writes + usual.writes, 0),
      atMost(
        `Sweep, ${nsgs} NSGs: calls that Azure refused for a quota`,
        first.throttled + usual.throttled,
        0,
      ),
      {
        name: `Sweep, ${nsgs} NSGs: it is complete`,
        met: first.report.complete && usual.report.complete,
        measured: `${first.report.complete}, ${usual.report.complete}`,
        target: 'true, true',
      },
    ]),
    text: `## Sweeping

One sweep of NSGs with an active grant on each and nothing to do. Lists come by the page, 100 of what is listed in one read;
a sweep that read each NSG singly would need one read for each. It writes nothing to Azure.

${table(
  [
    'NSGs',
    'target',
    'reads of the first sweep',
    'of each that follows',
    'which',
    'one for each NSG',
    'seconds',
  ],
  rows.map(({ nsgs, first, usual }) => [
    nsgs,
    '≤ 750',
    readsOf(first),
    readsOf(usual),
    Object.entries(usual.reads)
      .map(([type, count]) => `${count} × ${type}`)
      .join(', '),
    nsgs,
    usual.seconds,
  ]),
)}
`,
  };
}

function readsOf({ reads }: SweepCost): number {
  return Object.values(reads).reduce((sum, count) => sum + count, 0);
}
