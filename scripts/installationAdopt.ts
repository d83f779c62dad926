import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createArm } from '../src/adapters/arm/arm.ts';
import { createCredential } from '../src/adapters/arm/credential.ts';
import { createAuditTrail } from '../src/adapters/tables/auditTrail.ts';
import { createSweepState } from '../src/adapters/tables/sweepState.ts';
import { ensureTables, openTables } from '../src/adapters/tables/tables.ts';
import { ConfigurationError, readConfig } from '../src/config.ts';
import type { Clock } from '../src/core/clock.ts';
import { adoptInstallation, findOwned } from '../src/workflow/adoptInstallation.ts';
import { linesOf, notCheckedLine } from './ownedRules.ts';
import { localSettings } from './localSettings.ts';
import { UsageError } from './usageError.ts';

const help = `Usage: npm run installation:adopt -- --by <object id> [--confirm]

For tables that are lost or new while rules of this installation stand in Azure: shows those rules and, with --confirm,
lets the tables count as this installation's own from now on. Without it nothing is changed.

Put the policies first. Whatever rule no row of the tables speaks of is then a leftover, and the next sweep closes it.

Options:
  --by <object id>        Who decides this: the object id of a person in the tenant, for the audit
  --confirm               Make the marker, and an audit record
  --table-prefix <text>   Prefix of the tables' names (sallyport)
  --help                  This text

The settings are the app's own, from the environment or from local.settings.json. SALLYPORT_CREDENTIAL=azure-cli uses
the account of your Azure CLI, which must see every network security group that the app sees.

Exit code: 0 adopted, or nothing to adopt; 3 shown and not adopted; 2 it could not be done.`;

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const clock: Clock = {
  now: () => new Date(),
  sleep: async (milliseconds) => {
    await sleep(milliseconds);
  },
};

async function main(args: string[]): Promise<number> {
  const options = parse(args);
  if (options.help) {
    console.log(help);
    return 0;
  }
  if (options.by === undefined || !guid.test(options.by)) {
    throw new UsageError('Say who decides this: --by with the object id of a person.');
  }
  const config = readConfig({ ...(await localSettings('.')), ...process.env });
  const credential = createCredential(config.credential);
  const prefix = options['table-prefix'];
  const tables = openTables({
    ...('serviceUri' in config.tables ? { ...config.tables, credential } : config.tables),
    ...(prefix === undefined ? {} : { tableNamePrefix: prefix }),
  });
  await ensureTables(tables);
  const sweepState = createSweepState(tables);
  const existing = await sweepState.marker();
  if (existing !== undefined) {
    console.log(
      `There is nothing to adopt: the marker was made at ${existing.madeAt} by ${existing.madeBy}.`,
    );
    return 0;
  }
  const { inventory } = createArm({
    endpoint: config.arm.endpoint,
    credential,
    networkApiVersion: config.arm.networkApiVersion,
    clock,
    userAgent: 'sallyport-adopt',
    readerGroups: config.arm.readerGroups,
    onUnlisted: (subscriptionId, cause) => {
      console.log(notCheckedLine(subscriptionId, cause));
    },
  });
  const correlationId = randomUUID();
  const found = await findOwned(inventory, config.installation, correlationId);
  linesOf(found, config.installation.id).forEach((line) => {
    console.log(line);
  });
  if (!options.confirm) {
    console.log('\nNothing was changed. Run it again with --confirm to adopt this.');
    return 3;
  }
  const audit = createAuditTrail(tables, () => clock.now());
  const newId = () => randomBytes(16).toString('hex');
  const marker = await adoptInstallation(
    { audit, sweepState, clock, newId },
    { by: options.by, found, correlationId },
  );
  console.log(`\nAdopted: the marker was made at ${marker.madeAt} by ${marker.madeBy}.`);
  return 0;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        by: { type: 'string' },
        confirm: { type: 'boolean', default: false },
        'table-prefix': { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The options cannot be read.');
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(
    error instanceof UsageError
      ? `${message}\nSee npm run installation:adopt -- --help`
      : error instanceof ConfigurationError
        ? message
        : `The installation could not be adopted: ${message}`,
  );
  process.exitCode = 2;
}
