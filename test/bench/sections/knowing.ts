import { atMost, figure, table, type Section } from '../section.ts';
import type { Simulation } from '../simulation.ts';

const bound = 0.25;
const cases = [0.2, 1, 3].flatMap((writeSeconds) =>
  [3, 10].map((retryAfter) => ({ grants: 1, writeSeconds, retryAfter })),
);

/** P4: how long after the end of a write its sender knows of it. */
export async function knowing(simulation: Simulation): Promise<Section> {
  const rows = await Promise.all(
    cases.map(async (burst) => ({
      ...burst,
      ours: await simulation.sallyport(burst),
      naive: await simulation.naive(burst),
    })),
  );
  return {
    checks: rows.map(({ writeSeconds, retryAfter, ours }) =>
      atMost(
        `P4, L = ${writeSeconds} s, Retry-After ${retryAfter}: delay of knowing, in writes`,
        ours.knowing.most,
        bound,
      ),
    ),
    text: `## Knowing that it is open (P4)

From the end of a write to the moment at which its sender knows of it. The SDK's poller obeys Retry-After, which says
nothing about the operation; Sallyport polls after 0.15 s and then each time after a fifth of the time that has gone by, at
most 1 s apart, and less often when the subscription's reads run out.

${table(
  ['one write (L)', 'Retry-After', 'target', 'Sallyport', 'polls', 'naive', 'naive ÷ Sallyport'],
  rows.map(({ writeSeconds, retryAfter, ours, naive }) => [
    `${writeSeconds} s`,
    `${retryAfter} s`,
    `≤ ${bound} L`,
    `${figure(ours.knowing.most, 3)} L`,
    ours.open.polls,
    `${figure(naive.knowing.most)} L`,
    naive.knowing.most / ours.knowing.most,
  ]),
)}
`,
  };
}
