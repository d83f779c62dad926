import { UsageError } from '../usageError.ts';
import { show } from './command.ts';
import type { Command } from './command.ts';
import { nameOf } from './presentAccess.ts';
import { recommendations } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import { table } from './table.ts';

/** `recommendations`: what is open without anybody's grant. */
export const recommendationsCommand: Command = {
  usage: '',
  summary: 'management ports that are open without a grant; --json has a policy against each, ready to PUT',
  help: [],
  options: {},
  async run(invocation) {
    if (invocation.words.length > 0) throw new UsageError('recommendations takes no words.');
    const { api, around } = invocation;
    const answer = await api({ path: '/api/recommendations' }, recommendations);
    const flexible = { isFlexible: true } as const;
    const rows = answer.value.flatMap(({ virtualMachine, exposedPorts }) =>
      exposedPorts.map(({ number, address, sources, rules }) => [
        nameOf(virtualMachine.id),
        String(number),
        address,
        sources.join(', '),
        rules.map(({ rule }) => rule).join(', '),
      ]),
    );
    const columns = [
      ...[{ title: 'VIRTUAL MACHINE', ...flexible }, { title: 'PORT' }, { title: 'ADDRESS' }],
      ...[
        { title: 'OPEN TO', ...flexible },
        { title: 'BY THE RULES', ...flexible },
      ],
    ];
    show(invocation, answer, () =>
      rows.length === 0 ? 'There are none.' : table(columns, rows, around.columns),
    );
    for (const id of answer.uncheckedSubscriptions) around.progress(`Not checked: subscription ${id}.`);
    for (const id of answer.unchecked) around.progress(`Too little is known to say: ${nameOf(id)}.`);
    return exitCodes.ok;
  },
};
