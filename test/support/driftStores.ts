import {
  createBeatingSweepState,
  createMemoryAuditTrail,
  createMemoryNsgRecords,
  createMemoryRequests,
} from './memoryStores.ts';

/** What a reconcile asks for besides the live rows, in memory: what it writes of others' doings, and a sweep that runs. */
export function driftStores(now: () => Date = () => new Date(0)) {
  return {
    nsgs: createMemoryNsgRecords(),
    requests: createMemoryRequests(),
    audit: createMemoryAuditTrail(now),
    sweepState: createBeatingSweepState({ now }),
    heartbeat: { isFresh: () => Promise.resolve(true) },
  };
}
