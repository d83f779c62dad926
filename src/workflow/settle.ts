import {
  finalStates,
  isRunning,
  type AccessRequest,
  type LiveRow,
  type SeenGrant,
} from '../core/accessRequest.ts';
import { wasNeverWanted } from '../core/journal.ts';
import type { Stored } from '../core/stores.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { recordJournal, type KnownRecords } from './recordJournal.ts';

/** What was last read back of a grant: NSG id, as the request's targets spell it → what its live row says. */
export type SeenOnPath = ReadonlyMap<string, SeenGrant>;

/**
 * What one caller has read or made itself, so that it is not read again. It may be old by now: records are only added to,
 * and a row is only replaced under its ETag.
 */
export interface AlreadyRead extends KnownRecords {
  /** By NSG id, as the request's targets spell it: the live row, or undefined where there is none. */
  rows: Map<string, Stored<LiveRow> | undefined>;
}

export interface Settled {
  /** The request, with `recorded` as now known; it is written with the next change. */
  request: AccessRequest;
  seen: SeenOnPath;
}

/**
 * Brings the audit and the live rows up to a request's row, before anything else is done with it.
 *
 * An opening needs its record first (no intent, no open). A close does not wait for a table that is down: its rows go
 * first, and the record follows from the journal. `seenAt` is when the caller read the request, or earlier; `readBack` is
 * what the caller has read back of the grant, to be noted with its live rows; `known` is brought up to date. Throws when
 * records or rows cannot be written, or when the request was read too long ago to make a row from it.
 */
export async function settle(
  dependencies: Pick<Dependencies, 'audit' | 'live' | 'clock' | 'log'>,
  request: AccessRequest,
  seenAt: Date,
  readBack: SeenOnPath = new Map(),
  known: AlreadyRead = { rows: new Map() },
): Promise<Settled> {
  const { audit, clock, log } = dependencies;
  if (request.state !== 'closing') {
    const recorded = await recordJournal(request, audit, clock.now(), known);
    const seen = await copyToLive(dependencies, request, seenAt, readBack, known);
    return { request: { ...request, recorded }, seen };
  }
  const seen = await copyToLive(dependencies, request, seenAt, readBack, known);
  try {
    return {
      request: { ...request, recorded: await recordJournal(request, audit, clock.now(), known) },
      seen,
    };
  } catch (error) {
    log.error('audit-behind: closing goes ahead, its record follows', {
      requestId: request.id,
      correlationId: request.correlationId,
      cause: error instanceof Error ? error.name : 'unknown',
    });
    return { request, seen };
  }
}

/** Copies state, times and version to each live row; an older version never replaces a newer one. */
async function copyToLive(
  { live, clock }: Pick<Dependencies, 'live' | 'clock'>,
  request: AccessRequest,
  seenAt: Date,
  readBack: SeenOnPath,
  known: AlreadyRead,
): Promise<SeenOnPath> {
  // What is not wanted yet is nothing that a reconcile must act on.
  if (wasNeverWanted(request)) return new Map();
  // The rows of an ended request are removed after a while. Whoever stalled longer than that would find an empty place
  // and open again what was closed.
  const mayInsert = () => clock.now() < secondsAfter(seenAt, limits.insertWithin);
  const seen = new Map<string, SeenGrant>();
  await Promise.all(
    request.targets.map(async ({ nsgId, boxes, accepted }) => {
      const row: LiveRow = {
        nsgId,
        requestId: request.id,
        version: request.version,
        state: request.state,
        start: request.start,
        end: request.end,
        boxes,
        ...(accepted === undefined ? {} : { accepted }),
        ...(request.flushConnection === true ? { flushConnection: true } : {}),
      };
      const found = await copyOne({ live, clock }, row, readBack.get(nsgId), known, mayInsert);
      if (found !== undefined) seen.set(nsgId, found);
    }),
  );
  return seen;
}

/**
 * Returns what the row says was seen. It is carried over under the row's ETag, so that whoever notes something else
 * meanwhile is not overlooked.
 */
async function copyOne(
  { live, clock }: Pick<Dependencies, 'live' | 'clock'>,
  row: LiveRow,
  readBack: SeenGrant | undefined,
  { rows }: AlreadyRead,
  mayInsert: () => boolean,
): Promise<SeenGrant | undefined> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const isKnown = rows.has(row.nsgId) && !((rows.get(row.nsgId)?.row.version ?? 0) >= row.version);
    const current = isKnown ? rows.get(row.nsgId) : await live.get(row.nsgId, row.requestId);
    rows.delete(row.nsgId);
    if (current === undefined) {
      // The rows of an ended request are removed by the sweep; nobody needs them back.
      if (finalStates.has(row.state)) return undefined;
      if (!mayInsert())
        throw new Error(`Request ${row.requestId} was read too long ago to make its live row.`);
      if ((await live.insert(row)) === 'inserted') return undefined;
      continue;
    }
    if (current.row.version >= row.version) {
      rows.set(row.nsgId, current);
      return current.row.seen;
    }
    const seen = readBack ?? stillTrue(current.row, row, clock.now());
    const wanted = seen === undefined ? row : { ...row, seen };
    if ((await live.replace(wanted, current.etag)) === 'replaced') return seen;
  }
  throw new Error(`The live row of request ${row.requestId} was changed by others ten times in a row.`);
}

/**
 * Seconds before the former end of a grant that is extended from which on another worker may have taken its rules away:
 * its clock may be ahead of ours, and it may have read the live row while ours was on its way.
 */
const endsElsewhere = 90;

/**
 * What was last read back of a grant, for its newer row. An extension brings back what was over, or may be over for a
 * worker whose clock is ahead. What was seen shut is wanted again, and what was seen open and is gone was taken away by
 * that worker: carried over, the one would call a close proven, the other would be taken for somebody's doing.
 */
function stillTrue(before: LiveRow, row: LiveRow, now: Date): SeenGrant | undefined {
  const isExtended = isRunning(row) && Date.parse(row.end) > Date.parse(before.end);
  if (!isExtended || before.seen === undefined) return before.seen;
  const mayBeGone = now >= secondsAfter(new Date(before.end), -endsElsewhere);
  return before.seen.state === 'shut' || mayBeGone ? undefined : before.seen;
}
