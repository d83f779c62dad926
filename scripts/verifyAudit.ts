import { parseArgs } from 'node:util';
import { AzureCliCredential } from '@azure/identity';
import { createAuditTrail } from '../src/adapters/tables/auditTrail.ts';
import { openTables, type TablesSettings } from '../src/adapters/tables/tables.ts';
import { AnchorError, readAnchors } from './auditAnchors.ts';
import { localSettings } from './localSettings.ts';
import { readExport } from './readExport.ts';
import { UsageError } from './usageError.ts';
import { verifyExport, type ExportFinding, type ExportResult } from './verifyExport.ts';
import { verifyTables, type TablesFinding, type TablesResult } from './verifyTables.ts';

const help = `Usage: npm run audit:verify -- [options]

Reads every audit record and every seal and checks that none was changed, removed, inserted or moved since it was
written, and that the requests' own rows and the seals agree. It changes nothing.

Options:
  --anchor <text>         NUMBER:HASH of a seal, from the log; or a file with such lines, or with the log's own lines.
                          May be given several times. Give all that the log still has, not the newest alone
  --connection <text>     Connection string of the tables; otherwise the app's own settings are used:
                          SALLYPORT_TABLES, or SALLYPORT_TABLES__tableServiceUri with the Azure CLI's account,
                          from the environment or from local.settings.json
  --table-prefix <text>   Prefix of the tables' names (sallyport)
  --export <folder>       Checks besides what was downloaded from the container of the audit export: its own chains, and
                          that the tables have each of its records just so
  --without-tables        With --export: checks the export alone, for when there are no tables (any more)
  --json                  One JSON document instead of text
  --help                  This text

Exit code: 0 consistent, 1 something was found, 2 it could not be checked.

Consistent is not proven complete: whoever may write to the storage account can rewrite records, rows and seals so that
they fit. An anchor is outside the account: up to its seal, that is found. See docs/audit.md.`;

type Finding = TablesFinding | ExportFinding;

interface Result extends Omit<TablesResult, 'findings'> {
  findings: Finding[];
  exported?: ExportResult;
}

async function settingsOf(
  connection: string | undefined,
  prefix: string | undefined,
  env: Surroundings['env'],
  folder: string,
): Promise<TablesSettings> {
  const common = prefix === undefined ? {} : { tableNamePrefix: prefix };
  if (connection !== undefined) return { connectionString: connection, ...common };
  // One source or the other, never half of each: a mixture would verify another account than the one that was meant.
  for (const settings of [env, await localSettings(folder)]) {
    const connectionString = settings['SALLYPORT_TABLES'];
    const serviceUri = settings['SALLYPORT_TABLES__tableServiceUri'];
    if (connectionString) return { connectionString, ...common };
    if (serviceUri) return { serviceUri, credential: new AzureCliCredential(), ...common };
  }
  throw new UsageError(
    'Where the tables are is not known: set SALLYPORT_TABLES or SALLYPORT_TABLES__tableServiceUri, ' +
      'run this where local.settings.json is, or give --connection (or --without-tables for an export alone).',
  );
}

function summaryOf({ records, partitions, seals, findings, proven, exported }: Result): string {
  const alone = exported !== undefined && exported.inTables === undefined;
  const what = alone
    ? 'tables not read'
    : `${counted(records, 'record')} in ${counted(partitions, 'partition')}, ${counted(seals, 'seal')}`;
  if (findings.length > 0) return `${what}: ${counted(findings.length, 'finding')}`;
  if (alone) return `${what}: the export is consistent in itself`;
  if (proven === undefined) return `${what}: consistent, not proven complete (no anchor)`;
  const newer = records - proven.records;
  return (
    `${what}: ${counted(proven.records, 'record')} in ${counted(proven.partitions, 'partition')} proven to be what ` +
    `was sealed by ${proven.at}; ${counted(newer, 'record')} after seal ${proven.seal} consistent, not proven complete`
  );
}

function summaryOfExport(exported: ExportResult, recordsInTables: number): string {
  const { files, records, partitions, repeated, beginLater, inTables } = exported;
  return [
    `export: ${counted(records, 'record')} in ${counted(partitions, 'partition')}, ${counted(files, 'file')}`,
    counted(repeated, 'repeated line'),
    ...(beginLater > 0 ? [`${counted(beginLater, 'partition')} begun before it`] : []),
    ...(inTables === undefined
      ? []
      : [
          `${inTables} as in the tables, which have ${counted(recordsInTables - inTables, 'record')} besides`,
        ]),
  ].join('; ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        anchor: { type: 'string', multiple: true, default: [] },
        connection: { type: 'string' },
        'table-prefix': { type: 'string' },
        export: { type: 'string' },
        'without-tables': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The options cannot be read.');
  }
}

/** Where the command finds its settings, and where it says what it found. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  /** The folder of local.settings.json. */
  folder: string;
  print: (line: string) => void;
  complain: (line: string) => void;
}

/** The whole command: reads, verifies, prints, and returns the exit code. Never rejects. */
export async function verifyAudit(args: string[], surroundings: Surroundings): Promise<number> {
  try {
    return await run(args, surroundings);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    surroundings.complain(
      error instanceof UsageError || error instanceof AnchorError
        ? `${message}\nSee npm run audit:verify -- --help`
        : `The audit could not be checked: ${message}`,
    );
    return 2;
  }
}

async function run(args: string[], { env, folder, print }: Surroundings): Promise<number> {
  const options = parse(args);
  if (options.help) {
    print(help);
    return 0;
  }
  const report = (finding: Finding) => {
    if (!options.json) print(`${finding.fault}  ${placeOf(finding)}  ${finding.message}`);
  };
  const result = await verifyAll(options, env, folder, report);
  if (options.json) {
    const { length } = options.anchor;
    print(JSON.stringify({ ...result, consistent: result.findings.length === 0, anchored: length > 0 }));
  } else {
    if (result.exported !== undefined) print(summaryOfExport(result.exported, result.records));
    print(summaryOf(result));
  }
  return result.findings.length === 0 ? 0 : 1;
}

async function verifyAll(
  options: ReturnType<typeof parse>,
  env: Surroundings['env'],
  folder: string,
  report: (finding: Finding) => void,
): Promise<Result> {
  const anchors = await readAnchors(options.anchor);
  if (options['without-tables'] && (options.export === undefined || anchors.length > 0)) {
    throw new UsageError(
      '--without-tables goes with --export, and an anchor is for the seals of the tables.',
    );
  }
  const exported = options.export === undefined ? undefined : await readExport(options.export);
  const tables = options['without-tables']
    ? undefined
    : openTables(await settingsOf(options.connection, options['table-prefix'], env, folder));
  const result =
    tables === undefined
      ? { records: 0, partitions: 0, seals: 0, findings: [] }
      : await verifyTables(tables, anchors, report);
  if (exported === undefined) return result;
  const audit = tables && createAuditTrail(tables, () => new Date());
  const findings: Finding[] = [...result.findings];
  const counts = await verifyExport(exported, audit && ((partition) => audit.read(partition)), (found) => {
    findings.push(...found);
    found.forEach(report);
  });
  const { proven, ...unproven } = result;
  // What the export contradicts is not proven by an anchor either.
  return {
    ...unproven,
    findings,
    ...(proven && findings.length === 0 ? { proven } : {}),
    exported: counts,
  };
}

function placeOf(finding: Finding): string {
  if ('seal' in finding) return `seal ${finding.seal}`;
  return finding.partition ?? ('exported' in finding ? finding.exported : '');
}
