import type { AccessRequest, LiveRow, SeenGrant } from './accessRequest.ts';
import type { BaselineRow } from './baseline.ts';
import type { AuditRecord, UnsealedAuditRecord } from './auditRecord.ts';
import type { NsgRecord } from './nsgRecord.ts';
import type { Seal } from './seal.ts';

/** A row as it was read, with the ETag that guards the next change. */
export interface Stored<Row> {
  row: Row;
  etag: string;
}

/** A row that is there and does not say what it must; the message names it. */
export class UnreadableRowError extends Error {
  override readonly name = 'UnreadableRowError';
}

/** Requests: the truth of each request's life. */
export interface Requests {
  get(id: string): Promise<Stored<AccessRequest> | undefined>;
  insert(request: AccessRequest): Promise<Stored<AccessRequest> | 'exists'>;
  /** Replaces the row if it still has this ETag. */
  replace(request: AccessRequest, etag: string): Promise<Stored<AccessRequest> | 'changed'>;
}

/** A request that has not ended, or ended so recently that its live rows are kept against late writers. */
export interface UnendedRow {
  requestId: string;
  requesterId: string;
  /** ISO 8601. */
  createdAt: string;
  /** Set once the request has reached a final state. */
  endedAt?: string;
  /** Set once a seal names its records: only then may the row be removed. */
  sealed?: true;
}

/** What was read back of a grant, and the ETag of the live row that it was read with. */
export interface SeenMark {
  requestId: string;
  etag: string;
  seen: SeenGrant;
}

/** What was read back of a baseline, and the ETag of the row that it was read with. */
export interface BaselineMark {
  virtualMachineId: string;
  etag: string;
  seen: NonNullable<BaselineRow['seen']>;
}

/** Everything that speaks of one NSG. */
export interface NsgRows {
  grants: Stored<LiveRow>[];
  baselines: Stored<BaselineRow>[];
}

/** The baselines of virtual machines, each a row of its NSG beside the live ones. ARM ids in any case. */
export interface Baselines {
  /** `unreadable`: there is one, and it does not say what it must; it may be replaced. */
  getBaseline(
    nsgId: string,
    virtualMachineId: string,
  ): Promise<Stored<BaselineRow | 'unreadable'> | undefined>;
  /** Those of all NSGs, by one query; one that cannot be read is left out. */
  everyBaseline(): Promise<Stored<BaselineRow>[]>;
  insertBaseline(row: BaselineRow): Promise<'inserted' | 'exists'>;
  /** Replaces the row if it still has this ETag. */
  replaceBaseline(row: BaselineRow, etag: string): Promise<'replaced' | 'changed'>;
  /** Removes the row if it still has this ETag; one that is gone is removed. */
  removeBaseline(nsgId: string, virtualMachineId: string, etag: string): Promise<'removed' | 'changed'>;
}

/** What reconcile and the sweep read. */
export interface LiveRows extends Baselines {
  /**
   * Every row of one NSG, by one query. A row of a baseline that cannot be read is left out: rules that no row speaks of
   * stay as they are.
   */
  allOfNsg(nsgId: string): Promise<NsgRows>;
  /** Every row of a grant at one NSG, ended ones included. */
  ofNsg(nsgId: string): Promise<Stored<LiveRow>[]>;
  get(nsgId: string, requestId: string): Promise<Stored<LiveRow> | undefined>;
  insert(row: LiveRow): Promise<'inserted' | 'exists'>;
  /** Replaces the row if it still has this ETag. */
  replace(row: LiveRow, etag: string): Promise<'replaced' | 'changed'>;
  /**
   * Notes what was read back of grants and baselines, each only if its row still has the ETag. Returns the ids of those
   * whose row was changed or removed meanwhile: what was read back is then no longer what it was read for.
   */
  markSeen(nsgId: string, marks: readonly (SeenMark | BaselineMark)[]): Promise<string[]>;
  remove(nsgId: string, requestId: string): Promise<void>;
  unended(): Promise<UnendedRow[]>;
  /** Does nothing if it is there already. */
  addUnended(row: UnendedRow): Promise<void>;
  markEnded(requestId: string, endedAt: string): Promise<void>;
  /** Does nothing if the row is gone. */
  markSealed(requestId: string): Promise<void>;
  /** To be sealed again: a record has been added to what a seal names. Does nothing if the row is gone. */
  markUnsealed(requestId: string): Promise<void>;
  removeUnended(requestId: string): Promise<void>;
}

