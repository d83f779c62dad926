import type { BurstResult } from '../burst.ts';
import { figure, table, type Check, type Section } from '../section.ts';
import type { Simulation } from '../simulation.ts';

const usual = { grants: 100, spreadSeconds: 20, durationSeconds: 120 } as const;
const cases = [
  { what: 'the tags, L = 1 s', administrator: 'tags', writeSeconds: 1 },
  { what: 'a rule, L = 0.2 s', administrator: 'rules', writeSeconds: 0.2 },
] as const;

/** P17: writes in vain while somebody else edits the same NSG once a second. */
export async function waste(simulation: Simulation): Promise<Section> {
  const rows = await Promise.all(
    cases.map(async ({ what, ...burst }) => ({
      what,
      ours: await simulation.sallyport({ ...usual, ...burst }),
      naive: await simulation.naive({ ...usual, ...burst }),
    })),
  );
  return {
    checks: rows.flatMap(({ what, ours }): Check[] => [
      {
        name: `P17, ${what}: writes in vain for each edit`,
        met: inVain(ours) <= ours.edits,
        measured: `${inVain(ours)} for ${ours.edits} edits`,
        target: '≤ 1',
      },
      {
        name: `P17, ${what}: every grant was open and was closed`,
        met: ours.opened === usual.grants && ours.states['closed'] === usual.grants,
        measured: `${ours.opened} open, ${JSON.stringify(ours.states)}`,
        target: `${usual.grants} open and closed`,
      },
    ]),
    text: `## Writes in vain (P17)

100 grants come in over 20 s and end over 20 s, while somebody else edits the NSG once a second. In vain: refused with 409,
412 or 429, or superseded after it was accepted. Once those whose write was through waited until nobody came any more, and
the last row said so after 23 L; a reconcile now answers them and leaves who came later to the next.

${table(
  [
    'edited each second',
    'target',
    '',
    'edits',
    'writes',
    'in vain',
    'last rule visible',
    'last row says so',
    'open and closed',
  ],
  rows.flatMap(({ what, ours, naive }) => [
    [what, '≤ 1 for each edit', 'Sallyport', ...cells(ours), ours.states['closed'] ?? 0],
    ['', '', 'naive', ...cells(naive), naive.states['opened, closed'] ?? 0],
  ]),
)}
`,
  };
}

function inVain({ open, close }: BurstResult): number {
  return open.wasted + close.wasted;
}

function cells(run: BurstResult): (string | number)[] {
  return [
    ...[run.edits, run.open.writes + run.close.writes, inVain(run)],
    ...[run.visible.most, run.recorded.most].map((value) => `${figure(value)} L`),
  ];
}
