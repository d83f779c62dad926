import { parseArgs } from 'node:util';
import { AzureCliCredential } from '@azure/identity';
import { createAuditTrail } from '../src/adapters/tables/auditTrail.ts';
import { createNsgRecords, listNsgIds } from '../src/adapters/tables/nsgRecords.ts';
import { createPolicies, listPolicyIds } from '../src/adapters/tables/policies.ts';
import { createRequests, listRequestIds } from '../src/adapters/tables/requests.ts';
import { readSeals } from '../src/adapters/tables/seals.ts';
import { openTables, type Tables, type TablesSettings } from '../src/adapters/tables/tables.ts';
import {
  attestationsOf,
  sealedCount,
  verifySealed,
  verifySeals,
  type Anchor,
  type SealFinding,
} from '../src/core/verifySeals.ts';
import type { AccessRequest } from '../src/core/accessRequest.ts';
import type { AuditRecord } from '../src/core/auditRecord.ts';
import { driftPartition } from '../src/core/nsgRecord.ts';
import { policyPartition } from '../src/core/policyRecord.ts';
import { isRequestId } from '../src/core/ownedRule.ts';
import { UnreadableRowError } from '../src/core/stores.ts';
import { nameRange } from '../src/core/verifyChain.ts';
import { eventOf, verifyTrail, type TrailFinding } from '../src/core/verifyTrail.ts';
import { AnchorError, readAnchors } from './auditAnchors.ts';
import { localSettings } from './localSettings.ts';
import { UsageError } from './usageError.ts';

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
  --json                  One JSON document instead of text
  --help                  This text

Exit code: 0 consistent, 1 something was found, 2 it could not be checked.

