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
import { secondsAfter } from './workflow/dependencies.ts';

/** Seconds without a run that noted how far it came, after which something is wrong: ten runs. */
const silence = 600;

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
  return {
    copy: () => copyAudit(dependencies, sinks),
    check: () => checkCopies(sinks, dependencies.states, clock.now()),
  };
}

async function checkCopies(
  sinks: readonly AuditSink[],
  states: AuditCopyStates,
  now: Date,
): Promise<Verdict> {
  const found = await Promise.all(
    sinks.map(async ({ name }) => ({ name, state: (await states.get(name))?.row })),
  );
  const failing = found.flatMap(({ name, state: { failures } = { failures: 0 } }) =>
    failures === 0 ? [] : `Runs in a row in which the copy ${name} has failed: ${failures}.`,
  );
  // A run that cannot read the audit, or that nobody starts, notes no failure.
  const silent = found.flatMap(({ name, state }) => {
    if (state === undefined) return [];
    const ranAt = state.ranAt ?? state.indexedUpTo;
    const since = secondsAfter(new Date(ranAt), silence);
    if (now <= since) return [];
    const reason = `No run of the copy ${name} has come to an end since that of ${ranAt}.`;
    return { reason, since: since.toISOString() };
  });
  if (failing.length > 0 || silent.length > 0) {
    const [since] = silent.map((one) => one.since).sort();
    return {
      status: 'failing',
      reason: [...failing, ...silent.map(({ reason }) => reason)].join(' '),
      // Since when a copy has failed is not noted.
      ...(failing.length === 0 && since !== undefined && { since }),
    };
  }
  const waiting = found.flatMap(({ name, state }) => (state === undefined ? name : []));
  if (waiting.length === 0) return { status: 'ok' };
  return { status: 'unknown', reason: `The copy ${waiting.join(', ')} has not been begun yet.` };
}
