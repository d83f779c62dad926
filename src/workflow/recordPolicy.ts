import { chainRecord } from '../core/auditRecord.ts';
import { causeOf } from '../core/cause.ts';
import type { Policy } from '../core/policy.ts';
import { policyPartition, recordOfChange } from '../core/policyRecord.ts';
import type { Stored } from '../core/stores.ts';
import { secondsAfter, type Dependencies } from './dependencies.ts';
import { promptly, readWhole } from './recordJournal.ts';

type RecordDependencies = Pick<Dependencies, 'policies' | 'audit' | 'clock'>;

/**
 * Makes the audit records of the changes that a policy's journal holds, each once and under its number, and empties the
 * journal. May be killed anywhere, repeated and raced at will. Returns the row as it is then.
 * Throws what the stores throw, or when the audit has a gap.
 */
export async function recordPolicy(
  dependencies: RecordDependencies,
  stored: Stored<Policy>,
): Promise<Stored<Policy>> {
  let current = stored;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (current.row.journal.length === 0) return current;
    const next = { ...current.row, ...(await recordAll(dependencies, current.row)) };
    const replaced = await dependencies.policies.replace(next, current.etag);
    const read = replaced === 'changed' ? await dependencies.policies.get(current.row.id) : replaced;
    if (read === undefined) throw new Error(`The row of policy ${current.row.id} is gone.`);
    current = read;
  }
  throw new Error(`Policy ${stored.row.id} was changed by others ten times in a row.`);
}

/** Does so for every policy whose journal is not empty, deleted ones included. One that fails keeps no other. */
export async function recordPolicies(
  dependencies: RecordDependencies & Pick<Dependencies, 'log'>,
  policies: readonly Stored<Policy>[],
): Promise<void> {
  for (const stored of policies.filter(({ row }) => row.journal.length > 0)) {
    try {
      await recordPolicy(dependencies, stored);
    } catch (error) {
      dependencies.log.error('policy-not-recorded', { policyId: stored.row.id, cause: causeOf(error) });
    }
  }
}

/** How many records the partition of a policy has: where one begins to count whose row was lost. */
export async function countRecords(
  { audit }: Pick<Dependencies, 'audit'>,
  policyId: string,
): Promise<number> {
  return (await readWhole(policyPartition(policyId), audit, 0)).length;
}

/** Inserts the records that are missing; where a number was given twice, says how the journal goes on instead. */
async function recordAll(
  { audit, clock }: RecordDependencies,
  { id, journal }: Policy,
): Promise<Pick<Policy, 'journal' | 'recorded'>> {
  const partition = policyPartition(id);
  let present = await readWhole(partition, audit, 0);
  for (const [index, change] of journal.entries()) {
    const record = chainRecord(recordOfChange(id, change), present[change.number - 2]);
    const existing = present[change.number - 1];
    if (existing?.hash === record.hash) continue;
    if (existing !== undefined || change.number !== present.length + 1) {
      // The row was lost once and began anew, and so did its numbers.
      const rest = journal.slice(index);
      const renumbered = rest.map((each, place) => ({ ...each, number: present.length + place + 1 }));
      return { journal: renumbered, recorded: present.length };
    }
    // The index first: a record that nobody finds would be worse than an entry without one.
    await audit.index(record);
    // Seals look for what is new by instant.
    if (clock.now() > secondsAfter(new Date(change.at), promptly)) {
      await audit.index({ ...record, at: clock.now().toISOString() });
    }
    if ((await audit.insert(record)) === 'exists') {
      present = await audit.read(partition);
      if (present[change.number - 1]?.hash !== record.hash) return { journal, recorded: change.number - 1 };
    } else {
      present = [...present, record];
    }
  }
  return { journal: [], recorded: present.length };
}
