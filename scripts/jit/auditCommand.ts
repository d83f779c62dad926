import { UsageError } from '../usageError.ts';
import { optionText, show } from './command.ts';
import type { Command, Invocation } from './command.ts';
import { nameOf } from './presentAccess.ts';
import { auditPage } from './shapes.ts';
import type { AuditRecord } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import { table } from './table.ts';
import { localTime } from './times.ts';

const filters = ['vm', 'requester', 'from', 'to'] as const;
const usualRecords = 100;

/** `audit`: who did what. */
export const auditCommand: Command = {
  usage: '',
  summary: 'who did what, oldest first within a request',
  help: [
    '--vm ID                   of one virtual machine, by its ARM id',
    '--requester ID            of one person, by object id',
    '--from, --to INSTANT      2026-11-01T00:00:00Z (the last 30 days)',
    `--all                     everything, not the first ${usualRecords} records`,
  ],
  options: {
    ...Object.fromEntries(filters.map((name) => [name, { type: 'string' } as const])),
    all: { type: 'boolean' },
  },
  async run(invocation) {
    if (invocation.words.length > 0) throw new UsageError('audit takes no words.');
    const { value, isCut } = await records(invocation);
    show(invocation, { value }, () => recordTable(value, invocation));
    if (isCut) invocation.around.progress('There are more: --all shows them.');
    return exitCodes.ok;
  },
};

async function records(invocation: Invocation): Promise<{ value: AuditRecord[]; isCut: boolean }> {
  const query = new URLSearchParams(
    filters.flatMap((name): [string, string][] => {
      const text = optionText(invocation.options, name);
      return text === undefined ? [] : [[name, text]];
    }),
  );
  const value: AuditRecord[] = [];
  let path: string | undefined = `/api/audit?${query.toString()}`;
  while (path !== undefined && (invocation.options['all'] === true || value.length < usualRecords)) {
    const page: Awaited<ReturnType<typeof read>> = await read(invocation, path);
    value.push(...page.value);
    path = page.nextLink;
  }
  const shown = invocation.options['all'] === true ? value : value.slice(0, usualRecords);
  return { value: shown, isCut: path !== undefined || shown.length < value.length };
}

/** A next link that leads elsewhere is not followed: the token would go along. */
function read({ api }: Invocation, path: string) {
  if (!path.startsWith('/api/audit?')) throw new Error('The app names a next page that is not its own.');
  return api({ path }, auditPage);
}

function recordTable(value: readonly AuditRecord[], { around }: Invocation): string {
  if (value.length === 0) return 'There are none.';
  const rows = value.map((record) => [
    localTime(record.at, around.timeZone),
    record.event.replace('request.', ''),
    actorOf(record),
    (record.virtualMachines ?? []).map(({ id }) => nameOf(id)).join(', '),
    whyOf(record),
  ]);
  const flexible = { isFlexible: true } as const;
  return table(
    [
      ...[{ title: 'WHEN' }, { title: 'WHAT' }, { title: 'BY', ...flexible }],
      ...[
        { title: 'VIRTUAL MACHINE', ...flexible },
        { title: 'WHY', ...flexible },
      ],
    ],
    rows,
    around.columns,
  );
}

/** That something is within policy is no news; why it was asked for is. */
function whyOf({ reasons, justification = '' }: AuditRecord): string {
  const told = reasons.filter(({ code }) => code !== 'within-policy');
  return told.map(({ message }) => message).join(' ') || justification;
}

function actorOf({ actor, requester }: AuditRecord): string {
  return actor === requester?.objectId ? requester.displayName : actor;
}
