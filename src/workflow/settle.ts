import { finalStates, type AccessRequest, type LiveRow } from '../core/accessRequest.ts';
import type { LiveRows } from '../core/stores.ts';
import { limits, secondsAfter, type Dependencies } from './dependencies.ts';
import { recordJournal } from './recordJournal.ts';

/**
 * Brings the audit and the live rows up to a request's row, before anything else is done with it.
 *
 * An opening needs its record first (no intent, no open). A close does not wait for a table that is down: its rows go
 * first, and the record follows from the journal. Returns the row with `recorded` as now known; it is written with the
 * next change. `seenAt` is when the caller read the request, or earlier. Throws when records or rows cannot be written,
 * or when the request was read too long ago to make a row from it.
 */
export async function settle(
  dependencies: Pick<Dependencies, 'audit' | 'live' | 'clock' | 'log'>,
  request: AccessRequest,
  seenAt: Date,
): Promise<AccessRequest> {
  const { audit, clock, log } = dependencies;
  if (request.state !== 'closing') {
    const recorded = await recordJournal(request, audit, clock.now());
    await copyToLive(dependencies, request, seenAt);
    return { ...request, recorded };
  }
  await copyToLive(dependencies, request, seenAt);
  try {
    return { ...request, recorded: await recordJournal(request, audit, clock.now()) };
  } catch (error) {
    log.error('audit-behind: closing goes ahead, its record follows', {
      requestId: request.id,
      correlationId: request.correlationId,
      cause: error instanceof Error ? error.name : 'unknown',
    });
    return request;
  }
}

/** Copies state, times and version to each live row; an older version never replaces a newer one. */
async function copyToLive(
  { live, clock }: Pick<Dependencies, 'live' | 'clock'>,
  request: AccessRequest,
  seenAt: Date,
): Promise<void> {
  // The rows of an ended request are removed after a while. Whoever stalled longer than that would find an empty place
  // and open again what was closed.
  const mayInsert = () => clock.now() < secondsAfter(seenAt, limits.insertWithin);
  await Promise.all(
    request.targets.map((target) =>
      copyOne(
        live,
        {
          nsgId: target.nsgId,
          requestId: request.id,
          version: request.version,
          state: request.state,
          start: request.start,
          end: request.end,
          boxes: target.boxes,
        },
        mayInsert,
      ),
    ),
  );
}

async function copyOne(live: LiveRows, row: LiveRow, mayInsert: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const current = await live.get(row.nsgId, row.requestId);
    if (current === undefined) {
      // The rows of an ended request are removed by the sweep; nobody needs them back.
      if (finalStates.has(row.state)) return;
      if (!mayInsert())
        throw new Error(`Request ${row.requestId} was read too long ago to make its live row.`);
      if ((await live.insert(row)) === 'inserted') return;
      continue;
    }
    if (current.row.version >= row.version) return;
    if ((await live.replace(row, current.etag)) === 'replaced') return;
  }
  throw new Error(`The live row of request ${row.requestId} was changed by others ten times in a row.`);
}
