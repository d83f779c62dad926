import { describe, expect, it } from 'vitest';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { createNsgRecords } from '../../src/adapters/tables/nsgRecords.ts';
import { chainRecord } from '../../src/core/auditRecord.ts';
import { driftPartition } from '../../src/core/nsgRecord.ts';
import { useAzurite } from '../adapters/tables/testTables.ts';
import { nsgId, sampleRecord } from '../contracts/samples.ts';
import { now, overwrite, recordOf, rowKey, verifierOf } from './auditVictim.ts';

const { connectionString, freshTables } = useAzurite();
const verifyTables = verifierOf(connectionString);
const partition = driftPartition(nsgId('Web-Nsg'));

/** Tables in which two decisions on drift of one NSG were recorded. */
async function filledTables() {
  const tables = await freshTables();
  const audit = createAuditTrail(tables, now);
  const record = { ...sampleRecord(partition, '2026-11-23T08:00:00.000Z'), event: 'nsg.rule-deleted' };
  const first = chainRecord(record, undefined);
  await audit.insert(first);
  await audit.insert(chainRecord({ ...record, event: 'nsg.rule-widened' }, first));
  await createNsgRecords(tables.nsgs).insert({ nsgId: nsgId('Web-Nsg'), told: {}, journal: [], recorded: 2 });
  return { ...tables, id: partition };
}

describe('npm run audit:verify, of what others did to an NSG,', () => {
  it('finds the records consistent as the app wrote them', async () => {
    expect(await verifyTables(await filledTables())).toEqual({
      code: 0,
      out: '2 records in 1 partition, 0 seals: consistent, not proven complete (no anchor)',
      err: '',
    });
  });

  it('finds a record that was changed, one that was cut off, and a partition that is gone', async () => {
    const changed = await filledTables();
    await overwrite(changed, 1, { ...(await recordOf(changed, 1)), actor: 'nobody' });
    expect((await verifyTables(changed)).out).toMatch(`changed  ${partition}  Record 1`);

    const cut = await filledTables();
    await cut.audit.deleteEntity(partition, rowKey(2));
    expect((await verifyTables(cut)).out).toMatch(`missing  ${partition}  Record 2 is missing at the end`);
    await cut.audit.deleteEntity(partition, rowKey(1));
    expect((await verifyTables(cut)).out).toMatch(`missing  ${partition}  Records 1 to 2 are missing`);
  });
});
