import type { BurstResult } from '../burst.ts';
import { atMost, figure, table, type Section } from '../section.ts';
import type { Simulation } from '../simulation.ts';

/** When the first sweep after the end comes, in seconds after it: just missed, and between. */
const phases = [1, 16, 31, 46, 59];
const period = 60;

/** P6: how long after its end a grant is closed, and when every timer message is lost. */
export async function lateness(simulation: Simulation): Promise<Section> {
  const usual = await simulation.sallyport({ grants: 10 });
  const naive = await simulation.naive({ grants: 10 });
  const lost = await Promise.all(
    phases.map(async (sweepPhaseSeconds) => ({
      sweepPhaseSeconds,
      run: await simulation.sallyport({
        grants: 10,
        losesTimers: true,
        sweepPhaseSeconds,
        durationSeconds: 600,
      }),
    })),
  );
  const worst = Math.max(...lost.map(({ run }) => run.lateness.most));
  const never = lost.reduce((sum, { run }) => sum + run.neverClosed, 0);
  return {
    checks: [
      atMost("P6: closed after its end, beyond the engine's timer, in writes", usual.lateness.most, 1.2),
      atMost('P6: closed after its end when every timer message is lost', worst, 2 * period + 2, ' s'),
      atMost(
        'P6: closed after its end when every timer message is lost (one period)',
        worst,
        period + 1.1,
        ' s',
      ),
      atMost('P6: grants that were never closed', never, 0),
    ],
    text: `## Closing in time (P6)

From the end of a grant to a settled NSG without its rules; 10 grants, L = 1 s. The engine's timer is a queue message that
may be seen up to 5 s late (\`maxQueuePollingInterval\` of host.json): that comes on top of both columns. When the timer
message is lost, the sweep closes.

${table(
  ['', 'target', 'Sallyport', 'naive'],
  [
    ['after its end', '≤ 1.2 L', seconds(usual), `${figure(naive.lateness.most)} s`],
    ...lost.map(({ sweepPhaseSeconds, run }) => [
      `every timer message lost, first sweep ${sweepPhaseSeconds} s after a full minute`,
      `≤ ${period} s + 1.1 L; promised ${2 * period} s + 2 L`,
      seconds(run),
      'never',
    ]),
  ],
)}
`,
  };
}

function seconds({ lateness: late }: BurstResult): string {
  return `${figure(late.most)} s`;
}
