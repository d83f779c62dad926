import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { verifyAudit } from '../../scripts/verifyAudit.ts';
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { toProperties } from '../../src/adapters/tables/entity.ts';
import type { Tables } from '../../src/adapters/tables/tables.ts';
import type { AuditRecord } from '../../src/core/auditRecord.ts';

export const now = () => new Date('2026-11-23T12:00:00.000Z');

export interface Verification {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the script as a person does. */
export async function runAuditVerify(args: string[]): Promise<Verification> {
  const script = fileURLToPath(new URL('../../scripts/auditVerify.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out: out.trim(), err: err.trim() };
}

/** What the script does, within this process: starting one takes seconds. */
export async function auditVerify(
  args: string[],
  { env = {}, folder = process.cwd() }: { env?: Record<string, string>; folder?: string } = {},
): Promise<Verification> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await verifyAudit(args, {
    ...{ env, folder },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
  });
  return { code, out: out.join('\n').trim(), err: err.join('\n').trim() };
}

/** Runs the script over the tables of an Azurite. */
export function verifierOf(connectionString: () => string) {
  return ({ prefix }: { prefix: string }, ...more: string[]) =>
    auditVerify(['--connection', connectionString(), '--table-prefix', prefix, ...more]);
}

/** The tables and the request whose records somebody touches. */
export type Victim = Tables & { id: string };

/** Writes a record as the owner of the storage account can. */
export async function overwrite({ audit, id }: Victim, sequence: number, record: AuditRecord): Promise<void> {
  await audit.upsertEntity(
    {
      partitionKey: id,
      rowKey: rowKey(sequence),
      ...toProperties('', canonicalJson(record)),
    },
    'Replace',
  );
}

/** One record of a partition as it stands; throws if there is none. */
export async function recordOf(victim: Victim, sequence: number): Promise<AuditRecord> {
  const record = (await createAuditTrail(victim, now).read(victim.id))[sequence - 1];
  if (record === undefined) throw new Error(`There is no record ${sequence}.`);
  return record;
}

/** The row key of a record. */
export function rowKey(sequence: number): string {
  return String(sequence).padStart(10, '0');
}
