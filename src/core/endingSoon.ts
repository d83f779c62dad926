import type { AccessRequest } from './accessRequest.ts';
import { note } from './journal.ts';

/**
 * The grant with a note that it ends in a few minutes, undefined where there is nothing to note: once for each end, and not
 * for a grant that is hardly longer than the warning comes before it.
 */
export function warnOfEnd(
  request: AccessRequest,
  { now, seconds, actor }: { now: Date; seconds: number; actor: string },
): AccessRequest | undefined {
  const [start, end] = [Date.parse(request.start), Date.parse(request.end)];
  const left = end - now.getTime();
  const isNear = request.state === 'active' && left > 0 && left <= seconds * 1000;
  if (!isNear || end - start < 2 * seconds * 1000 || isWarned(request)) return undefined;
  return note(request, 'ending-soon', {
    at: now,
    actor,
    reasons: [{ code: 'ending-soon', message: `It ends at ${request.end}. Until then it may be extended.` }],
  });
}

function isWarned({ journal }: AccessRequest): boolean {
  const events = journal.map(({ event }) => event);
  return events.lastIndexOf('ending-soon') > events.lastIndexOf('extended');
}
