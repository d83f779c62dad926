import { figure, table, type Check, type Section } from '../section.ts';
import type { Simulation } from '../simulation.ts';

const sizes = [1, 10, 100, 1000];
/** Token buckets as Azure documents them. */
const writes = { bucket: 200, perSecond: 10 };
const reads = { bucket: 250, perSecond: 25 };
/** The NSG before and after the write, and the state of the operation once. */
const readsPerOpen = 3;

/** P5: one grant on each of many NSGs, where nothing can be shared. */
export async function manyNsgs(simulation: Simulation): Promise<Section> {
  const rows = await Promise.all(
    sizes.map(async (nsgs) => ({
      nsgs,
      azure: Math.max(1, (nsgs - writes.bucket) / writes.perSecond),
      byReads: Math.max(1, (readsPerOpen * nsgs - reads.bucket) / reads.perSecond),
      one: await simulation.sallyport({ grants: nsgs, nsgs }),
      two: await simulation.sallyport({ grants: nsgs, nsgs, workers: 2 }),
      naive: await simulation.naive({ grants: nsgs, nsgs }),
    })),
  );
  const checks: Check[] = rows.map(({ nsgs, azure, two }) => ({
    name: `P5, ${nsgs} NSGs: last rule visible, in times of the bound by writes`,
    met: two.visible.most <= 1.1 * azure,
    measured: figure(two.visible.most / azure),
    target: '≤ 1.1',
  }));
  for (const { nsgs, one, two } of rows) {
    checks.push({
      name: `P5, ${nsgs} NSGs: calls that Azure refused for a quota`,
      met: one.open.throttled + two.open.throttled === 0,
      measured: `${one.open.throttled} and ${two.open.throttled}`,
      target: '0',
    });
  }
  return {
    checks,
    text: `## Many NSGs at once (P5)

One grant on each NSG: nothing can be shared. Azure takes 200 writes at once and 10 a second after that, 250 reads and 25 a
second; L is 1 s. The bound by reads is three for each open: the NSG before and after the write, and its operation's state once.

${table(
  [
    'NSGs',
    'bound by writes',
    'bound by reads',
    'Sallyport, 1 worker: last rule visible',
    '2 workers',
    'refused for a quota',
    'naive',
    'refused for a quota',
  ],
  rows.map(({ nsgs, azure, byReads, one, two, naive }) => [
    nsgs,
    `${figure(azure)} L`,
    `${figure(byReads)} L`,
    `${figure(one.visible.most)} L`,
    `${figure(two.visible.most)} L`,
    `${one.open.throttled} and ${two.open.throttled}`,
    `${figure(naive.visible.most)} L (${naive.opened} open)`,
    naive.open.throttled,
  ]),
)}
`,
  };
}
