import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { startAzurite, type Azurite } from '../../../dev/azurite.ts';
import { ensureTables, openTables, type Tables } from '../../../src/adapters/tables/tables.ts';

/** An Azurite for the tests of one file. */
export function useAzurite(): {
  connectionString: () => string;
  /** Empty tables that no other test has. */
  freshTables: () => Promise<Tables & { prefix: string }>;
} {
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(async () => {
    await azurite?.stop();
  });

  function connectionString(): string {
    if (azurite === undefined) throw new Error('Azurite is not running yet.');
    return azurite.connectionString;
  }

  return {
    connectionString,
    async freshTables() {
      const prefix = `t${randomBytes(8).toString('hex')}`;
      const tables = openTables({ connectionString: connectionString(), tableNamePrefix: prefix });
      await ensureTables(tables);
      return { ...tables, prefix };
    },
  };
}
