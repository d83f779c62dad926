import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { AzureCliCredential } from '@azure/identity';
import { createAuditTrail } from '../src/adapters/tables/auditTrail.ts';
import { UnreadableRowError } from '../src/adapters/tables/entity.ts';
import { createRequests, listRequestIds } from '../src/adapters/tables/requests.ts';
import { openTables, type Tables, type TablesSettings } from '../src/adapters/tables/tables.ts';
import { verifyTrail, type TrailFault, type TrailFinding } from '../src/core/verifyTrail.ts';

const help = `Usage: npm run audit:verify -- [options]

Reads every audit record and checks that none was changed, removed, inserted or moved since it was written, and that
the requests' own rows agree. It changes nothing.

Options:
  --connection <text>     Connection string of the tables; otherwise the app's own settings are used:
                          SALLYPORT_TABLES, or SALLYPORT_TABLES__tableServiceUri with the Azure CLI's account,
                          from the environment or from local.settings.json
  --table-prefix <text>   Prefix of the tables' names (sallyport)
  --json                  One JSON document instead of text
  --help                  This text

Exit code: 0 consistent, 1 something was found, 2 it could not be checked.

Consistent is not proven complete: without an anchor outside the storage account, an end of a partition that was cut
off together with its request's row, or a partition that was never written, cannot be seen.`;

/** What is wrong with how it was called, or with the settings. */
class UsageError extends Error {}

type Fault = TrailFault | 'unreadable';
type Finding = Omit<TrailFinding, 'fault' | 'sequence'> & { fault: Fault; sequence?: number };

interface Result {
  records: number;
  partitions: number;
  findings: Finding[];
}

/** Verifies all partitions, first those of requests: a partition that is wholly gone is found by its request's row. */
async function verify(tables: Tables, report: (finding: Finding) => void): Promise<Result> {
  const audit = createAuditTrail(tables, () => new Date());
  const requests = createRequests(tables.requests);
  const result: Result = { records: 0, partitions: 0, findings: [] };
  const verified = new Set<string>();

  async function verifyOne(partition: string, ofRequest: boolean): Promise<void> {
    verified.add(partition);
    const findings = await findingsOf(partition, ofRequest);
    result.findings.push(...findings);
    findings.forEach(report);
  }

  async function findingsOf(partition: string, ofRequest: boolean): Promise<Finding[]> {
    try {
      const before = ofRequest ? await requests.get(partition) : undefined;
      const records = await audit.read(partition);
      result.records += records.length;
      result.partitions += records.length > 0 ? 1 : 0;
      const findings = verifyTrail(partition, records, before?.row);
      if (before === undefined || findings.length === 0) return findings;
      // The app may have gone on meanwhile: its journal is ahead of its records, so it is read once more after them.
      const { journal } = (await requests.get(partition))?.row ?? before.row;
      return verifyTrail(partition, records, { recorded: before.row.recorded, journal });
    } catch (error) {
      if (!(error instanceof UnreadableRowError)) throw error;
      return [{ partition, fault: 'unreadable', message: error.message }];
    }
  }

  for await (const id of listRequestIds(tables.requests)) await verifyOne(id, true);
  for await (const partition of audit.partitions()) {
    if (!verified.has(partition)) await verifyOne(partition, false);
  }
  return result;
}

async function settingsOf(
  connection: string | undefined,
  prefix: string | undefined,
): Promise<TablesSettings> {
  const common = prefix === undefined ? {} : { tableNamePrefix: prefix };
  if (connection !== undefined) return { connectionString: connection, ...common };
  // One source or the other, never half of each: a mixture would verify another account than the one that was meant.
  for (const settings of [process.env, await localSettings()]) {
    const connectionString = settings['SALLYPORT_TABLES'];
    const serviceUri = settings['SALLYPORT_TABLES__tableServiceUri'];
    if (connectionString) return { connectionString, ...common };
    if (serviceUri) return { serviceUri, credential: new AzureCliCredential(), ...common };
  }
  throw new UsageError(
    'Where the tables are is not known: set SALLYPORT_TABLES or SALLYPORT_TABLES__tableServiceUri, ' +
      'run this where local.settings.json is, or give --connection.',
  );
}

async function localSettings(): Promise<Record<string, string | undefined>> {
  let text: string;
  try {
    text = await readFile('local.settings.json', 'utf8');
  } catch {
    return {};
  }
  try {
    return (JSON.parse(text) as { Values?: Record<string, string> }).Values ?? {};
  } catch {
    throw new UsageError('local.settings.json is no JSON.');
  }
}

function summaryOf({ records, partitions, findings }: Result): string {
  const what = `${records} records in ${partitions} partitions`;
  return findings.length === 0
    ? `${what}: consistent, not proven complete (no anchor)`
    : `${what}: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        connection: { type: 'string' },
        'table-prefix': { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The options cannot be read.');
  }
}

async function main(args: string[]): Promise<number> {
  const options = parse(args);
  if (options.help) {
    console.log(help);
    return 0;
  }
  const tables = openTables(await settingsOf(options.connection, options['table-prefix']));
  const result = await verify(tables, ({ partition, fault, message }) => {
    if (!options.json) console.log(`${fault}  ${partition}  ${message}`);
  });
  console.log(
    options.json
      ? JSON.stringify({ ...result, consistent: result.findings.length === 0, anchored: false })
      : summaryOf(result),
  );
  return result.findings.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(
    error instanceof UsageError
      ? `${message}\nSee npm run audit:verify -- --help`
      : `The audit could not be checked: ${message}`,
  );
  process.exitCode = 2;
}
