/**
 * How many calls Azure Resource Manager still takes, from the headers of its answers.
 *
 * Since 2024 it counts in token buckets, per region, subscription, principal and kind of call. A fifth of each bucket is
 * kept for closes: what opens has to wait before what closes would.
 */

/** Whether Azure would take a write that opens. Closes are never asked. */
export type OpenStanding =
  | { opens: 'now' }
  /** What is left is kept for closes, or a quota is exhausted. */
  | { opens: 'later'; retryAfterSeconds: number };

/** What is known of the write budget of one subscription, from the headers of its answers. */
export interface WriteBudget {
  standing(subscriptionId: string): OpenStanding;
}

export type CallKind = 'read' | 'write';

/** What one answer says of the bucket that its call was counted in. */
export interface RateObservation {
  kind: CallKind;
  at: Date;
  /** From `x-ms-ratelimit-remaining-subscription-…`: what the bucket holds after this call. */
  remaining?: number;
  /** The answer was the 429 of a quota, with this Retry-After. */
  exhaustedForSeconds?: number;
}

/** What is known of one bucket. */
export interface Bucket {
  kind: CallKind;
  /** The largest remainder seen, at least what is documented. */
  capacity: number;
  /** At least this many calls were left at `at`, as far as anybody told us. */
  tokens: number;
  /** Milliseconds since 1970. */
  at: number;
  /** Until then every call is refused: milliseconds since 1970. */
  exhaustedUntil: number;
}

/** As Microsoft documents them: calls that fit into a bucket, and that come back in a second. */
export const documented = {
  read: { capacity: 250, perSecond: 25 },
  write: { capacity: 200, perSecond: 10 },
} as const;

/** Of each bucket, for closes. */
const keptForCloses = 1 / 5;
/** Of the bucket of reads, for opens and closes: a sweep that spent it all would keep people from opening. */
const keptFromLists = 2 / 5;
/** From here down polls become fewer; at what is kept for closes they are this many seconds apart. */
const wellFilled = 3 / 5;
const longestPauseBetweenPolls = 3;
/** A Retry-After beyond this is not believed: it would shut out everybody on one odd answer. */
const longestExhaustion = 300;

/**
 * Takes an answer in. Azure counts per region and answers overtake each other, so the least that was heard counts until it
 * is refilled: what is thought to be left is never more than the latest answer said, plus what came back since.
 */
export function observe(bucket: Bucket | undefined, observation: RateObservation): Bucket {
  const { kind, remaining, exhaustedForSeconds } = observation;
  const at = Math.max(observation.at.getTime(), bucket?.at ?? 0);
  const capacity = Math.max(bucket?.capacity ?? documented[kind].capacity, remaining ?? 0);
  const before = bucket === undefined ? capacity : tokensAt({ ...bucket, capacity }, at);
  const heard = exhaustedForSeconds === undefined ? (remaining ?? before) : 0;
  const exhaustedUntil =
    exhaustedForSeconds === undefined ? 0 : at + 1000 * Math.min(exhaustedForSeconds, longestExhaustion);
  return {
    kind,
    capacity,
    tokens: Math.max(0, Math.min(before, heard)),
    at,
    exhaustedUntil: Math.max(bucket?.exhaustedUntil ?? 0, exhaustedUntil),
  };
}

/** Whether one more call that opens leaves the bucket what is kept for closes, and when it would. */
export function standingOf(bucket: Bucket | undefined, now: Date): OpenStanding {
  if (bucket === undefined) return { opens: 'now' };
  const needed = bucket.capacity * keptForCloses + 1 - tokensAt(bucket, now.getTime());
  const refilled = needed <= 0 ? 0 : needed / documented[bucket.kind].perSecond;
  const wait = Math.max(refilled, (bucket.exhaustedUntil - now.getTime()) / 1000);
  return wait <= 0 ? { opens: 'now' } : { opens: 'later', retryAfterSeconds: Math.ceil(wait) };
}

/** The later of two standings. */
export function laterOf(one: OpenStanding, other: OpenStanding): OpenStanding {
  if (one.opens === 'now') return other;
  if (other.opens === 'now') return one;
  return one.retryAfterSeconds >= other.retryAfterSeconds ? one : other;
}

/** How many reads lists may spend now; whole, never negative. Their share of the refill over time is the sweep's to keep. */
export function readsLeft(bucket: Bucket | undefined, now: Date): number {
  const known = bucket ?? {
    kind: 'read' as const,
    capacity: documented.read.capacity,
    tokens: documented.read.capacity,
    at: now.getTime(),
    exhaustedUntil: 0,
  };
  if (known.exhaustedUntil > now.getTime()) return 0;
  return Math.max(0, Math.floor(tokensAt(known, now.getTime()) - known.capacity * keptFromLists));
}

/**
 * How far apart, in seconds, the state of one operation may be asked for: a poll is a read like any other. As often as the
 * caller likes while the bucket is well filled, then less and less.
 */
export function pauseBetweenPolls(bucket: Bucket | undefined, now: Date): number {
  if (bucket === undefined) return 0;
  const filled = tokensAt(bucket, now.getTime()) / bucket.capacity;
  const scarcity = (wellFilled - filled) / (wellFilled - keptForCloses);
  return longestPauseBetweenPolls * Math.min(1, Math.max(0, scarcity));
}

function tokensAt({ kind, capacity, tokens, at }: Bucket, milliseconds: number): number {
  const refill = (Math.max(0, milliseconds - at) / 1000) * documented[kind].perSecond;
  return Math.min(capacity, tokens + refill);
}
