import { obstacleToStart, startOf } from '../core/chosenStart.ts';
import type { Submission } from './contracts.ts';
import type { Dependencies } from './dependencies.ts';
import { judgeRequest } from './judgeRequest.ts';
import type { OverQuota, PersonQuota } from './personQuota.ts';
import { idOf } from './submit.ts';

/** Which of several submissions would be refused as things stand. */
export type JudgedTogether = { kind: 'judged'; refused: Submission[] } | OverQuota;

/**
 * Judges submissions of one person that belong together, before the first of them is submitted, so that nothing is opened
 * whose other half is refused. Stores nothing and counts nothing. What an Idempotency-Key names already is not judged again.
 */
export async function judgeTogether(
  dependencies: Dependencies,
  quota: PersonQuota,
  submissions: readonly Submission[],
): Promise<JudgedTogether> {
  const { clock, live, newId } = dependencies;
  const [first] = submissions;
  if (first === undefined) return { kind: 'judged', refused: [] };
  const { objectId } = first.requester;
  const overCalls = quota.overCalls(objectId, clock.now(), submissions.length);
  if (overCalls !== undefined) return overCalls;
  const fresh: Submission[] = [];
  for (const submission of submissions) {
    const isKnown =
      submission.idempotencyKey !== undefined &&
      (await dependencies.requests.get(idOf(submission, newId))) !== undefined;
    if (!isKnown) fresh.push(submission);
  }
  if (fresh.length === 0) return { kind: 'judged', refused: [] };
  const overLive = await quota.live(live, objectId, clock.now(), fresh.length);
  if (overLive !== undefined) return overLive;
  const refused: Submission[] = [];
  for (const submission of fresh) {
    if (!(await isAdmitted(dependencies, submission))) refused.push(submission);
  }
  return { kind: 'judged', refused };
}

async function isAdmitted(dependencies: Dependencies, submission: Submission): Promise<boolean> {
  const { clock, newId } = dependencies;
  if (obstacleToStart(submission, clock.now()) !== undefined) return false;
  const start = startOf({ chosenStart: submission.start }, clock.now());
  return (await judgeRequest(dependencies, { ...submission, id: newId(), start })).kind === 'admitted';
}
