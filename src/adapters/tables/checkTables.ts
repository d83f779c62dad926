import type { TableClient } from '@azure/data-tables';
import { causeOf } from '../../core/cause.ts';
import type { Verdict } from '../../core/health.ts';
import { ask } from './calls.ts';
import type { Tables } from './tables.ts';

/** A row that nobody makes: reading it costs the least, and needs the table and the right to read it. */
const nobodys = { partition: 'health', row: 'health' };

/** Reads each table once, all at a time. Never rejects. */
export async function checkTables(tables: Tables): Promise<Verdict> {
  const found = await Promise.all(Object.values(tables).map((table: TableClient) => checkTable(table)));
  const wrong = found.filter((one) => one !== undefined);
  if (wrong.length === 0) return { status: 'ok' };
  const causes = [...new Set(wrong.flatMap(({ cause }) => cause ?? []))];
  return {
    status: 'failing',
    reason: `${wrong.map(({ problem }) => problem).join('; ')}.`,
    ...(causes.length > 0 && { cause: causes.join(' ') }),
  };
}

async function checkTable(table: TableClient): Promise<{ problem: string; cause?: string } | undefined> {
  const name = table.tableName;
  try {
    const answer = await ask(
      `read ${name}`,
      (signal) => table.getEntity(nobodys.partition, nobodys.row, signal),
      ...(['absent', 'forbidden', 'no-table'] as const),
    );
    if (answer === 'forbidden') return { problem: `The app may not read the table ${name}` };
    if (answer === 'no-table') return { problem: `There is no table ${name}` };
    return undefined;
  } catch (error) {
    return { problem: `The table ${name} does not answer as it should`, cause: causeOf(error) };
  }
}
