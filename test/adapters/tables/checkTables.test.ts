import { describe, expect, it } from 'vitest';
import { checkTables } from '../../../src/adapters/tables/checkTables.ts';
import { openTables } from '../../../src/adapters/tables/tables.ts';
import { startFaultyProxy, type Fate } from './faultyProxy.ts';
import { useAzurite } from './testTables.ts';

const { connectionString, freshTables } = useAzurite();

/** What the check says over a way on which each call for this table meets this fate. */
async function checkWith(table: string, fate: Fate) {
  const { prefix } = await freshTables();
  const proxy = await startFaultyProxy(connectionString(), ({ url = '' }) =>
    url.includes(`${prefix}${table}(`) ? fate : 'pass',
  );
  try {
    const tables = openTables({ connectionString: proxy.connectionString, tableNamePrefix: prefix });
    return { prefix, verdict: await checkTables(tables), calls: proxy.calls };
  } finally {
    await proxy.stop();
  }
}

describe('the check of the tables', () => {
  it('is well where each answers, by one read of each', async () => {
    const { verdict, calls } = await checkWith('None', 'pass');

    expect(verdict).toEqual({ status: 'ok' });
    expect(calls).toHaveLength(8);
    expect(calls.filter((call) => !call.startsWith('GET '))).toEqual([]);
  });

  it('names tables that are not there', async () => {
    const { prefix, ...tables } = await freshTables();
    await tables.seals.deleteTable();
    await tables.audit.deleteTable();

    expect(await checkTables(tables)).toEqual({
      status: 'failing',
      reason: `There is no table ${prefix}Audit; There is no table ${prefix}Seals.`,
    });
  });

  it('names the table that the app may not read', async () => {
    const fate = { status: 403, code: 'AuthorizationPermissionMismatch' };
    const { prefix, verdict } = await checkWith('Live', fate);

    expect(verdict).toEqual({
      status: 'failing',
      reason: `The app may not read the table ${prefix}Live.`,
    });
  });

  it('names the table that does not answer as it should, and has the words of the service for the log alone', async () => {
    const { prefix, verdict } = await checkWith('Requests', { status: 503, code: 'ServerBusy' });

    expect(verdict).toEqual({
      status: 'failing',
      reason: `The table ${prefix}Requests does not answer as it should.`,
      cause: `Table Storage refused or failed: read ${prefix}Requests: 503 ServerBusy.`,
    });
  });
});
