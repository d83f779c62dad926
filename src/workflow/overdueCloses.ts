import { finalStates, type AccessRequest } from '../core/accessRequest.ts';
import { enteredAt, wasNeverWanted } from '../core/journal.ts';
import { UnreadableRowError } from '../core/stores.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';

/** Closes whose time came more than 15 s ago, after which the sweep takes over. */
export interface OverdueCloses {
  count: number;
  oldest?: {
    requestId: string;
    /** Since when it should be shut, ISO 8601. */
    since: string;
    /** Those of its path: on which of them it is shut by now is in no row. */
    networkSecurityGroups: string[];
  };
  /** Requests whose row was not read in time, or is damaged. */
  unread: number;
}

/**
 * Looks for them by the rows of all requests that have not ended, as far as these can be read before `notAfter`. Throws
 * where the tables do not answer.
 */
export async function findOverdueCloses(
  { requests, live, clock }: Pick<Dependencies, 'requests' | 'live' | 'clock'>,
  notAfter: Date,
): Promise<OverdueCloses> {
  const overdue: { row: AccessRequest; since: Date }[] = [];
  let unread = 0;
  const unended = (await live.unended()).filter(({ endedAt }) => endedAt === undefined);
  await inParallel(unended, async ({ requestId }) => {
    if (clock.now() > notAfter) {
      unread += 1;
      return;
    }
    const row = await requests.get(requestId).then(
      (stored) => stored?.row,
      (error: unknown) => {
        if (!(error instanceof UnreadableRowError)) throw error;
        unread += 1;
        return undefined;
      },
    );
    const since = row === undefined ? undefined : dueSince(row);
    if (row !== undefined && since !== undefined && clock.now() > secondsAfter(since, limits.overdue))
      overdue.push({ row, since });
  });
  const [oldest] = overdue.sort((one, other) => one.since.getTime() - other.since.getTime());
  if (oldest === undefined) return { count: 0, unread };
  const { row, since } = oldest;
  const networkSecurityGroups = row.targets.map(({ nsgId }) => nsgId);
  return {
    count: overdue.length,
    oldest: { requestId: row.id, since: since.toISOString(), networkSecurityGroups },
    unread,
  };
}

/** When it is, or was, to be shut: at its end, or when somebody or something ended it before. */
function dueSince(row: AccessRequest): Date | undefined {
  if (finalStates.has(row.state) || wasNeverWanted(row)) return undefined;
  const end = new Date(row.end);
  const closing = row.state === 'closing' ? enteredAt(row, 'closing') : undefined;
  return closing !== undefined && closing < end ? closing : end;
}
