import { describe, expect, it } from 'vitest';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { createNsgRecords } from '../../src/adapters/tables/nsgRecords.ts';
import { chainRecord } from '../../src/core/auditRecord.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { policyPartition } from '../../src/core/policyRecord.ts';
import { createPolicies } from '../../src/adapters/tables/policies.ts';
import type { Tables } from '../../src/adapters/tables/tables.ts';
import { nsgId, samplePolicy, sampleRecord } from '../contracts/samples.ts';
import { now, overwrite, recordOf, rowKey, verifierOf } from './auditVictim.ts';

const { connectionString, freshTables } = useAzurite();
const verifyTables = verifierOf(connectionString);

/** Whose records are verified, and the row that says how many there are. */
const lasting: [string, string, (tables: Tables) => Promise<unknown>][] = [
  [
    'what others did to an NSG',
    driftPartition(nsgId('Web-Nsg')),
    ({ nsgs }: Tables) =>
      createNsgRecords(nsgs).insert({ nsgId: nsgId('Web-Nsg'), told: {}, journal: [], recorded: 2 }),
  ],
  [
    'what was changed of a policy, deleted though it is',
    policyPartition('web'),
    ({ policies }: Tables) =>
      createPolicies(policies).insert(samplePolicy('web', { recorded: 2, isDeleted: true })),
  ],
];

/** Tables in which two records of a partition that never ends were made. */
async function filledTables([, partition, insertRow]: (typeof lasting)[number]) {
  const tables = await freshTables();
  const audit = createAuditTrail(tables, now);
  const record = { ...sampleRecord(partition, '2026-11-23T08:00:00.000Z'), event: 'nsg.rule-deleted' };
  const first = chainRecord(record, undefined);
  await audit.insert(first);
  await audit.insert(chainRecord({ ...record, event: 'nsg.rule-widened' }, first));
  await insertRow(tables);
  return { ...tables, id: partition };
}

describe.each(lasting)('npm run audit:verify, of %s,', (...filling) => {
  const [, partition] = filling;
  it('finds the records consistent as the app wrote them', async () => {
    expect(await verifyTables(await filledTables(filling))).toEqual({
      code: 0,
      out: '2 records in 1 partition, 0 seals: consistent, not proven complete (no anchor)',
      err: '',
    });
  });

  it('finds a record that was changed, one that was cut off, and a partition that is gone', async () => {
    const changed = await filledTables(filling);
    await overwrite(changed, 1, { ...(await recordOf(changed, 1)), actor: 'nobody' });
    expect((await verifyTables(changed)).out).toMatch(`changed  ${partition}  Record 1`);

    const cut = await filledTables(filling);
    await cut.audit.deleteEntity(partition, rowKey(2));
    expect((await verifyTables(cut)).out).toMatch(`missing  ${partition}  Record 2 is missing at the end`);
    await cut.audit.deleteEntity(partition, rowKey(1));
    expect((await verifyTables(cut)).out).toMatch(`missing  ${partition}  Records 1 to 2 are missing`);
  });
});
