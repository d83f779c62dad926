import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import type { LastSweep, LastSweeps } from '../../core/health.ts';
import { ask, getRow } from './calls.ts';
import { parseRow, toProperties } from './entity.ts';

const key = { partitionKey: 'sweep', rowKey: 'newest' };
const what = 'the newest sweep';
const instant = z.iso.datetime({ offset: true });

const schema: z.ZodType<LastSweep> = z.object({
  began: instant,
  ended: instant,
  complete: z.boolean(),
  counts: z.record(z.string(), z.number()),
  unlistedSubscriptions: z.array(z.string()),
});

/** The newest sweep, a row beside the heartbeat. One that cannot be read throws UnreadableRowError. */
export function createLastSweeps(heartbeat: TableClient): LastSweeps {
  return {
    async newest() {
      const found = await getRow(what, heartbeat, key.partitionKey, key.rowKey);
      return found === undefined ? undefined : parseRow(what, found, schema);
    },
    async note(sweep) {
      const entity = { ...key, ...toProperties(what, JSON.stringify(sweep)) };
      await ask(`write ${what}`, (signal) => heartbeat.upsertEntity(entity, 'Replace', signal));
    },
  };
}
