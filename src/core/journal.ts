import type {
  AccessRequest,
  IdempotentCall,
  JournalEntry,
  RequestEvent,
  RequestState,
} from './accessRequest.ts';
import type { Reason } from './reason.ts';

/** Which states may follow which. A request that is closing is never opened again. */
const successors: Record<RequestState, readonly RequestState[]> = {
  pending: ['scheduled', 'opening', 'denied', 'expired', 'closing'],
  scheduled: ['opening', 'closing'],
  opening: ['active', 'closing'],
  active: ['closing'],
  closing: ['closed', 'failed'],
  closed: [],
  denied: [],
  expired: [],
  failed: [],
};

export interface Change {
  at: Date;
  actor: string;
  reasons: Reason[];
  changes?: string[];
  observedAt?: Date;
  correlationId?: string;
  comment?: string;
  actorName?: string;
  call?: IdempotentCall;
}

/**
 * The request after entering a state, with its journal entry and the next version.
 * Throws an Error on a transition that does not exist: that is a fault of ours.
 */
export function enterState(
  request: AccessRequest,
  state: RequestState,
  change: Change,
  fields: Partial<
    Pick<
      AccessRequest,
      | 'outcome'
      | 'reason'
      | 'nextDue'
      | 'start'
      | 'end'
      | 'targets'
      | 'found'
      | 'decision'
      | 'authorizedAt'
      | 'flushConnection'
    >
  > = {},
): AccessRequest {
  if (!successors[request.state].includes(state)) {
    throw new Error(`Request ${request.id} cannot go from ${request.state} to ${state}.`);
  }
  // What waits for approval dies with its grant, whoever ends it.
  const from =
    state === 'closing' ? withoutExtension(request, 'extension-expired', expired(change)) : request;
  return {
    ...from,
    ...fields,
    state,
    version: request.version + 1,
    journal: [...from.journal, entry(from, state, change)],
  };
}

/** The request after something that changes no state was noted, such as a new orchestration. */
export function note(
  request: AccessRequest,
  event: RequestEvent,
  change: Change,
  fields: Partial<Pick<AccessRequest, 'instance' | 'nextDue' | 'approval' | 'breakGlass'>> = {},
): AccessRequest {
  return { ...request, ...fields, journal: [...request.journal, entry(request, event, change)] };
}

/** The grant without the extension that waited, and why; the grant as it is if none did. */
export function withoutExtension(
  request: AccessRequest,
  event: 'extension-denied' | 'extension-expired',
  change: Change,
): AccessRequest {
  const { extension, ...rest } = request;
  return extension === undefined ? request : note(rest, event, change);
}

/** Whether the request was ever in this state, and since when. */
export function enteredAt(request: AccessRequest, state: RequestState): Date | undefined {
  const found = request.journal.find((candidate) => candidate.event === state);
  return found === undefined ? undefined : new Date(found.at);
}

/**
 * Whether it waits for people or for its start, or has ended while it did: then nothing of it was ever wanted in Azure, and
 * it has no live rows. Whoever makes it wanted has to change its row first, under its ETag.
 */
export function wasNeverWanted({ journal }: Pick<AccessRequest, 'journal'>): boolean {
  const has = (...events: JournalEntry['event'][]) => journal.some(({ event }) => events.includes(event));
  return has('pending', 'scheduled') && !has('opening');
}

function entry(request: AccessRequest, event: JournalEntry['event'], change: Change): JournalEntry {
  return {
    number: request.journal.length + 1,
    event,
    at: change.at.toISOString(),
    actor: change.actor,
    reasons: change.reasons,
    ...(change.changes === undefined || change.changes.length === 0 ? {} : { changes: change.changes }),
    ...(change.observedAt === undefined ? {} : { observedAt: change.observedAt.toISOString() }),
    ...(change.correlationId === undefined ? {} : { correlationId: change.correlationId }),
    ...(change.actorName === undefined ? {} : { actorName: change.actorName }),
    ...(change.comment === undefined ? {} : { comment: change.comment }),
    ...(change.call === undefined ? {} : { call: change.call }),
  };
}

/** The change that ends a grant, as what it does to the extension that waited. */
function expired({ at, actor, correlationId }: Change): Change {
  const message = 'The grant ended before its extension was approved.';
  return {
    ...{ at, actor, reasons: [{ code: 'extension-expired', message }] },
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}
