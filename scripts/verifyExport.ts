import { contentHash } from '../src/core/canonicalJson.ts';
import type { AuditRecord } from '../src/core/auditRecord.ts';
import { UnreadableRowError } from '../src/core/stores.ts';
import { verifyChain, type ChainFault } from '../src/core/verifyChain.ts';
import type { Export, ExportedRecord } from './readExport.ts';

export interface ExportFinding {
  /** Of a line that holds no record nobody knows. */
  partition?: string;
  sequence?: number;
  fault: ChainFault | 'unreadable' | 'contradicts-export';
  /** File and line. */
  exported: string;
  message: string;
}

/** What an export holds. */
export interface ExportResult {
  files: number;
  records: number;
  partitions: number;
  repeated: number;
  /** Partitions whose first records are not in it: it was begun later, or older blobs were not downloaded. */
  beginLater: number;
  /** How many of its records the tables have just so; undefined: they were not asked. */
  inTables?: number;
}

/**
 * Checks an export against its own chains and, where records can be read from the tables, against these: each of its
 * records must be there, and be the same. What the tables have besides is no finding: the export follows them.
 */
export async function verifyExport(
  { files, repeated, unreadable, partitions }: Export,
  readPartition: ((partition: string) => Promise<AuditRecord[]>) | undefined,
  found: (findings: readonly ExportFinding[]) => void,
): Promise<ExportResult> {
  const result: ExportResult = { files, records: 0, partitions: partitions.size, repeated, beginLater: 0 };
  let inTables = 0;
  found(unreadable.map((exported) => ({ fault: 'unreadable', exported, message: 'It holds no record.' })));
  for (const [partition, exported] of partitions) {
    result.records += exported.length;
    if (exported[0] !== undefined && exported[0].number > 1) result.beginLater += 1;
    found(chainFindings(partition, exported));
    const inPlace = readPartition && (await recordsByNumber(partition, readPartition));
    for (const record of inPlace === undefined ? [] : exported) {
      const finding = differenceTo(inPlace?.get(record.number), partition, record);
      if (finding === undefined) inTables += 1;
      else found([finding]);
    }
  }
  return readPartition === undefined ? result : { ...result, inTables };
}

function chainFindings(partition: string, exported: readonly ExportedRecord[]): ExportFinding[] {
  return (
    verifyChain('Record', exported)
      // What came before the export began it cannot have.
      .filter(({ number, fault }) => !(fault === 'missing' && number === 1))
      .map(({ number, fault, message }) => {
        const at = exported.findLast((record) => record.number <= number) ?? exported[0];
        return {
          partition,
          sequence: number,
          fault,
          exported: at?.where ?? '',
          message: `In the export: ${message}`,
        };
      })
  );
}

/** Undefined where the partition cannot be read: that is a finding of the tables. */
async function recordsByNumber(
  partition: string,
  readPartition: (partition: string) => Promise<AuditRecord[]>,
): Promise<Map<number, AuditRecord> | undefined> {
  try {
    return new Map((await readPartition(partition)).map((record) => [record.sequence, record]));
  } catch (error) {
    if (error instanceof UnreadableRowError) return undefined;
    throw error;
  }
}

function differenceTo(
  inPlace: AuditRecord | undefined,
  partition: string,
  { number, hash, contentHash: content, where }: ExportedRecord,
): ExportFinding | undefined {
  const common = { partition, sequence: number, exported: where };
  if (inPlace === undefined) {
    const message = `Record ${number} is gone from the tables: the export has it (${where}).`;
    return { ...common, fault: 'missing', message };
  }
  if (inPlace.hash !== hash || contentHash(inPlace) !== content) {
    const message = `Record ${number} is not what was exported (${where}).`;
    return { ...common, fault: 'contradicts-export', message };
  }
  return undefined;
}