Consistent is not proven complete: whoever may write to the storage account can rewrite records, rows and seals so that
they fit. An anchor is outside the account: up to its seal, that is found. See docs/audit.md.`;

interface UnreadableFinding {
  partition: string;
  fault: 'unreadable';
  message: string;
}
type Finding = TrailFinding | SealFinding | UnreadableFinding;

/** What a matching anchor proves: these records are those that were sealed, and none of them is gone. */
interface Proof {
  seal: number;
  /** When that seal was made. */
  at: string;
  records: number;
  partitions: number;
}

interface Result {
  records: number;
  partitions: number;
  seals: number;
  findings: Finding[];
  /** Only where nothing was found. */
  proven?: Proof;
}

/**
 * Verifies the seals, and all partitions: first those of requests, NSGs and policies, since one that is wholly gone is found by
 * their rows, then those that are there, then those that only a seal knows of.
 */
async function verify(
  tables: Tables,
  anchors: readonly Anchor[],
  report: (finding: Finding) => void,
): Promise<Result> {
  const audit = createAuditTrail(tables, () => new Date());
  const requests = createRequests(tables.requests);
  const nsgs = createNsgRecords(tables.nsgs);
  const policies = createPolicies(tables.policies);
  // Before the records: what these seals name was there by then, whatever the app goes on to write.
  const { seals, unreadable } = await readSeals(tables.seals);
  const attestations = attestationsOf(seals);
  const anchored = anchors.at(-1)?.number ?? 0;
  const result: Result = { records: 0, partitions: 0, seals: seals.length, findings: [] };
  const proven = { records: 0, partitions: 0 };
  const verified = new Set<string>();

  function found(findings: readonly Finding[]): void {
    result.findings.push(...findings);
    findings.forEach(report);
  }

  async function verifyOne(partition: string, ofRequest: boolean, atLeast = 0): Promise<void> {
    verified.add(partition);
    found(await findingsOf(partition, ofRequest, atLeast));
  }

  async function findingsOf(partition: string, ofRequest: boolean, atLeast: number): Promise<Finding[]> {
    try {
      const before = ofRequest ? await requests.get(partition) : undefined;
      const records = await audit.read(partition);
      const said = attestations.get(partition) ?? [];
      const covered = Math.min(records.length, sealedCount(said, anchored));
      result.records += records.length;
      result.partitions += records.length > 0 ? 1 : 0;
      proven.records += covered;
      proven.partitions += covered > 0 ? 1 : 0;
      return [
        ...(await contradictions(partition, records, before?.row)),
        ...(ofRequest ? [] : await missingRequest(partition, records)),
        ...missingAtEnd(partition, records, atLeast),
        ...verifySealed(partition, records, said),
      ];
    } catch (error) {
      if (!(error instanceof UnreadableRowError)) throw error;
      return [{ partition, fault: 'unreadable', message: error.message }];
    }
  }

  /** A request's row is stored before its first record, and nothing of ours removes it. */
  async function missingRequest(partition: string, [first]: readonly AuditRecord[]): Promise<Finding[]> {
    if (!isRequestId(partition) || first?.event !== eventOf({ event: 'opening' })) return [];
    if ((await requests.get(partition)) !== undefined) return [];
    const message = `The row of request ${partition} is gone, though its records are there.`;
    return [{ partition, sequence: 1, fault: 'missing', message }];
  }

  async function contradictions(partition: string, records: readonly AuditRecord[], row?: AccessRequest) {
    const findings = verifyTrail(partition, records, row);
    if (row === undefined || findings.length === 0) return findings;
    // The app may have gone on meanwhile: its journal is ahead of its records, so it is read once more after them.
    const { journal } = (await requests.get(partition))?.row ?? row;
    return verifyTrail(partition, records, { recorded: row.recorded, journal });
  }

  function missingAtEnd(partition: string, records: readonly AuditRecord[], atLeast: number): Finding[] {
    const last = Math.max(0, ...records.map(({ sequence }) => sequence));
    if (last >= atLeast) return [];
    const message = `${nameRange('Record', last + 1, atLeast)} missing at the end: its row says that ${atLeast} were written.`;
    return [{ partition, sequence: last + 1, fault: 'missing', message }];
  }

  /** The row of an NSG, or of a policy, says how many records were written, after they were. */
  async function verifyLasting(
    partition: string,
    read: () => Promise<{ row: { recorded: number } } | undefined>,
  ): Promise<void> {
    try {
      await verifyOne(partition, false, (await read())?.row.recorded);
    } catch (error) {
      if (!(error instanceof UnreadableRowError)) throw error;
      found([{ partition, fault: 'unreadable', message: error.message }]);
    }
  }

  found(unreadable.map(({ message }) => ({ partition: 'seals', fault: 'unreadable', message })));
  found(verifySeals(seals, anchors));
  for await (const id of listRequestIds(tables.requests)) await verifyOne(id, true);
  for (const nsgId of await listNsgIds(tables.nsgs)) {
    await verifyLasting(driftPartition(nsgId), () => nsgs.get(nsgId));
  }
  for (const id of await listPolicyIds(tables.policies)) {
    await verifyLasting(policyPartition(id), () => policies.get(id));
  }
  for await (const partition of audit.partitions()) {
    if (!verified.has(partition)) await verifyOne(partition, false);
  }
  for (const partition of attestations.keys()) {
    if (!verified.has(partition)) await verifyOne(partition, false);
  }

  const seal = seals.find(({ number }) => number === anchored);
  if (result.findings.length > 0 || seal === undefined) return result;
  return { ...result, proven: { seal: seal.number, at: seal.at, ...proven } };
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
      'run this where local.settings.json is, or give --connection.',
  );
}

function summaryOf({ records, partitions, seals, findings, proven }: Result): string {
  const what = `${counted(records, 'record')} in ${counted(partitions, 'partition')}, ${counted(seals, 'seal')}`;
  if (findings.length > 0) return `${what}: ${counted(findings.length, 'finding')}`;
  if (proven === undefined) return `${what}: consistent, not proven complete (no anchor)`;
  const newer = records - proven.records;
  return (
    `${what}: ${counted(proven.records, 'record')} in ${counted(proven.partitions, 'partition')} proven to be what ` +
    `was sealed by ${proven.at}; ${counted(newer, 'record')} after seal ${proven.seal} consistent, not proven complete`
  );
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
  const anchors = await readAnchors(options.anchor);
  const settings = await settingsOf(options.connection, options['table-prefix'], env, folder);
  const result = await verify(openTables(settings), anchors, (finding) => {
    const where = 'seal' in finding ? `seal ${finding.seal}` : finding.partition;
    if (!options.json) print(`${finding.fault}  ${where}  ${finding.message}`);
  });
  print(
    options.json
      ? JSON.stringify({ ...result, consistent: result.findings.length === 0, anchored: anchors.length > 0 })
      : summaryOf(result),
  );
  return result.findings.length === 0 ? 0 : 1;
}