export interface AuditQuery {
  /** ARM id, any case. */
  virtualMachineId?: string;
  /** Object id. */
  requesterId?: string;
  /** Inclusive and exclusive bounds on the instant of the request, ISO 8601. */
  from?: string;
  to?: string;
  /** Opaque token of an earlier page. */
  continuation?: string;
}

export interface AuditPage {
  records: AuditRecord[];
  continuation?: string;
}

/** A continuation that no page gave: the caller's mistake, not ours. */
export class InvalidContinuationError extends Error {
  override readonly name = 'InvalidContinuationError';
  override readonly message = 'The continuation is not one that an earlier page returned.';
}

/** The audit trail: inserted into, read, never changed. */
export interface AuditTrail {
  /** All records of a partition in sequence. */
  read(partition: string): Promise<AuditRecord[]>;
  /** Inserts as is; `exists` if a record has this partition and sequence already. */
  insert(record: AuditRecord): Promise<'inserted' | 'exists'>;
  /** Makes a partition findable by requester, virtual machine and time; inserting twice is harmless. */
  index(record: UnsealedAuditRecord): Promise<void>;
  /** Throws InvalidContinuationError. */
  query(query: AuditQuery): Promise<AuditPage>;
  /** Every partition there is, for verification. */
  partitions(): AsyncIterable<string>;
  /** What was indexed in a span of time, in order; bounds inclusive and exclusive, ISO 8601 in UTC. */
  indexed(from: string, to: string): Promise<IndexedPartition[]>;
}

export interface IndexedPartition {
  partition: string;
  /** Under which instant, ISO 8601. */
  at: string;
}

/** The chain of seals: inserted into, read, never changed. */
export interface Seals {
  newest(): Promise<Seal | undefined>;
  /** Every seal after this number, oldest first; after 0 all. */
  after(number: number): Promise<Seal[]>;
  /** Inserts as is; `exists` if another seal has this number. */
  insert(seal: Seal): Promise<'inserted' | 'exists'>;
}

/** What is remembered of each NSG. Several writers meet here; the ETag decides. */
export interface NsgRecords {
  get(nsgId: string): Promise<Stored<NsgRecord> | undefined>;
  insert(record: NsgRecord): Promise<'inserted' | 'exists'>;
  /** Replaces the row if it still has this ETag. */
  replace(record: NsgRecord, etag: string): Promise<'replaced' | 'changed'>;
  /** Ids of every NSG that is remembered and not gone: those the sweep knows. */
  nsgIds(): Promise<string[]>;
  /**
   * Those of which something is told, or not audited yet, or whose `flushConnection` is to be put back; one that cannot be
   * read is left out.
   */
  unsettled(): Promise<NsgRecord[]>;
}

/**
 * The marker of an installation: made only where no owned rule of this installation existed, so that tables without it
 * are known to be lost and not new.
 */
export interface InstallationMarker {
  /** ISO 8601. */
  madeAt: string;
  /** `sallyport` where nothing was there, or the object id of the administrator who adopted what was. */
  madeBy: string;
}

/** What the sweep says to everybody else. */
export interface SweepState {
  marker(): Promise<InstallationMarker | undefined>;
  /** `exists` if there is one already, which stays. */
  insertMarker(marker: InstallationMarker): Promise<'inserted' | 'exists'>;
  /** When the last complete sweep began, ISO 8601. */
  heartbeat(): Promise<string | undefined>;
  beat(at: string): Promise<void>;
  /** When the last complete listing of every NSG began, ISO 8601. */
  listedAt(): Promise<string | undefined>;
  listed(at: string): Promise<void>;
  /** Since when owned rules are known to stand without a marker, ISO 8601. It means nothing once there is a marker. */
  lostSince(): Promise<string | undefined>;
  /** What was said first stays. */
  sayLost(at: string): Promise<void>;
}
