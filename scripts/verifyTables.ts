import { createAuditTrail } from '../src/adapters/tables/auditTrail.ts';
import { createNsgRecords, listNsgIds } from '../src/adapters/tables/nsgRecords.ts';
import { createPolicies, listPolicyIds } from '../src/adapters/tables/policies.ts';
import { createRequests, listRequestIds } from '../src/adapters/tables/requests.ts';
import { readSeals } from '../src/adapters/tables/seals.ts';
import type { Tables } from '../src/adapters/tables/tables.ts';
import type { AccessRequest } from '../src/core/accessRequest.ts';
import type { AuditRecord } from '../src/core/auditRecord.ts';
import { driftPartition } from '../src/core/nsgRecord.ts';
import { isRequestId } from '../src/core/ownedRule.ts';
import { policyPartition } from '../src/core/policyRecord.ts';
import { UnreadableRowError } from '../src/core/stores.ts';
import { nameRange } from '../src/core/verifyChain.ts';
import {
  attestationsOf,
  sealedCount,
  verifySealed,
  verifySeals,
  type Anchor,
  type SealFinding,
} from '../src/core/verifySeals.ts';
import { eventOf, verifyTrail, type TrailFinding } from '../src/core/verifyTrail.ts';

interface UnreadableFinding {
  partition: string;
  fault: 'unreadable';
  message: string;
}
export type TablesFinding = TrailFinding | SealFinding | UnreadableFinding;

/** What a matching anchor proves: these records are those that were sealed, and none of them is gone. */
interface Proof {
  seal: number;
  /** When that seal was made. */
  at: string;
  records: number;
  partitions: number;
}

export interface TablesResult {
  records: number;
  partitions: number;
  seals: number;
  findings: TablesFinding[];
  /** Only where nothing was found. */
  proven?: Proof;
}

/**
 * Verifies the seals, and all partitions: first those of requests, NSGs and policies, since one that is wholly gone is found by
 * their rows, then those that are there, then those that only a seal knows of.
 */
export async function verifyTables(
  tables: Tables,
  anchors: readonly Anchor[],
  report: (finding: TablesFinding) => void,
): Promise<TablesResult> {
  const audit = createAuditTrail(tables, () => new Date());
  const requests = createRequests(tables.requests);
  const nsgs = createNsgRecords(tables.nsgs);
  const policies = createPolicies(tables.policies);
  // Before the records: what these seals name was there by then, whatever the app goes on to write.
  const { seals, unreadable } = await readSeals(tables.seals);
  const attestations = attestationsOf(seals);
  const anchored = anchors.at(-1)?.number ?? 0;
  const result: TablesResult = { records: 0, partitions: 0, seals: seals.length, findings: [] };
  const proven = { records: 0, partitions: 0 };
  const verified = new Set<string>();

  function found(findings: readonly TablesFinding[]): void {
    result.findings.push(...findings);
    findings.forEach(report);
  }

  async function verifyOne(partition: string, ofRequest: boolean, atLeast = 0): Promise<void> {
    verified.add(partition);
    found(await findingsOf(partition, ofRequest, atLeast));
  }

  async function findingsOf(
    partition: string,
    ofRequest: boolean,
    atLeast: number,
  ): Promise<TablesFinding[]> {
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
  async function missingRequest(
    partition: string,
    [first]: readonly AuditRecord[],
  ): Promise<TablesFinding[]> {
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

  function missingAtEnd(
    partition: string,
    records: readonly AuditRecord[],
    atLeast: number,
  ): TablesFinding[] {
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
