import type { Happening, MemoryCall, MemoryFault } from '../../support/memoryNetwork.ts';

/** One thing that may happen to a call to Azure, by the name that it has on the wire. */
export interface CallFault {
  name: string;
  /** How long the call is under way before it has its effect, in milliseconds. */
  transit: number;
  write?: MemoryFault;
  /** Reads and lists; where it is left out, as `write`. */
  read?: MemoryFault;
}

const notDone: MemoryFault = { kind: 'unknown' };
const done: MemoryFault = { kind: 'unknown-after-commit' };

/** As the adapter understands them, which the suites of the network's contract show over HTTP. */
export const callFaults: readonly CallFault[] = [
  { name: '409 AnotherOperationInProgress', transit: 0, write: { kind: 'locked' }, read: notDone },
  { name: '412', transit: 0, write: { kind: 'changed-meanwhile' }, read: notDone },
  { name: '429 with Retry-After', transit: 0, write: { kind: 'throttled', retryAfterSeconds: 7 } },
  { name: '429 without Retry-After', transit: 0, write: { kind: 'throttled' } },
  { name: '500', transit: 0, write: notDone },
  { name: '503', transit: 300, write: notDone },
  { name: 'time-out before it', transit: 21_000, write: notDone },
  { name: 'time-out after it', transit: 18_500, read: notDone },
  { name: 'reset after it', transit: 0, write: done, read: notDone },
  { name: 'operation Failed', transit: 0, write: { kind: 'operation-failed' }, read: notDone },
  { name: 'operation Canceled', transit: 0, write: { kind: 'superseded' }, read: notDone },
  { name: 'malformed answer', transit: 0, write: done, read: notDone },
  { name: 'slow', transit: 9_000 },
  { name: '403', transit: 0, write: { kind: 'not-permitted' } },
  { name: '409 ScopeLocked', transit: 0, write: { kind: 'not-permitted', code: 'ScopeLocked' } },
];

/** What a fault does to a call of this kind. */
export function happeningTo({ method }: Pick<MemoryCall, 'method'>, { write, read }: CallFault): Happening {
  return method === 'read' || method === 'resolve' ? (read ?? write) : write;
}
