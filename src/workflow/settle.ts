import { finalStates, type AccessRequest, type LiveRow } from '../core/accessRequest.ts';
import type { LiveRows } from '../core/stores.ts';
import type { Dependencies } from './dependencies.ts';
import { recordJournal } from './recordJournal.ts';

/**
 * Brings the audit and the live rows up to a request's row, before anything else is done with it.
 *
 * An opening needs its record first (no intent, no open). A close does not wait for a table that is down: its rows go
 * first, and the record follows from the journal. Returns the row with `recorded` as now known; it is written with the
 * next change. Throws when records or rows cannot be written.
 */
export async function settle(
  dependencies: Pick<Dependencies, 'audit' | 'live' | 'log'>,
  request: AccessRequest,
): Promise<AccessRequest> {
  const { audit, live, log } = dependencies;
  if (request.state !== 'closing') {
    const recorded = await recordJournal(request, audit);
    await copyToLive(live, request);
    return { ...request, recorded };
  }
  await copyToLive(live, request);
  try {
    return { ...request, recorded: await recordJournal(request, audit) };
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
async function copyToLive(live: LiveRows, request: AccessRequest): Promise<void> {
  await Promise.all(
    request.targets.map((target) =>
      copyOne(live, {
        nsgId: target.nsgId,
        requestId: request.id,
        version: request.version,
        state: request.state,
        start: request.start,
        end: request.end,
        boxes: target.boxes,
      }),
    ),
  );
}

async function copyOne(live: LiveRows, row: LiveRow): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const current = await live.get(row.nsgId, row.requestId);
    if (current === undefined) {
      // The rows of an ended request are removed by the sweep; nobody needs them back.
      if (finalStates.has(row.state)) return;
      if ((await live.insert(row)) === 'inserted') return;
      continue;
    }
    if (current.row.version >= row.version) return;
    if ((await live.replace(row, current.etag)) === 'replaced') return;
  }
  throw new Error(`The live row of request ${row.requestId} was changed by others ten times in a row.`);
}
