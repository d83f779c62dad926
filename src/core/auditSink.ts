import type { AuditRecord } from './auditRecord.ts';

/** Where a copy of the audit goes: each record at least once, in order within a partition. */
export interface AuditSink {
  /** Under which name it is known in the state and in the log. */
  readonly name: string;
  /** Resolves when all of them are stored there; throws otherwise. The same records may come again. */
  send(records: readonly AuditRecord[]): Promise<void>;
}
