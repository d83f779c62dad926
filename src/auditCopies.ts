/** What is loaded only where the audit is copied: the second half of the composition root. */
import type { TokenCredential } from '@azure/core-auth';
import type { TableClient } from '@azure/data-tables';
import { createAuditExport } from './adapters/blobs/auditExport.ts';
import { createAuditCopy } from './adapters/logs/auditCopy.ts';
import { createAuditCopyStates } from './adapters/tables/auditCopyStates.ts';
import type { Config } from './config.ts';
import type { AuditCopyStates } from './core/auditCopyState.ts';
import type { AuditSink } from './core/auditSink.ts';
import type { Clock } from './core/clock.ts';
import type { Verdict } from './core/health.ts';
import { copyAudit, type CopyDependencies } from './workflow/copyAudit.ts';

export interface AuditCopiesDependencies extends Pick<CopyDependencies, 'audit' | 'seals' | 'log'> {
  credential: TokenCredential;
  /** The table of what the sweep says of itself. */
  heartbeat: TableClient;
  clock: Clock;
}

export interface AuditCopies {
  /** Sends every sink of the settings the records that it lacks. Never throws. */
  copy: () => Promise<void>;
  /** How the newest runs went, by what they have noted; throws where that cannot be read. */
  check: () => Promise<Verdict>;
}

/** Makes what copies the audit. Throws if an address cannot be used. */
export function createAuditCopies(
  { auditCopy, auditExport }: Pick<Config, 'auditCopy' | 'auditExport'>,
  { credential, heartbeat, audit, seals, clock, log }: AuditCopiesDependencies,
): AuditCopies {
  const sinks = [
    ...(auditCopy === undefined ? [] : [createAuditCopy({ ...auditCopy, credential })]),
    ...(auditExport === undefined ? [] : [createAuditExport({ ...auditExport, credential, clock })]),
  ];
  const dependencies = { audit, seals, states: createAuditCopyStates(heartbeat), clock, log };
  return { copy: () => copyAudit(dependencies, sinks), check: () => checkCopies(sinks, dependencies.states) };
}

async function checkCopies(sinks: readonly AuditSink[], states: AuditCopyStates): Promise<Verdict> {
  const found = await Promise.all(
    sinks.map(async ({ name }) => ({ name, failures: (await states.get(name))?.row.failures })),
  );
  const failing = found.flatMap(({ name, failures = 0 }) =>
    failures === 0 ? [] : `Runs in a row in which the copy ${name} has failed: ${failures}.`,
  );
  if (failing.length > 0) return { status: 'failing', reason: failing.join(' ') };
  const waiting = found.flatMap(({ name, failures }) => (failures === undefined ? name : []));
  if (waiting.length === 0) return { status: 'ok' };
  return { status: 'unknown', reason: `The copy ${waiting.join(', ')} has not been begun yet.` };
}
