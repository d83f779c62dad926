import type { Stored } from './stores.ts';

/** A partition of the audit, as far as one sink has it. */
export interface CopiedPartition {
  partition: string;
  /** Of its last record that the sink has; 0 for none. */
  sequence: number;
  /** When it was last met: the instant in the index, of the seal that named it, or the first of its day. ISO 8601. */
  met: string;
  /** Nothing is expected there: it is read again only when the index or a seal names it. */
  rests?: true;
  /** Nothing can follow; when the last record was made, ISO 8601. */
  endedAt?: string;
  /** A seal has named all of it. */
  sealed?: true;
}

/** How far the audit has been copied to one sink. */
export interface AuditCopyState {
  /** From where on the index is read by the next run, ISO 8601. */
  indexedFrom: string;
  /** Up to where the index has been read, ISO 8601; the two overlap. */
  indexedUpTo: string;
  /** Of the index's entries at that very instant, those up to this partition were followed: no room for more. */
  indexedPast?: string;
  /** Number of the newest seal that was followed; 0 for none. */
  seal: number;
  /** How many partitions of the next seal were followed: no room for more. */
  sealPast?: number;
  /** The newest day whose refused credentials are looked for, such as `2026-11-23`. */
  day: string;
  /** Runs in a row that the sink has failed. */
  failures: number;
  /** When the newest run began that has noted how far it came, ISO 8601; missing in rows of an older version. */
  ranAt?: string;
  /** In the order in which they are looked at. */
  partitions: CopiedPartition[];
}

/** The states of the copies, each under the name of its sink. Several walkers meet here; the ETag decides. */
export interface AuditCopyStates {
  /** Throws UnreadableRowError. */
  get(sink: string): Promise<Stored<AuditCopyState> | undefined>;
  insert(sink: string, state: AuditCopyState): Promise<Stored<AuditCopyState> | 'exists'>;
  /** Replaces the state if it still has this ETag. */
  replace(sink: string, state: AuditCopyState, etag: string): Promise<Stored<AuditCopyState> | 'changed'>;
}
