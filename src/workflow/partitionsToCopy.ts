import { isLastingPartition } from '../core/auditRecord.ts';
import type { AuditCopyState, CopiedPartition } from '../core/auditCopyState.ts';
import type { AuditTrail, Seals } from '../core/stores.ts';
import { secondsAfter } from './dependencies.ts';

/** Bounds of the copy's state, in seconds where nothing else is said. */
export const copyLimits = {
  /** Partitions in the state: some 300 KB of JSON, well below what a row holds. */
  partitions: 2000,
  /** So far back the index is read again: clocks differ, and what is being written has its entry first. */
  overlap: 600,
  /** So much of the index one run reads. */
  window: 24 * 3600,
  /** After this nothing is expected in a partition without records, and no seal for one that has ended. */
  patience: 24 * 3600,
} as const;

/** Where to begin at a sink that has nothing: with what was indexed since the beginning of the month before. */
export async function firstState(seals: Pick<Seals, 'newest'>, now: Date): Promise<AuditCopyState> {
  const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1));
  return {
    indexedFrom: from.toISOString(),
    indexedUpTo: from.toISOString(),
    // What older seals name was indexed since, or is not copied.
    seal: (await seals.newest())?.number ?? 0,
    day: dayOf(secondsAfter(from, -1).toISOString()),
    failures: 0,
    partitions: [],
  };
}

/**
 * The state with every partition that may hold something new, by two queries (one more for each month).
 *
 * The index names a partition when it begins, and lasting ones with each record; the day of refused credentials has a name
 * that is known. A record that was made long after its instant is not found so: a seal names its partition in the end.
 *
 * Of more partitions than the state holds, those go first of which nothing is expected; named again, they are sent again
 * from their beginning. Where none is left that can go, the index is followed later.
 */
export async function withNewPartitions(
  { audit, seals }: { audit: Pick<AuditTrail, 'indexed'>; seals: Pick<Seals, 'after'> },
  state: AuditCopyState,
  now: Date,
  limit: number,
): Promise<AuditCopyState> {
  // Another worker's clock was far ahead: what it read there had not been written yet.
  const wasAhead = state.indexedFrom > now.toISOString();
  const from = wasAhead ? secondsAfter(now, -copyLimits.overlap).toISOString() : state.indexedFrom;
  const end = secondsAfter(new Date(state.indexedUpTo), copyLimits.window).toISOString();
  const upTo = earlierOf(now.toISOString(), end);
  const [since, indexed] = await Promise.all([seals.after(state.seal), audit.indexed(from, upTo)]);

  const known = new Map(state.partitions.map((each) => [each.partition, { ...each }]));
  const resting = state.partitions.filter(({ rests }) => rests).sort((a, b) => (a.met < b.met ? -1 : 1));
  /** Of which something is named that was not named before. */
  const renewed = new Set<string>();
  let keptFrom = from;

  let day = state.day;
  for (let next = dayAfter(day); next <= dayOf(upTo); next = dayAfter(next)) {
    if (meet(`unauthenticated-${next}`, `${next}T00:00:00.000Z`) === 'no-room') break;
    day = next;
  }
  let indexedUpTo = upTo;
  let indexedPast: string | undefined;
  let followed: (typeof indexed)[number] | undefined;
  for (const entry of indexed) {
    const { partition, at } = entry;
    const isPast = at === state.indexedUpTo && partition <= (state.indexedPast ?? '');
    const met = isPast && !known.has(partition) ? 'let-go' : meet(partition, at);
    if (met === 'no-room') {
      indexedUpTo = at;
      if (followed?.at === at) indexedPast = followed.partition;
      break;
    }
    followed = entry;
    if (met === 'let-go') continue;
    if (isLastingPartition(partition)) {
      delete met.rests;
      if (at > met.met) renewed.add(partition);
    }
    met.met = laterOf(met.met, at);
  }
  let { seal, sealPast = 0 } = state;
  for (const { number, at, sealed } of since) {
    const missed = sealed.findIndex(({ partition, count }, place) => {
      if (count === 0 || (place < sealPast && !known.has(partition))) return false;
      const met = meet(partition, at);
      if (met === 'no-room') return true;
      met.sealed = true;
      if (count <= met.sequence) return false;
      renewed.add(partition);
      delete met.rests;
      delete met.endedAt;
      return false;
    });
    sealPast = Math.max(missed, 0);
    if (missed >= 0) break;
    seal = number;
  }
  const behind = secondsAfter(new Date(indexedUpTo), -copyLimits.overlap).toISOString();
  const indexedFrom = earlierOf(laterOf(keptFrom, behind), indexedUpTo);
  const { failures } = state;
  return {
    ...{ indexedFrom, indexedUpTo, seal, day, failures },
    ...(indexedPast !== undefined && { indexedPast }),
    ...(sealPast > 0 && { sealPast }),
    partitions: [...known.values()],
  };

  function meet(partition: string, at: string): CopiedPartition | 'no-room' {
    const existing = known.get(partition);
    if (existing !== undefined) return existing;
    if (known.size >= limit && !makeRoom()) return 'no-room';
    const met: CopiedPartition = { partition, sequence: 0, met: at };
    known.set(partition, met);
    return met;
  }

  /**
   * Lets the partition go that has rested longest, and reads the index no more where it would be met again: also one that is
   * looked at once more only because the index is read again, or so many in ten minutes would keep their places for ever.
   */
  function makeRoom(): boolean {
    for (let next = resting.shift(); next !== undefined; next = resting.shift()) {
      if (renewed.has(next.partition) || !known.delete(next.partition)) continue;
      keptFrom = laterOf(keptFrom, new Date(Date.parse(next.met) + 1).toISOString());
      return true;
    }
    return false;
  }
}

function dayOf(instant: string): string {
  return instant.slice(0, '2026-11-23'.length);
}

function dayAfter(day: string): string {
  return dayOf(secondsAfter(new Date(day), 24 * 3600).toISOString());
}

function earlierOf(instant: string, other: string): string {
  return instant < other ? instant : other;
}

function laterOf(instant: string, other: string): string {
  return instant > other ? instant : other;
}
