import { UsageError } from '../usageError.ts';
import { show } from './command.ts';
import type { Command } from './command.ts';
import { nameOf } from './presentAccess.ts';
import { health } from './shapes.ts';
import type { Health } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import { list, table } from './table.ts';
import { fromNow, localTime } from './times.ts';

/** `health`: how everything is that the app depends on. */
export const healthCommand: Command = {
  usage: '',
  summary: 'how everything is that the app depends on, the sweep, and closes that are overdue',
  help: [],
  options: {},
  async run(invocation) {
    if (invocation.words.length > 0) throw new UsageError('health takes no words.');
    const { api, around } = invocation;
    const answer = await api({ path: '/api/health/details' }, health);
    show(invocation, answer, () => textOf(answer, around.timeZone, around.columns));
    return answer.status === 'ok' ? exitCodes.ok : exitCodes.failed;
  },
};

function textOf(answer: Health, timeZone: string, width?: number): string {
  const columns = [
    ...[{ title: 'CHECK' }, { title: 'STATUS' }, { title: 'SINCE' }],
    { title: 'REASON', isFlexible: true } as const,
  ];
  const rows = answer.checks.map(({ name, status, since, reason = '' }) => [
    ...[name, status, localTime(since, timeZone), reason],
  ]);
  return `${table(columns, rows, width)}\n\n${list(factsOf(answer, timeZone), width)}`;
}

function factsOf(
  { sweep, overdueCloses, installation, program, checkedAt }: Health,
  timeZone: string,
): [name: string, value: string][] {
  const at = (instant: string) => `${localTime(instant, timeZone)}, ${fromNow(instant, new Date(checkedAt))}`;
  const { count, oldest } = overdueCloses;
  const { version = 'unknown', bundle = 'unknown', node } = program;
  const facts: Record<string, string | undefined> = {
    'complete sweep': sweep.lastComplete === undefined ? 'none known' : at(sweep.lastComplete),
    'newest sweep': sweep.newest && `${at(sweep.newest.began)}: ${countsOf(sweep.newest)}`,
    unseen: sweep.newest?.unlistedSubscriptions.map((id) => `subscription ${id}`).join(', ') || undefined,
    'overdue closes': count === undefined ? 'not known' : String(count),
    'the oldest': oldest && `${oldest.requestId}, due ${at(oldest.since)}`,
    'behind it': oldest?.networkSecurityGroups.map(nameOf).join(', '),
    installation,
    program: `version ${version} on Node ${node}, bundle ${bundle}`,
  };
  return Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined);
}

function countsOf({ complete, counts }: NonNullable<Health['sweep']['newest']>): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return [complete ? 'complete' : 'not complete', ...some.map(([name, count]) => `${name} ${count}`)].join(
    ', ',
  );
}
