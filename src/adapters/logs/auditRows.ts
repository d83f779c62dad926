import type { AuditRecord } from '../../core/auditRecord.ts';

/** A row of the stream `Custom-SallyportAudit`; the columns are those of the template. */
export interface AuditRow {
  /** When it happened, ISO 8601. Azure puts the time of arrival where that is older than two days. */
  TimeGenerated: string;
  Event: string;
  Partition: string;
  Sequence: number;
  Actor: string;
  CorrelationId: string;
  Hash: string;
  Record: object;
}

/** Azure takes 1 MB a call; so much is below both readings of it. */
export const bytesPerCall = 1_000_000;
/** Azure cuts a field off at 64 KB, be it in the middle of JSON. */
export const bytesPerField = 64_000;

/**
 * The rows of records, as JSON texts of arrays in order, each small enough for one call.
 *
 * Of a record that is too long for one field the longest members are left out, and named in `cut`: the whole is in the
 * tables, and the hash is that of the whole. Half a surrogate pair, which is no text, becomes U+FFFD.
 */
export function rowsOf(records: readonly AuditRecord[]): string[] {
  const bodies: string[] = [];
  let rows: string[] = [];
  let bytes = 0;
  for (const record of records) {
    const row = JSON.stringify(rowOf(record), wellFormed);
    const length = Buffer.byteLength(row) + 1;
    if (rows.length > 0 && 1 + bytes + length > bytesPerCall) {
      bodies.push(`[${rows.join(',')}]`);
      [rows, bytes] = [[], 0];
    }
    rows.push(row);
    bytes += length;
  }
  if (rows.length > 0) bodies.push(`[${rows.join(',')}]`);
  return bodies;
}

function rowOf(record: AuditRecord): AuditRow {
  return {
    TimeGenerated: record.at,
    Event: record.event,
    Partition: record.partition,
    Sequence: record.sequence,
    Actor: record.actor,
    CorrelationId: record.correlationId,
    Hash: record.hash,
    Record: withinField(record),
  };
}

function withinField(record: AuditRecord): object {
  if (bytesOf(record) <= bytesPerField) return record;
  const left = new Map<string, unknown>(Object.entries(record));
  const longestFirst = [...left].map(([name, value]) => ({ name, bytes: bytesOf(value) }));
  longestFirst.sort((a, b) => b.bytes - a.bytes);
  const cut: string[] = [];
  const rest = () => ({ ...Object.fromEntries(left), cut });
  for (const { name } of longestFirst) {
    left.delete(name);
    cut.push(name);
    if (bytesOf(rest()) <= bytesPerField) break;
  }
  return rest();
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value, wellFormed));
}

function wellFormed(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? Buffer.from(value).toString() : value;
}
