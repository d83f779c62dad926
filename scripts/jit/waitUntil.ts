import { setTimeout as delay } from 'node:timers/promises';
import type { Invocation } from './command.ts';
import { readRequest } from './findRequest.ts';
import type { AccessRequest } from './shapes.ts';
import { exitCodes } from './surroundings.ts';
import type { ExitCode } from './surroundings.ts';
import { plain } from './table.ts';
import { fromNow, localTime } from './times.ts';

const finalStates: readonly string[] = ['closed', 'denied', 'expired', 'failed'];
const firstPauseMs = 500;
const longestPauseMs = 10_000;

/**
 * Asks for a request again and again, with growing pauses, until it is in the wanted state, has ended otherwise, or the
 * time is over; says on the way what changes. Resolves with the request as last seen.
 */
export async function waitUntil(
  { api, around }: Invocation,
  first: AccessRequest,
  wanted: string,
  withinSeconds: number,
): Promise<AccessRequest> {
  const until = Date.now() + withinSeconds * 1000;
  let request = first;
  let said = '';
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
    const sentence = progressOf(request, around.timeZone);
    if (sentence !== said) around.progress((said = sentence));
    if (request.state === wanted || finalStates.includes(request.state)) return request;
    const left = until - Date.now();
    if (left <= 0) return request;
    await delay(Math.min(pause, left));
    const next = await readRequest(api, request.id);
    if (next.state !== request.state) pause = firstPauseMs;
    request = next;
  }
}

/** What the state of a request means to a script that wanted it in another. */
export function exitCodeOf({ state }: AccessRequest, wanted: string): ExitCode {
  if (state === wanted) return exitCodes.ok;
  if (state === 'denied') return exitCodes.denied;
  return finalStates.includes(state) ? exitCodes.failed : exitCodes.waiting;
}

function progressOf(
  { state, end, start, reason, waiting, approval }: AccessRequest,
  timeZone: string,
): string {
  const time = (instant = '') => `${localTime(instant, timeZone)} (${fromNow(instant, new Date())})`;
  const why = reason === undefined ? '' : ` ${plain(reason.message)}`;
  switch (state) {
    case 'pending':
      return approval === undefined
        ? 'Waiting for approval …'
        : `Waiting for approval, until ${localTime(approval.expiresAt, timeZone)} …`;
    case 'scheduled':
      return start === undefined
        ? 'Approved, begins later …'
        : `Approved, begins ${localTime(start, timeZone)} …`;
    case 'opening':
      return waiting === undefined ? 'Opening …' : `Opening … ${plain(waiting.message)}`;
    case 'active':
      return end === undefined ? 'Open.' : `Open until ${time(end)}.`;
    case 'closing':
      return 'Closing …';
    case 'closed':
      return `Closed.${why}`;
    default:
      return `${state.charAt(0).toUpperCase()}${state.slice(1)}.${why}`;
  }
}
