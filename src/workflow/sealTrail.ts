import type { AuditRecord } from '../core/auditRecord.ts';
import { causeOf } from '../core/cause.ts';
import { chainSeal, partitionsPerSeal, type Seal, type SealedPartition } from '../core/seal.ts';
import { eventOf, refusedEvent, verifyTrail } from '../core/verifyTrail.ts';
import { adoptedEvent } from './adoptInstallation.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { inParallel } from './inParallel.ts';
import { partitionsToSeal, type Candidate } from './partitionsToSeal.ts';

export type SealDependencies = Pick<Dependencies, 'requests' | 'live' | 'audit' | 'seals' | 'clock' | 'log'>;

/** What one call did, for the log. */
export interface SealReport {
  /** Seals that were written. */
  seals: number;
  /** Partitions that they name. */
  partitions: number;
  failed: number;
  /** Not reached; the next sweep takes them. */
  left: number;
}

const candidatesPerCall = 2000;
/** Seconds after which no further partition is read. */
const timeLimit = 60;
/** Seconds after which what cannot be read no longer holds up what was indexed after it. */
const patience = 3600;

type Read = SealedPartition | 'nothing-to-seal' | 'unread';
interface Pending {
  candidate: Candidate;
  entry: SealedPartition;
}

/**
 * Seals what has ended since the newest seal: requests, denied submissions, days of refused credentials. Writes nothing
 * where nothing has. May be killed anywhere, repeated and raced at will: who loses a number reads what won it and seals
 * what that left. A partition that two seals name is harmless.
 *
 * Logs the newest seal on every call, not only a new one: a line that a crash, sampling or the log's retention took
 * away comes again. One partition's failure does not stop the others; storage errors of the seals pass through.
 */
