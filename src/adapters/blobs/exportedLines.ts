import type { AuditRecord } from '../../core/auditRecord.ts';
import { canonicalJson } from '../../core/canonicalJson.ts';

/** What ends a line, and nothing else: canonical JSON holds none. */
export const newline = Buffer.from('\n');

/** The line of a record: what was hashed, and its hash, as canonical JSON in UTF-8. */
export function lineOf(record: AuditRecord): Buffer {
  return Buffer.from(`${canonicalJson(record)}\n`, 'utf8');
}

/**
 * Puts lines together, in order, to portions of at most so many bytes. A line is never divided: one that is larger by
 * itself is a portion by itself.
 */
export function portionsOf(lines: readonly Buffer[], bytes: number): Buffer[][] {
  const portions: Buffer[][] = [];
  let size = Infinity;
  for (const line of lines) {
    if (size + line.length > bytes) {
      portions.push([]);
      size = 0;
    }
    portions.at(-1)?.push(line);
    size += line.length;
  }
  return portions;
}
