import { startAzurite } from '../../../dev/azurite.ts';
import { replay } from '../../support/replayOrchestrator.ts';
import { durableCost, eventTypes, type DurableEvent } from '../durableHistory.ts';
import { atMost, table, type Check, type Section } from '../section.ts';
import type { Simulation } from '../simulation.ts';
import { countTransactions, type GrantTransactions } from '../storageTransactions.ts';

const portCounts = [1, 2, 10];
const bounds = { durable: 33, ours: 34, episodes: 4, approvedEpisodes: 6 };

/** P7, storage transactions, and P8, episodes, of one grant on one NSG: plain, and approved by people. */
export async function transactions(simulation: Simulation): Promise<Section> {
  const { history } = await simulation.sallyport({ grants: 1 });
  const durable = durableCost(history);
  const { history: approvedHistory } = await simulation.sallyport({ grants: 1, approvers: 1 });
  const approved = durableCost(approvedHistory);
  const approvedByTwo = durableCost((await simulation.sallyport({ grants: 1, approvers: 2 })).history);
  const naive = durableCost(naiveHistory(2));
  const naiveWide = durableCost(naiveHistory(10));
  const byPorts = await countAll();
  const [plain] = byPorts;
  if (plain === undefined) throw new Error('Nothing was counted.');
  const replayed = await replay(history, { requestId: 'a'.repeat(32) });
  const totals = byPorts.map(total);
  const checks: Check[] = [
    atMost("P7: Durable's transactions of a plain grant", durable.total, bounds.durable),
    atMost('P7: our transactions of a plain grant', total(plain), bounds.ours),
    {
      name: 'P7: our transactions do not grow with the ports',
      met: new Set(totals).size === 1,
      measured: totals.join(', '),
      target: `the same for ${portCounts.join(', ')} ports`,
    },
    atMost('P8: episodes of a plain grant', durable.episodes, bounds.episodes),
    atMost('P8: rows of its history', history.length, 16),
    atMost('P8: episodes of a grant that somebody approves', approved.episodes, bounds.approvedEpisodes),
    atMost('P8: episodes of a grant that two approve', approvedByTwo.episodes, bounds.approvedEpisodes),
    {
      name: 'P8: the history is one that the SDK replays to its end',
      met: replayed.isDone,
      measured: String(replayed.isDone),
      target: 'true',
    },
  ];
  return {
    checks,
    text: `## Storage transactions and episodes (P7, P8)

One plain grant on one NSG. Durable's share is computed from the history of its orchestration; the same sum gives 58 for the
recorded shape of four activities, one event and a cancelled timer, which the real extension was metered at. Ours are counted
where they leave the SDK for Table Storage, on Azurite.

${table(
  ['', 'target', 'Sallyport', 'approved by one', 'naive, 2 ports', 'naive, 10 ports'],
  [
    [
      "Durable's transactions",
      `≤ ${bounds.durable} plain`,
      ...[durable.total, approved.total, naive.total, naiveWide.total],
    ],
    ['our own', `≤ ${bounds.ours} plain`, total(plain), '', '0 (no audit)', '0 (no audit)'],
    [
      'episodes',
      `≤ ${bounds.episodes} plain, ${bounds.approvedEpisodes} approved`,
      ...[durable.episodes, approved.episodes, naive.episodes, naiveWide.episodes],
    ],
    [
      'activities',
      '2 plain',
      ...[durable.activities, approved.activities, naive.activities, naiveWide.activities],
    ],
    ['rows of the history', '≤ 16 plain', history.length, approvedHistory.length, '', ''],
  ],
)}

Ours were 35 at first. What went: of the audit, reading the records of a request that is new, and reading them again in a step
that has read them (3); of live rows, looking for the row of a request that is new, and reading one again in a step that
has read it (2). What is believed without being read again is only used where it would be noticed that it is old: a record
is inserted under its number, a row replaced under its ETag.

With ${portCounts.join(', ')} ports ours are ${totals.join(', ')}. A revocation replaces the timer's episode, so a revoked grant has four as well. Where two
people must approve, episodes are ${approvedByTwo.episodes} too: only the yes that completes an approval rings. An extension costs
two more at most: the timer of the old end fires, and its step sets the next one. Revoked and
extended grants are counted where the app runs as a whole (\`test/e2e/grant.test.ts\`).

${table(
  ['step', 'transactions', 'which'],
  [
    ['asked for', plain.asked.length, counted(plain.asked)],
    ['opened', plain.opened.length, counted(plain.opened)],
    ['closed', plain.closed.length, counted(plain.closed)],
  ],
)}
`,
  };
}

async function countAll(): Promise<GrantTransactions[]> {
  const azurite = await startAzurite();
  try {
    const all: GrantTransactions[] = [];
    for (const ports of portCounts) {
      const numbers = Array.from({ length: ports }, (_, index) => 8000 + index);
      all.push(await countTransactions(azurite.connectionString, numbers));
    }
    return all;
  } finally {
    await azurite.stop();
  }
}

export function total({ asked, opened, closed }: GrantTransactions): number {
  return asked.length + opened.length + closed.length;
}

/** `2 × insert audit, read live …`, in order of their first appearance. */
function counted(calls: readonly string[]): string {
  return [...new Set(calls)]
    .map((call) => {
      const times = calls.filter((other) => other === call).length;
      return times === 1 ? call : `${times} × ${call}`;
    })
    .join(', ');
}

/** A write for each port, a timer, a delete for each port. */
function naiveHistory(ports: number): DurableEvent[] {
  const activity = [
    eventTypes.orchestratorStarted,
    eventTypes.taskScheduled,
    eventTypes.orchestratorCompleted,
    eventTypes.taskCompleted,
  ];
  const activities = Array.from({ length: 2 * ports }, () => activity).flat();
  const timer = [eventTypes.orchestratorStarted, eventTypes.timerCreated, eventTypes.timerFired];
  return [eventTypes.executionStarted, ...activities, ...timer, eventTypes.orchestratorStarted].map(
    (EventType) => ({ EventType }),
  );
}