export async function sealTrail(dependencies: SealDependencies): Promise<SealReport> {
  const { requests, live, audit, seals, clock, log } = dependencies;
  const began = clock.now();
  const report: SealReport = { seals: 0, partitions: 0, failed: 0, left: 0 };

  // The newest seal comes first: what is sealed after it is met as a conflict, what was sealed before it is marked.
  let head = await seals.newest();
  const due = await partitionsToSeal(dependencies, head, began);
  const taken = due.candidates.slice(0, candidatesPerCall);
  const read = await readAll(taken);
  const { pending: found, indexedUpTo } = inOrder(taken, read);
  let pending = head === undefined ? found : await withoutSealed(found, [head]);
  let logged = false;

  while (pending.length > 0) {
    const chunk = pending.slice(0, partitionsPerSeal);
    const rest = pending.slice(partitionsPerSeal);
    const seal = chainSeal(
      {
        at: laterOf(began.toISOString(), head?.at),
        sealed: chunk.map(({ entry }) => entry),
        indexedUpTo: laterOf(
          rest.length === 0 ? indexedUpTo : lastPosition(chunk),
          head?.indexedUpTo ?? due.indexedFrom,
        ),
      },
      head,
    );
    if ((await seals.insert(seal)) === 'inserted') {
      tell(seal);
      logged = true;
      report.seals += 1;
      report.partitions += chunk.length;
      await mark(chunk);
      head = seal;
      pending = rest;
    } else {
      const since = await seals.after(head?.number ?? 0);
      head = since.at(-1);
      if (head === undefined) throw new Error(`Seal ${seal.number} exists and cannot be found.`);
      pending = await withoutSealed(pending, since);
    }
  }
  if (!logged && head !== undefined) tell(head);
  return report;

  function tell({ number, hash }: Seal): void {
    log.info('seal', { number, hash });
  }

  /** Reads every candidate, several at a time. */
  async function readAll(candidates: readonly Candidate[]): Promise<Map<Candidate, Read>> {
    const results = new Map<Candidate, Read>();
    await inParallel(candidates, async (candidate) => {
      if (clock.now() > secondsAfter(began, timeLimit)) return;
      const result = await attempt(candidate, () => readOne(candidate));
      results.set(candidate, result ?? 'unread');
    });
    report.left = due.candidates.length - results.size;
    return results;
  }

  async function readOne({ partition, kind }: Candidate): Promise<Read> {
    const row = kind === 'request' ? (await requests.get(partition))?.row : undefined;
    // Somebody has just reviewed it; the sweep completes its records first.
    if (row !== undefined && row.recorded < row.journal.length) return 'unread';
    const records = await audit.read(partition);
    if (kind === 'indexed' && !standsAlone(records)) return 'nothing-to-seal';
    if (kind !== 'request' && records.length === 0) return 'nothing-to-seal';
    // Ended: every entry of the journal has its record by now.
    const witness = row === undefined ? undefined : { recorded: row.journal.length, journal: row.journal };
    const findings = verifyTrail(partition, records, witness);
    if (findings.length > 0) {
      // Sealed as it is, so that it cannot be touched up later; the log says that it was not whole.
      const faults = findings.map(({ sequence, fault }) => `${fault} ${sequence}`);
      log.error('seal-of-damaged-records: run audit:verify', { partition, faults: faults.slice(0, 10) });
    }
    const last = records.at(-1);
    return { partition, count: last?.sequence ?? 0, headHash: last?.hash ?? '' };
  }

  /**
   * What is to be sealed, in order, and how far in the index this reaches: no further than to what could not be read,
   * unless that has been so for long.
   */
  function inOrder(candidates: readonly Candidate[], results: ReadonlyMap<Candidate, Read>) {
    const pending: Pending[] = [];
    let reached = due.indexedFrom;
    for (const candidate of candidates) {
      const result = results.get(candidate) ?? 'unread';
      const { position } = candidate;
      if (result === 'unread') {
        const given = secondsAfter(began, -patience).toISOString();
        if (position === undefined || (results.has(candidate) && position < given)) continue;
        return { pending, indexedUpTo: reached };
      }
      reached = position ?? reached;
      if (result !== 'nothing-to-seal') pending.push({ candidate, entry: result });
    }
    const whole = candidates.length === due.candidates.length;
    return { pending, indexedUpTo: whole ? due.indexedUpTo : reached };
  }

  /** What these seals have not sealed yet. What they have is marked: whoever wrote them may have died before that. */
  async function withoutSealed(pending: readonly Pending[], since: readonly Seal[]): Promise<Pending[]> {
    const named = new Set(since.flatMap(({ sealed }) => sealed.map(keyOf)));
    const upTo = since.at(-1)?.indexedUpTo ?? '';
    const isSealed = ({ candidate: { position }, entry }: Pending) =>
      named.has(keyOf(entry)) || (position !== undefined && position <= upTo);
    await mark(pending.filter(isSealed));
    return pending.filter((each) => !isSealed(each));
  }

  async function mark(sealed: readonly Pending[]): Promise<void> {
    const ofRequests = sealed.map(({ candidate }) => candidate).filter(({ kind }) => kind === 'request');
    await inParallel(ofRequests, (candidate) =>
      attempt(candidate, () => live.markSealed(candidate.partition)),
    );
  }

  async function attempt<T>({ partition }: Candidate, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      report.failed += 1;
      log.error('seal-failed', { partition, cause: causeOf(error) });
      return undefined;
    }
  }
}

/** Of what is indexed and has no live row, only what is complete with its first record is sealed by the index. */
function standsAlone(records: readonly AuditRecord[]): boolean {
  const event = records[0]?.event;
  return event !== undefined && [eventOf({ event: 'denied' }), refusedEvent, adoptedEvent].includes(event);
}

function lastPosition(chunk: readonly Pending[]): string {
  return chunk.findLast(({ candidate }) => candidate.position !== undefined)?.candidate.position ?? '';
}

function keyOf({ partition, headHash }: SealedPartition): string {
  return `${partition} ${headHash}`;
}

/** Clocks of several workers differ; a seal is never earlier than the one before it. */
function laterOf(instant: string, other: string | undefined): string {
  return other !== undefined && other > instant ? other : instant;
}
