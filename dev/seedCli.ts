import { parseArgs } from 'node:util';
import { samplePolicies } from './sample/policies.ts';
import { seedPolicies } from './seed.ts';

const help = `Usage: npm run dev:seed [-- --storage CONNECTION]

Puts the sample policies into the app's tables, as npm start does.

  --storage CONNECTION   connection string (default UseDevelopmentStorage=true: Azurite on its usual ports)
`;

try {
  const { values } = parseArgs({
    options: {
      storage: { type: 'string', default: 'UseDevelopmentStorage=true' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(help);
  } else {
    await seedPolicies(values.storage);
    console.log(`${samplePolicies.length} policies: ${samplePolicies.map(({ id }) => id).join(', ')}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
