import { createPolicies } from '../src/adapters/tables/policies.ts';
import { ensureTables, openTables } from '../src/adapters/tables/tables.ts';
import { samplePolicies } from './sample/policies.ts';

/** Puts the sample policies into the app's tables, making the tables where they are missing; what is there stays. */
export async function seedPolicies(connectionString: string): Promise<void> {
  const tables = openTables({ connectionString });
  await ensureTables(tables);
  const policies = createPolicies(tables.policies);
  for (const policy of samplePolicies) await policies.insert(policy);
}
