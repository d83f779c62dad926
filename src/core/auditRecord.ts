import { contentHash } from './canonicalJson.ts';
import type { RequestedVirtualMachine } from './accessRequest.ts';
import type { Reason } from './reason.ts';

/** One audit record: who, what, where, from, until, why. Inserted once, never changed. */
export interface AuditRecord {
  /** The request's id; `nsg-<hash>` for what was done to an NSG by others; `policy-<hash>`; `unauthenticated-<day>`. */
  partition: string;
  /** 1, 2, 3 … within the partition, without gaps. */
  sequence: number;
  /** What happened: `request.opening`, `request.denied`, `nsg.rule-deleted`, `unauthenticated` … */
  event: string;
  /** When it happened, ISO 8601. */
  at: string;
  actor: string;
  requester?: { objectId: string; displayName: string };
  virtualMachines?: RequestedVirtualMachine[];
  networkSecurityGroups?: string[];
  from?: string;
  until?: string;
  justification?: string;
  reasons: Reason[];
  correlationId: string;
  /**
   * Further facts of single events, such as the count of refused tokens. `changes`: who could newly reach what, or no
   * longer. `observedAt`: when what had happened before was seen or recorded, ISO 8601. `comment`: what a person said.
   */
  details?: Record<string, string | number | string[]>;
  /** Hash of the record before it in the partition; empty for the first. */
  previousHash: string;
  /** SHA-256, hexadecimal, of the record without this field, as canonical JSON. */
  hash: string;
}

/**
 * Whether a partition never ends, as that of an NSG or of a policy: it is indexed with each of its records, and sealed as
 * far as it is. Every other is indexed once, when it begins.
 */
export function isLastingPartition(partition: string): boolean {
  return /^(?:nsg|policy)-[0-9a-f]{32}$/.test(partition);
}

/** Whether a record is to be found under this instant of the index. */
export function isIndexedAt(record: Pick<AuditRecord, 'partition' | 'at'>, instant: string): boolean {
  return !isLastingPartition(record.partition) || new Date(record.at).toISOString() === instant;
}

export type UnsealedAuditRecord = Omit<AuditRecord, 'previousHash' | 'hash' | 'sequence'>;

/** Completes a record with its place in the chain. */
export function chainRecord(
  record: UnsealedAuditRecord,
  previous: Pick<AuditRecord, 'sequence' | 'hash'> | undefined,
): AuditRecord {
  const chained = {
    ...record,
    sequence: (previous?.sequence ?? 0) + 1,
    previousHash: previous?.hash ?? '',
  };
  return { ...chained, hash: contentHash(chained) };
}
