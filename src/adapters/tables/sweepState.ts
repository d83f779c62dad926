import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import { UnreadableRowError, type SweepState } from '../../core/stores.ts';
import { ask, getRow } from './calls.ts';
import type { Tables } from './tables.ts';

/** A partition of its own beside the rows of NSGs: who lists those meets no marker. */
const installation = 'installation';
const markerKey = 'marker';
const sweep = 'sweep';

const markerSchema = z.object({ madeAt: z.iso.datetime({ offset: true }), madeBy: z.string().min(1) });
const instantSchema = z.object({ at: z.iso.datetime({ offset: true }) });

/**
 * The marker of the installation and what the sweep says of itself.
 * A row that cannot be read throws UnreadableRowError: it is never taken for an absent one.
 */
export function createSweepState({ heartbeat, nsgs }: Pick<Tables, 'heartbeat' | 'nsgs'>): SweepState {
  return {
    async marker() {
      const what = 'the marker of the installation';
      const found = await getRow(what, nsgs, installation, markerKey);
      return found === undefined ? undefined : parse(what, found, markerSchema);
    },
    async insertMarker(marker) {
      const entity = { partitionKey: installation, rowKey: markerKey, ...marker };
      const made = await ask('make the marker', (signal) => nsgs.createEntity(entity, signal), 'exists');
      if (made !== 'exists') return 'inserted';
      // The SDK sends an insert again when the answer to the first was lost.
      const existing = await this.marker();
      return existing?.madeAt === marker.madeAt && existing.madeBy === marker.madeBy ? 'inserted' : 'exists';
    },
    heartbeat: () => readInstant(heartbeat, 'heartbeat'),
    beat: (at) => writeInstant(heartbeat, 'heartbeat', at),
    listedAt: () => readInstant(heartbeat, 'listed'),
    listed: (at) => writeInstant(heartbeat, 'listed', at),
    lostSince: () => readInstant(heartbeat, 'lost'),
    async sayLost(at) {
      const entity = { partitionKey: sweep, rowKey: 'lost', at };
      await ask('say that the tables are lost', (signal) => heartbeat.createEntity(entity, signal), 'exists');
    },
  };
}

async function readInstant(table: TableClient, name: string): Promise<string | undefined> {
  const found = await getRow(`read ${name}`, table, sweep, name);
  return found === undefined ? undefined : parse(name, found, instantSchema).at;
}

async function writeInstant(table: TableClient, name: string, at: string): Promise<void> {
  const entity = { partitionKey: sweep, rowKey: name, at };
  await ask(`write ${name}`, (signal) => table.upsertEntity(entity, 'Replace', signal));
}

function parse<T>(what: string, entity: object, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(entity);
  if (!parsed.success) {
    throw new UnreadableRowError(`The row of ${what} cannot be read: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
