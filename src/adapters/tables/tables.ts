import type { TokenCredential } from '@azure/core-auth';
import { TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import { ask } from './calls.ts';

/** Where the tables are. The prefix keeps installations, and tests, apart in one storage account. */
export type TablesSettings = (
  { connectionString: string } | { serviceUri: string; credential: TokenCredential }
) & {
  /** Letters and digits, beginning with a letter. */
  tableNamePrefix?: string;
};

export interface Tables {
  requests: TableClient;
  live: TableClient;
  policies: TableClient;
  nsgs: TableClient;
  audit: TableClient;
  index: TableClient;
  seals: TableClient;
  heartbeat: TableClient;
}

const defaultPrefix = 'sallyport';

/** Makes the clients; nothing is sent. Throws on a connection string that cannot be read. */
export function openTables(settings: TablesSettings): Tables {
  const prefix = settings.tableNamePrefix ?? defaultPrefix;
  return {
    requests: openTable(settings, `${prefix}Requests`),
    live: openTable(settings, `${prefix}Live`),
    policies: openTable(settings, `${prefix}Policies`),
    nsgs: openTable(settings, `${prefix}Nsgs`),
    audit: openTable(settings, `${prefix}Audit`),
    index: openTable(settings, `${prefix}Index`),
    seals: openTable(settings, `${prefix}Seals`),
    heartbeat: openTable(settings, `${prefix}Heartbeat`),
  };
}

function openTable(settings: TablesSettings, name: string): TableClient {
  // Short delays: the deadline of a call is ten seconds, and people wait.
  const options: TableServiceClientOptions = {
    retryOptions: { maxRetries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2000 },
  };
  return 'connectionString' in settings
    ? TableClient.fromConnectionString(settings.connectionString, name, {
        ...options,
        allowInsecureConnection: asksForHttp(settings.connectionString),
      })
    : new TableClient(settings.serviceUri, name, settings.credential, options);
}

/** Azurite speaks plain http; nobody else gets it unless the connection string says so. */
function asksForHttp(connectionString: string): boolean {
  return /(^|;)\s*(UseDevelopmentStorage=true|TableEndpoint=http:|DefaultEndpointsProtocol=http\s*(;|$))/i.test(
    connectionString,
  );
}

/**
 * Makes the tables that are not there yet.
 * An identity that may use tables but not make them is fine as long as they exist; otherwise the Error says which
 * table is missing and who can make it.
 */
export async function ensureTables(tables: Tables): Promise<void> {
  await Promise.all(Object.values(tables).map((table: TableClient) => ensureTable(table)));
}

async function ensureTable(table: TableClient): Promise<void> {
  const made = await ask(`make table ${table.tableName}`, (signal) => table.createTable(signal), 'forbidden');
  if (made !== 'forbidden') return;
  const read = await ask(
    `read table ${table.tableName}`,
    (signal) => table.listEntities(signal).byPage({ maxPageSize: 1 }).next(),
    'no-table',
  );
  if (read === 'no-table') {
    throw new Error(
      `The table ${table.tableName} does not exist, and this identity may not make it: ` +
        'deploy the tables with the template, or give the identity the right to create tables.',
    );
  }
}
