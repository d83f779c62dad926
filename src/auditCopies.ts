/** What is loaded only where the audit is copied: the second half of the composition root. */
import type { TokenCredential } from '@azure/core-auth';
import type { TableClient } from '@azure/data-tables';
import { createAuditExport } from './adapters/blobs/auditExport.ts';
import { createAuditCopy } from './adapters/logs/auditCopy.ts';
import { createAuditCopyStates } from './adapters/tables/auditCopyStates.ts';
import type { Config } from './config.ts';
import type { Clock } from './core/clock.ts';
import { copyAudit, type CopyDependencies } from './workflow/copyAudit.ts';

export interface AuditCopiesDependencies extends Pick<CopyDependencies, 'audit' | 'seals' | 'log'> {
  credential: TokenCredential;
  /** The table of what the sweep says of itself. */
  heartbeat: TableClient;
  clock: Clock;
}

/** Makes what sends every sink of the settings the records that it lacks. Throws if an address cannot be used. */
export function createAuditCopies(
  { auditCopy, auditExport }: Pick<Config, 'auditCopy' | 'auditExport'>,
  { credential, heartbeat, audit, seals, clock, log }: AuditCopiesDependencies,
): () => Promise<void> {
  const sinks = [
    ...(auditCopy === undefined ? [] : [createAuditCopy({ ...auditCopy, credential })]),
    ...(auditExport === undefined ? [] : [createAuditExport({ ...auditExport, credential, clock })]),
  ];
  const dependencies = { audit, seals, states: createAuditCopyStates(heartbeat), clock, log };
  return () => copyAudit(dependencies, sinks);
}
