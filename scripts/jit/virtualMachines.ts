import { UsageError } from '../usageError.ts';
import { show } from './command.ts';
import type { Command, Invocation } from './command.ts';
import { nameOf, portText } from './presentAccess.ts';
import { policies } from './shapes.ts';
import type { Policy } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import { table } from './table.ts';

/** `vms`: what the policies that one may read say of which machines. */
export const vmsCommand: Command = {
  usage: '',
  summary: 'virtual machines and what may be asked for there, by the policies that you may read',
  help: [],
  options: {},
  async run(invocation) {
    if (invocation.words.length > 0) throw new UsageError('vms takes no words.');
    const answer = await readPolicies(invocation);
    show(invocation, answer, () => policyTable(answer.value, invocation));
    return exitCodes.ok;
  },
};

/**
 * ARM ids of the virtual machines that the words name; what is no id is the name of one that a policy names.
 * Throws UsageError if it is not exactly one.
 */
export async function virtualMachineIds(invocation: Invocation): Promise<string[]> {
  const { words } = invocation;
  if (words.length === 0) throw new UsageError('Name a virtual machine.');
  if (words.every((word) => word.startsWith('/'))) return words;
  const { value } = await readPolicies(invocation);
  const known = value.flatMap(({ entries }) =>
    entries.flatMap(({ selector }) => selector.virtualMachineIds ?? []),
  );
  // One machine may be written in several ways, in several policies.
  const ids = [...new Map(known.map((id) => [id.toLowerCase(), id])).values()];
  return words.map((word) => {
    if (word.startsWith('/')) return word;
    const found = ids.filter((id) => nameOf(id).toLowerCase() === word.toLowerCase());
    const [id, another] = found;
    if (id === undefined) {
      throw new UsageError(`No policy that you may read names ${word}: give its ARM id, /subscriptions/….`);
    }
    if (another !== undefined) throw new UsageError(`Several are called ${word}: ${found.join(', ')}.`);
    return id;
  });
}

function readPolicies({ api }: Invocation) {
  return api({ path: '/api/policies' }, policies);
}

function policyTable(value: readonly Policy[], { around }: Invocation): string {
  const rows = value.flatMap(({ id, entries, conditions }) =>
    entries.flatMap(({ selector, ports }) =>
      namesOf(selector).flatMap((name) =>
        ports.map((port) => [
          name,
          portText(port),
          port.allowedSourceAddressPrefixes.join(', '),
          port.maxRequestAccessDuration,
          conditions.approval === undefined ? '' : `by ${conditions.approval.approvers}`,
          id.startsWith('/') ? nameOf(id) : id,
        ]),
      ),
    ),
  );
  if (rows.length === 0) return 'There are none that you may read.';
  const flexible = { isFlexible: true } as const;
  return table(
    [
      ...[{ title: 'VIRTUAL MACHINE', ...flexible }, { title: 'PORT' }, { title: 'FROM', ...flexible }],
      ...[{ title: 'AT MOST' }, { title: 'APPROVAL' }, { title: 'POLICY', ...flexible }],
    ],
    rows,
    around.columns,
  );
}

/** Machines by name; those of a scope as it is written, with the tags they must have. */
function namesOf({ virtualMachineIds: ids, scopes = [], tags = {} }: Policy['entries'][number]['selector']) {
  if (ids !== undefined) return ids.map(nameOf);
  const wanted = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  return scopes.map((scope) => [`all in ${scope}`, ...wanted].join(', '));
}
