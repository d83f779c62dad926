import { isLastingPartition } from '../core/auditRecord.ts';
import type { Seal } from '../core/seal.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';

/** A partition of the audit that may have to be sealed. */
export interface Candidate {
  partition: string;
  /**
   * `request`: an ended one. `day`: of refused credentials. `lasting`: of an NSG or a policy, which never ends and is
   * sealed as far as it is. `indexed`: a denied submission, or nothing of ours.
   */
  kind: 'request' | 'day' | 'lasting' | 'indexed';
  /** Where in the index, for what has no live row: from when on it can be sealed, and its name. */
  position?: string;
}

export interface PartitionsToSeal {
  /** Ended requests, then the others in the order of their positions. */
  candidates: Candidate[];
  /** From where to where in the index this reaches. */
  indexedFrom: string;
  indexedUpTo: string;
}

const secondsPerDay = 24 * 60 * 60;
const dayOfRefusals = /^unauthenticated-\d{4}-\d{2}-\d{2}$/;

/**
 * Lists what may have ended and is not sealed, given the newest seal: two queries, and one more for each month since
 * that seal. Ended requests have a live row until they are sealed. Denied submissions and days of refused credentials
 * have none and are found in the index, five minutes late: a record that is being written is there by then.
 */
export async function partitionsToSeal(
  { live, audit }: Pick<Dependencies, 'live' | 'audit'>,
  newest: Seal | undefined,
  now: Date,
): Promise<PartitionsToSeal> {
  const settled = secondsAfter(now, -limits.keepEnded).toISOString();
  const reached = newest?.indexedUpTo ?? monthBefore(now);

  const unended = await live.unended();
  const ended = unended.filter(({ endedAt, sealed }) => endedAt !== undefined && sealed !== true);
  const known = new Set(unended.map(({ requestId }) => requestId));

  const indexed: (Candidate & { position: string })[] = [];
  // From a day earlier: a day's refusals stand under its beginning and can be sealed after its end.
  const from = secondsAfter(new Date(instantOf(reached)), -secondsPerDay).toISOString();
  for (const { partition, at } of await audit.indexed(from, settled)) {
    const kind = kindOf(partition);
    const position = `${kind === 'day' ? nextMidnight(at) : at}_${partition}`;
    if (position > reached && position < settled && !known.has(partition)) {
      indexed.push({ partition, kind, position });
    }
  }
  indexed.sort((a, b) => (a.position < b.position ? -1 : 1));
  // One that never ends is indexed with each of its records: once, at the last of them, is enough.
  const lastOf = new Map(indexed.map((candidate) => [candidate.partition, candidate]));
  return {
    candidates: [
      ...ended.map(({ requestId }) => ({ partition: requestId, kind: 'request' as const })),
      ...indexed.filter((candidate) => lastOf.get(candidate.partition) === candidate),
    ],
    indexedFrom: reached,
    indexedUpTo: settled,
  };
}

function kindOf(partition: string): 'day' | 'lasting' | 'indexed' {
  if (dayOfRefusals.test(partition)) return 'day';
  return isLastingPartition(partition) ? 'lasting' : 'indexed';
}

/** Where to begin when there is no seal: what was there before seals were is not searched for without bound. */
function monthBefore(now: Date): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1)).toISOString();
}

function nextMidnight(midnight: string): string {
  return secondsAfter(new Date(midnight), secondsPerDay).toISOString();
}

function instantOf(position: string): string {
  return position.slice(0, '2026-11-23T00:00:00.000Z'.length);
}
