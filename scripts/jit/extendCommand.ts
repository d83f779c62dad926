import { randomUUID } from 'node:crypto';
import { UsageError } from '../usageError.ts';
import { optionText, show } from './command.ts';
import type { Command } from './command.ts';
import { findRequest } from './findRequest.ts';
import { requestText } from './presentAccess.ts';
import { accessRequest } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import { isoDuration } from './times.ts';

/** `extend`: more time for what is open. */
export const extendCommand: Command = {
  usage: 'ID',
  summary: 'ask for more time, before the end',
  help: [
    '--for LENGTH              how much longer: 30m, 1h or PT1H; needed',
    '--reason TEXT             why; needed',
  ],
  options: { for: { type: 'string' }, reason: { type: 'string' } },
  async run(invocation) {
    const length = optionText(invocation.options, 'for');
    const justification = optionText(invocation.options, 'reason');
    if (length === undefined) throw new UsageError('Say how much longer: --for 30m.');
    if (justification === undefined) throw new UsageError('Say why: --reason "The restart takes longer".');
    const duration = isoDuration(length);
    const before = await findRequest(invocation);
    const extended = await invocation.api(
      {
        method: 'POST',
        path: `/api/access-requests/${before.id}/extend`,
        body: { duration, justification },
        idempotencyKey: randomUUID(),
      },
      accessRequest,
    );
    show(invocation, extended, () => requestText(extended, invocation.around));
    // Where policy wants approval the end is what it was until somebody has said yes.
    return extended.end === before.end ? exitCodes.waiting : exitCodes.ok;
  },
};
