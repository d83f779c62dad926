import { isReviewOpen, obstacleToReview } from '../core/breakGlass.ts';
import { causeOf } from '../core/cause.ts';
import { note } from '../core/journal.ts';
import { changeRequest } from './changeRequest.ts';
import type { ReviewCall, ReviewResult } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { idempotentCall } from './idempotentCall.ts';
import { recordRefusal } from './recordRefusal.ts';
import type { RefusalQuota } from './refusalQuota.ts';
import { settle } from './settle.ts';

/**
 * Notes that somebody else has looked at why approval was skipped. It may be long after the end: the sweep then seals the
 * records once more, and only now puts the rows away.
 */
export async function reviewBreakGlass(
  dependencies: Pick<Dependencies, 'requests' | 'live' | 'audit' | 'clock' | 'log' | 'newId'>,
  quota: RefusalQuota,
  { id, caller, comment, correlationId, idempotencyKey }: ReviewCall,
): Promise<ReviewResult> {
  const { requests, clock, log } = dependencies;
  const now = clock.now();
  const existing = await requests.get(id);
  if (existing === undefined) return { kind: 'not-found' };
  const obstacle = obstacleToReview(existing.row, caller);
  if (obstacle !== undefined) {
    const wanted = { row: existing.row, caller, wanted: 'review' as const, comment, correlationId };
    await recordRefusal(dependencies, quota, { ...wanted, ...obstacle });
    return { kind: 'refused', ...obstacle };
  }
  const { objectId, displayName } = caller.person;
  const call = idempotencyKey && idempotentCall('review', id, caller.person, idempotencyKey);
  const earlier = call && existing.row.journal.find((entry) => entry.call?.key === call.key);
  if (earlier !== undefined) {
    if (earlier.call?.bodyHash !== call?.bodyHash) return { kind: 'key-reused' };
    return { kind: 'reviewed', request: existing.row };
  }
  const reviewed = { by: caller.person, at: now.toISOString(), comment };
  const { stored } = await changeRequest(
    requests,
    id,
    (current) =>
      isReviewOpen(current)
        ? note(
            current,
            'break-glass-reviewed',
            {
              ...{ at: now, actor: objectId, actorName: displayName, reasons: [], comment, correlationId },
              ...(call && { call }),
            },
            { breakGlass: { reviewed } },
          )
        : undefined,
    existing,
  );
  const by = stored.row.breakGlass?.reviewed;
  // Not by this very call: somebody was faster, or there never was anything to review.
  if (by?.by.objectId !== objectId || by.at !== reviewed.at) {
    return { kind: 'conflict', code: 'no-review-open', message: 'There is nothing to review here.' };
  }
  try {
    return { kind: 'reviewed', request: (await settle(dependencies, stored.row, now)).request };
  } catch (error) {
    log.error('review-left-to-sweep', { requestId: id, correlationId, cause: causeOf(error) });
    return { kind: 'reviewed', request: stored.row };
  }
}
