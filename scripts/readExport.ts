import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { auditRecordSchema } from '../src/adapters/tables/auditTrail.ts';
import { contentHash } from '../src/core/canonicalJson.ts';
import type { ChainLink } from '../src/core/verifyChain.ts';
import { UsageError } from './usageError.ts';

/** One record of the export, as far as it is checked: content and hash make it what it is. */
export interface ExportedRecord extends ChainLink {
  /** `2026/11/23.jsonl, line 7`; of a line that is there several times the first. */
  where: string;
}

export interface Export {
  files: number;
  /** Lines that say again what an earlier one said: a block may be stored twice. */
  repeated: number;
  unreadable: string[];
  /** By partition, each record once, by number. */
  partitions: Map<string, ExportedRecord[]>;
}

/**
 * Reads the blobs of an export that were downloaded to a folder, as `<yyyy>/<mm>/<dd>.jsonl` or in any other place of it.
 * A line that is no record, such as half a line, concerns no other. Throws UsageError where there is no such file.
 */
export async function readExport(folder: string): Promise<Export> {
  const files = await filesOf(folder);
  const read: Export = { files: files.length, repeated: 0, unreadable: [], partitions: new Map() };
  const seen = new Set<string>();
  for (const file of files) {
    let number = 0;
    for await (const line of linesOf(join(folder, file))) {
      number += 1;
      // Between blocks: see src/adapters/blobs/auditExport.ts.
      if (line === '') continue;
      const where = `${file}, line ${number}`;
      const record = recordOf(line);
      if (record === undefined) {
        read.unreadable.push(where);
        continue;
      }
      const link = { ...record, contentHash: contentHash(record), number: record.sequence };
      const identity = `${record.partition} ${link.number} ${link.contentHash} ${link.hash}`;
      if (seen.has(identity)) read.repeated += 1;
      else addTo(read.partitions, record.partition, { ...linkOnly(link), where });
      seen.add(identity);
    }
  }
  for (const records of read.partitions.values()) records.sort((a, b) => a.number - b.number);
  return read;
}

async function filesOf(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch {
    throw new UsageError(`--export ${folder} is no folder that can be read.`);
  }
  const files = names.filter((name) => name.endsWith('.jsonl')).map((name) => name.replaceAll('\\', '/'));
  if (files.length === 0) throw new UsageError(`--export ${folder} holds no file of an export (*.jsonl).`);
  return files.sort();
}

/** Not node:readline, for which U+2028 ends a line too: JSON holds it as it is. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

function recordOf(line: string) {
  try {
    return auditRecordSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function linkOnly({ number, previousHash, hash, contentHash }: ChainLink): ChainLink {
  return { number, previousHash, hash, contentHash };
}

function addTo<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key) ?? [];
  values.push(value);
  map.set(key, values);
}
