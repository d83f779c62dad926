import { randomUUID } from 'node:crypto';
import { UsageError } from '../usageError.ts';
import { optionText, show } from './command.ts';
import type { Command } from './command.ts';
import { findRequest } from './findRequest.ts';
import { requestText } from './presentAccess.ts';
import { accessRequest } from './shapes.ts';
import { exitCodes } from './surroundings.ts';

/** `approve`: one person's yes. */
export const approveCommand = decisionCommand('approve', 'say yes to a request that waits for approval');
/** `deny`: ends it. */
export const denyCommand = decisionCommand('deny', 'say no to a request that waits for approval');

/** `review`: that somebody has looked at why approval was skipped. */
export const reviewCommand: Command = {
  usage: 'ID',
  summary: 'say that you have looked at why approval was skipped',
  help: ['--comment TEXT            what you found, for the audit; needed'],
  options: { comment: { type: 'string' } },
  async run(invocation) {
    const comment = optionText(invocation.options, 'comment');
    if (comment === undefined) throw new UsageError('Say what you found: --comment "It had stopped indeed".');
    const { id } = await findRequest(invocation, 'review=open');
    const path = `/api/access-requests/${id}/review`;
    const ask = { method: 'POST', path, body: { comment }, idempotencyKey: randomUUID() } as const;
    const reviewed = await invocation.api(ask, accessRequest);
    show(invocation, reviewed, () => requestText(reviewed, invocation.around));
    return exitCodes.ok;
  },
};

function decisionCommand(decision: 'approve' | 'deny', summary: string): Command {
  return {
    usage: 'ID',
    summary,
    help: ['--comment TEXT            why, for the audit; needed'],
    options: { comment: { type: 'string' } },
    async run(invocation) {
      const comment = optionText(invocation.options, 'comment');
      if (comment === undefined) throw new UsageError('Say why: --comment "Agreed with the owner".');
      const { id, end, extension } = await findRequest(invocation, 'decidable=true');
      const path = `/api/access-requests/${id}/decision`;
      // Of what is found now: something else may wait by the time that this arrives.
      const body = { decision, comment, end: extension?.end ?? end };
      const ask = { method: 'POST', path, body, idempotencyKey: randomUUID() } as const;
      const decided = await invocation.api(ask, accessRequest);
      show(invocation, decided, () => requestText(decided, invocation.around));
      return exitCodes.ok;
    },
  };
}
