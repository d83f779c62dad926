import { cpus, totalmem } from 'node:os';
import { format } from 'prettier';
import type { LayerResult, Size } from './layer.ts';
import { mutants } from './mutants/mutants.ts';
import { promises } from './promises.ts';
import { tableLines } from './resultTable.ts';

/** One run of the proof, as the page tells of it. */
export interface ProofRun {
  size: Size;
  minutes: number;
  parts: number;
  /** How many of the parts an earlier run over the same sources had proven. */
  taken: number;
  /** What a run of the usual size over the same sources counted, layer by layer; empty where there was none. */
  usual: readonly LayerResult[];
}

/** The page of the proof, in Markdown: what was run, with what result, and what is not covered. */
export function proofPage(results: readonly LayerResult[], run: ProofRun): Promise<string> {
  const { size, minutes } = run;
  const [processor] = cpus();
  const failed = results.reduce((sum, { failures }) => sum + failures.length, 0);
  const page = `# The proof

Written by \`npm run prove:full\`. It runs the product's own code (the orchestrator on the real durable-functions executor,
planner, guard, reconcile, activities, sweep, HTTP handlers) where time, order, faults and deaths are chosen by a seed, and
watches the promises from outside. Nothing here rests on a stopwatch or on luck: whatever fails names its seed and one
command that shows it again.

## What was run

Sizes: ${size}. ${failed === 0 ? 'Every promise held.' : `**${failed} failures.**`} ${minutes.toFixed(0)} min in two processes, and one for what mostly waits${resumedWords(run)}; Node ${process.version}, ${cpus().length} processors (${processor?.model.trim() ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB.
The time of a layer is the sum over the processes that shared it.

${tableLines(results).join('\n')}
${usualLines(run).join('\n')}
## What each layer is

- **A** lets the worker die before and after each effect of a grant's life, and whoever takes over from it as well. A life
  is plain, ended early, approved by two people, extended (with approval or without), begun later, behind a baseline that is
  put and taken away, or all of it (\`test/prove/simulation/shapes.ts\`). A death
  before the next effect is one after an effect whose answer was seen. Where between two places a process only read and
  computed, its death leaves the same world, for what it knew dies with it: each place is died at alone, and of places that
  are equal in this way one is followed by every second death (\`test/prove/simulation/equalPlaces.test.ts\` compares). The
  plain life and the one ended early are died in twice in all three ways that a host may tell of a death; of the others each
  way has a third of the pairs. The usual size dies at each distinct world once, at an eighth of the equal places, and in one
  pair each, which a seed chooses.
- **B** lets each call fail in each way that Azure and storage fail, in the same lives; of faults that do the same to a call
  one is taken. Pairs of faults of Azure are all run, each in the plain life or in the one ended early; in the others six
  after each first fault, which a seed chooses. Beside each fault of Azure six of tables are run, which a seed chooses as well.
  The usual size takes a third of the faults of tables, three second faults, and one of tables in the short lives.
- **C** simulates lives of twenty grants on three NSGs: an administrator edits, clocks are apart, tables are lost and
  unreadable, two workers meet at every call, messages come twice or never, the hub is wiped. In a quarter of them
  machines have policies that
  want nobody, one or two to approve, and that keep the internet, everybody but some, or nobody out. People approve, deny
  (two at once, one twice, the requester himself, too late), want more time, begin later, end early, and skip approval;
  policies are changed, deleted and put again, a machine loses its tag, rules of baselines are deleted and narrowed. Who
  had said yes is held against what is opened and for how long; what policies said against the packets that NSGs refuse.
- **D** visits every state of a model of the algorithm: grants, two workers that stall and die, writes under way, an
  administrator, and time without end. Each rule of the algorithm, left out, breaks a promise within 25 steps
  (\`test/prove/model.test.ts\`). The model has no counterpart in TLA+: a second text would have to be kept true to it by
  hand.
- **E** interrupts two workers at every call and lets the other go on.
- **F** plans over random NSGs of up to 1,000 rules, lets everybody change everything, and closes all again. Packets are
  judged before and after by first match, by code that shares nothing with the planner; a third of the writes are put to
  the guard as well.
- **G** sends bodies, identities, tokens, headers, prefixes, queries, continuations, every route as it is described and
  calls of Microsoft's API, each near to a right one and wrong somewhere, to the real handlers: no error of ours, nothing kept of what is refused, no secret in an answer, and what is
  accepted lies within the policy by arithmetic of its own.
- **H** asks, of small tenants by chance, what somebody may do where: the product from what Azure Resource Manager would
  say of role assignments, definitions and deny assignments, broken and conditional ones among them, and an evaluator that
  shares no code with it from how groups and scopes truly are.
- **I** kills the Functions worker or the host, as real processes with Azurite and the simulator over sockets, at points
  spread over the lives of three grants each, and starts it again.
- **K** breaks our own code in ${mutants.length} ways, each a small slip of the kind that people make (\`test/prove/mutants\`),
  and asks layers and tests, the cheapest first, whether they notice. ${mutants.filter(({ changesPackets }) => changesPackets).length} of them make the planner let other packets pass: these are
  run a second time with nothing but the guard before each write, and the packet oracle must find no write wrong that
  left. \`npm run prove:mutants\` shows each with what caught it.
- **T** runs naive twins through the same harness: one orchestration, one rule PUT per port, a delete or a snapshot at the
  end. They must fail, or the harness would prove nothing.

The quick part of all this is in \`npm test\`; the counts of writes, reads and transactions are in
[performance](performance.md).

## The promises and their tests

| promise | says | layers | tests |
| --- | --- | --- | --- |
${promises.map(({ promise, says, layers, tests }) => `| ${promise} | ${says} | ${layers} | ${tests.map((test) => `\`${test}\``).join(', ')} |`).join('\n')}

## To repeat it

\`\`\`
npm run prove                          the usual sizes, within ten minutes on two cores
npm run prove -- --layer C --seed 12   one case, as a failure names it
npm run prove:full                     all sizes; writes this page
npm run prove:full -- --resume         the same, after an interruption: parts that held are taken from before
npm run prove:mutants                  every mutant, with what caught it
\`\`\`

What each part came to is kept under \`out/prove\`, by a hash over the lockfile, the version of Node and every file that its
layer imports; for I and K, which start processes and run tests, over all sources and tests. \`--resume\` takes from there
what held, runs the rest, and this page says how much was taken; without it everything is run anew.

Seeds are whole numbers from 1. The same seed makes the same case on every machine, but for what real time decides: which
tokens have expired (G), where a real process is when it is killed (I), and which eight mutants are taken today (K).

## What is not covered

- Azure itself. The ARM simulator and the stand-in of the Durable extension were written from documentation and recorded
  traffic; where Azure behaves otherwise than both, nothing here notices.
- The data plane: a rule that Azure calls succeeded is taken to be in force. Established flows are not looked at.
- The model of layer D is of the algorithm, not of the code. That they agree is a matter of reading; layers A, B, C and E
  run the code.
- An administrator who deletes a rule of ours between its read-back and the record of it, while another worker writes and
  somebody revokes: the model finds that the rule may then come back after the grant was recorded closed. The next sweep
  removes it, within I1's bound, which is what is proven for that case.
- The books of a request that is being stored in the very moment in which its tables are lost: its port is shut like every
  other, but its row may stay unfinished. So do the books of one that is sent again under its key right after, while a step
  that had read the lost row still records it.
- Two faults of tables in one life: they come together by chance alone, in C.
- In the simulated histories each machine has one policy, everybody may ask by Azure RBAC, and lost tables stay lost: how
  several policies combine, rights that are taken away, and the adoption of what is found are shown by tests alone. Grants
  whose extension Azure has not heard of yet may be shut at their old end by a worker whose clock is ahead, until the next
  reconcile puts them back.
- Clocks that are more than 30 s off, an app that does not run, and storage that never answers: the promises do not speak of them.
- Security admin rules, route tables, firewalls, and other ways into a network than its NSGs.
`;
  return format(page, { parser: 'markdown', printWidth: 110 });
}

/** Both counts are shown: those of the full size in the table before, and those of what is run in ten minutes. */
function usualLines({ size, usual }: ProofRun): string[] {
  if (size !== 'full') return [''];
  if (usual.length === 0)
    return ['', '`npm run prove`, at the usual size, was not run over these sources.', ''];
  return [
    ...['', '`npm run prove`, at the usual size, has counted over the same sources:', ''],
    ...tableLines(usual),
    '',
  ];
}

function resumedWords({ parts, taken }: ProofRun): string {
  if (taken === 0) return '';
  return `, with ${taken} of ${parts} parts taken from runs before it over the same sources`;
}
