import type { AccessRequest } from '../core/accessRequest.ts';
import { causeOf } from '../core/cause.ts';
import { UnreadableRowError, type Stored, type UnendedRow } from '../core/stores.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';

/** One request that has not ended, or ended so recently that its rows are still there. */
export interface WalkedRequest {
  unended: UnendedRow;
  /** Absent where its POST died between the two rows, or has not got to the second. */
  stored?: Stored<AccessRequest>;
  seenAt: Date;
}

/** What the sweep read of the requests. */
export interface Walk {
  requests: WalkedRequest[];
  /** Requests whose row could not be read, be it damaged. */
  failed: number;
  /** Not read within the time limit. */
  left: number;
  /** Every row was read that is not damaged. */
  isWhole: boolean;
}

/** Seconds after which no further request is read. */
const timeLimit = 60;

/** Reads every request that has not ended. Throws where they cannot be listed. */
export async function walkRequests(
  { requests, live, clock, log }: Pick<Dependencies, 'requests' | 'live' | 'clock' | 'log'>,
  began: Date,
): Promise<Walk> {
  const walk: Walk = { requests: [], failed: 0, left: 0, isWhole: true };
  await inParallel(await live.unended(), async (unended) => {
    const seenAt = clock.now();
    if (seenAt > secondsAfter(began, timeLimit)) {
      walk.left += 1;
      return;
    }
    try {
      const stored = await requests.get(unended.requestId);
      walk.requests.push({ unended, seenAt, ...(stored === undefined ? {} : { stored }) });
    } catch (error) {
      walk.failed += 1;
      if (!(error instanceof UnreadableRowError)) walk.isWhole = false;
      log.error('sweep-failed', { requestId: unended.requestId, cause: causeOf(error) });
    }
  });
  return walk;
}
