import { odata, type TableClient } from '@azure/data-tables';
import * as z from 'zod';
import { canonicalJson } from '../../core/canonicalJson.ts';
import type { Seal } from '../../core/seal.ts';
import { UnreadableRowError, type Seals } from '../../core/stores.ts';
import { eachRow, insertOnce, rowsOfPartition, type Entity } from './calls.ts';
import { parseRow, toProperties } from './entity.ts';

const partition = 'seals';
const largestNumber = 9_999_999_999;

// Loose: what a newer version added was hashed too, and is part of what is verified.
const schema: z.ZodType<Seal> = z.looseObject({
  number: z.int().min(1),
  at: z.string(),
  sealed: z.array(z.looseObject({ partition: z.string(), count: z.int().min(0), headHash: z.string() })),
  indexedUpTo: z.string(),
  previousHash: z.string(),
  hash: z.string(),
});

/** The chain of seals. Never changed or deleted from here: in Azure the app's role may only insert and read. */
export function createSeals(table: TableClient): Seals {
  return {
    async newest() {
      const filter = odata`PartitionKey eq ${partition}`;
      for await (const entity of eachRow('newest seal', table, { filter }, 1)) return parse(entity);
      return undefined;
    },
    async after(number) {
      const filter = odata`PartitionKey eq ${partition} and RowKey lt ${rowKeyOf(number)}`;
      const seals: Seal[] = [];
      for await (const entity of eachRow(`seals after ${number}`, table, { filter }))
        seals.push(parse(entity));
      return seals.reverse();
    },
    async insert(seal) {
      const what = `seal ${seal.number}`;
      const entity = {
        partitionKey: partition,
        rowKey: rowKeyOf(seal.number),
        number: seal.number,
        // Canonical: what is stored is what was hashed.
        ...toProperties(what, canonicalJson(seal)),
      };
      return (await insertOnce(what, table, entity)) === 'exists' ? 'exists' : 'inserted';
    },
  };
}

/** Every seal there is, oldest first, and what is wrong with rows that are none: for verification. */
export async function readSeals(
  table: TableClient,
): Promise<{ seals: Seal[]; unreadable: UnreadableRowError[] }> {
  const seals: Seal[] = [];
  const unreadable: UnreadableRowError[] = [];
  for await (const entity of rowsOfPartition('seals', table, partition)) {
    try {
      seals.push(parse(entity));
    } catch (error) {
      if (!(error instanceof UnreadableRowError)) throw error;
      unreadable.push(error);
    }
  }
  return { seals: seals.reverse(), unreadable: unreadable.reverse() };
}

/** Counts down, because Table Storage lists upwards only and the newest is what every sweep asks for. */
function rowKeyOf(number: number): string {
  return String(largestNumber - number).padStart(10, '0');
}

function parse(entity: Entity): Seal {
  const key = entity.rowKey ?? '';
  const inPlace = schema.refine(
    (seal) => rowKeyOf(seal.number) === key,
    'stands under the number of another seal',
  );
  return parseRow(`seal ${largestNumber - Number(key)}`, entity, inPlace);
}
