import { createMemoryAuditTrail, createMemoryNsgRecords, createMemoryRequests } from './memoryStores.ts';

/** What a reconcile writes of other people's doings, in memory. */
export function driftStores(now: () => Date = () => new Date(0)) {
  return {
    nsgs: createMemoryNsgRecords(),
    requests: createMemoryRequests(),
    audit: createMemoryAuditTrail(now),
  };
}
