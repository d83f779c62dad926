import { UsageError } from '../usageError.ts';
import { optionText, show } from './command.ts';
import type { Command } from './command.ts';
import { findRequest } from './findRequest.ts';
import { requestTable, requestText } from './presentAccess.ts';
import { accessRequest, accessRequests } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import { secondsOf } from './requestCommand.ts';
import { exitCodeOf, waitUntil } from './waitUntil.ts';

/** `list`: what has not ended. */
export const listCommand: Command = {
  usage: '',
  summary: 'requests that have not ended, newest first',
  help: [
    '--state STATE             pending, scheduled, opening, active or closing',
    '--mine                    only your own, for whoever sees everybody’s',
    '--to-decide               what waits for your approval',
    '--to-review               what skipped approval, and nobody has looked at yet',
  ],
  options: {
    state: { type: 'string' },
    mine: { type: 'boolean' },
    'to-decide': { type: 'boolean' },
    'to-review': { type: 'boolean' },
  },
  async run(invocation) {
    if (invocation.words.length > 0) throw new UsageError('list takes no words.');
    const state = optionText(invocation.options, 'state');
    const query = new URLSearchParams({
      ...(state !== undefined && { state }),
      ...(invocation.options['mine'] === true && { mine: 'true' }),
      ...(invocation.options['to-decide'] === true && { decidable: 'true' }),
      ...(invocation.options['to-review'] === true && { review: 'open' }),
    }).toString();
    const answer = await invocation.api(
      { path: `/api/access-requests${query === '' ? '' : `?${query}`}` },
      accessRequests,
    );
    show(invocation, answer, () => requestTable(answer.value, invocation.around));
    return exitCodes.ok;
  },
};

/** `show`: one request. */
export const showCommand: Command = {
  usage: 'ID',
  summary: 'everything about one request; of an ended one give the whole id',
  help: [],
  options: {},
  async run(invocation) {
    const request = await findRequest(invocation);
    show(invocation, request, () => requestText(request, invocation.around));
    return exitCodes.ok;
  },
};

/** `end`: shuts what is open, and waits until it is. */
export const endCommand: Command = {
  usage: 'ID',
  summary: 'end access early, and wait until the ports are shut',
  help: [
    '--comment TEXT            why, for the audit',
    '--no-wait                 come back as soon as it is told',
    '--timeout SECONDS         how long to wait (120)',
  ],
  options: { comment: { type: 'string' }, 'no-wait': { type: 'boolean' }, timeout: { type: 'string' } },
  async run(invocation) {
    const timeout = secondsOf(optionText(invocation.options, 'timeout') ?? '120');
    const { id } = await findRequest(invocation);
    const comment = optionText(invocation.options, 'comment');
    const told = await invocation.api(
      {
        ...{ method: 'POST', path: `/api/access-requests/${id}/revoke` },
        ...(comment !== undefined && { body: { comment } }),
      },
      accessRequest,
    );
    const request =
      invocation.options['no-wait'] === true ? told : await waitUntil(invocation, told, 'closed', timeout);
    show(invocation, request, () => requestText(request, invocation.around));
    return exitCodeOf(request, 'closed');
  },
};
