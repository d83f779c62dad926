import { isRunning, type AccessRequest, type Extension } from './accessRequest.ts';
import type { ApprovalRule } from './approval.ts';
import { formatDuration } from './duration.ts';
import { note, type Change } from './journal.ts';
import type { Reason } from './reason.ts';

/** Each one grows the row, which must stay small enough to be written when the grant is to be closed. */
const mostExtensions = 20;

/** Why a grant cannot be extended at an instant, whatever a policy says; undefined if it can. */
export function obstacleToExtension(request: AccessRequest, now: Date): Reason | undefined {
  // One that is closing is never opened again, and what is past its end may be shut already.
  if (!isRunning(request) || now.getTime() >= Date.parse(request.end)) {
    return {
      code: 'not-running',
      message: 'Only a grant that is opening or active, and before its end, can be extended: ask anew.',
    };
  }
  if (request.extension !== undefined) {
    return {
      code: 'extension-waiting',
      message: 'An extension of this grant waits for approval already: one at a time.',
    };
  }
  const asked = request.journal.filter(
    ({ event }) => event === 'extended' || event === 'extension-requested',
  ).length;
  if (asked >= mostExtensions) {
    return {
      code: 'extended-too-often',
      message: `This grant was extended ${mostExtensions} times: let it end and ask anew.`,
    };
  }
  return undefined;
}

/**
 * The grant with a later end, its next version and its journal entry. An extension that waited is no more.
 *
 * Until its live rows hold the new end something is due at once: whoever made this change and died before them is made up
 * for by the sweep, which goes by `nextDue`. Throws an Error if the end is no later, or the grant is not running: that is a
 * fault of ours.
 */
export function extend(request: AccessRequest, end: string, change: Change): AccessRequest {
  if (!isRunning(request) || Date.parse(end) <= Date.parse(request.end)) {
    throw new Error(`Request ${request.id} cannot be extended to ${end}.`);
  }
  const extended: AccessRequest = {
    ...note(request, 'extended', change, request.state === 'active' ? dueAt(change.at) : {}),
    version: request.version + 1,
    end,
    duration: formatDuration((Date.parse(end) - Date.parse(request.start)) / 1000),
  };
  delete extended.extension;
  return extended;
}

/** The grant with an extension that waits for approval, no longer than the grant itself lasts. */
export function awaitExtension(
  request: AccessRequest,
  asked: { end: string; justification: string; rules: ApprovalRule[] },
  change: Change,
): AccessRequest {
  const extension: Extension = {
    end: asked.end,
    justification: asked.justification,
    requestedAt: change.at.toISOString(),
    approval: { rules: asked.rules, given: [], expiresAt: request.end },
  };
  return { ...note(request, 'extension-requested', change), extension };
}

function dueAt(instant: Date): { nextDue: string } {
  return { nextDue: instant.toISOString() };
}
