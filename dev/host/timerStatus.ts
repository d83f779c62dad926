import { RestError, TableClient } from '@azure/data-tables';

/** What the host remembers of a timer between runs and restarts, as the app sees it in `scheduleStatus`. */
export interface TimerStatus {
  Last: string;
  Next: string;
  LastUpdated: string;
}

export interface TimerStatusStore {
  read(functionName: string): Promise<TimerStatus | undefined>;
  write(functionName: string, status: TimerStatus): Promise<void>;
}

/** Opens the store of one app's timers in table storage, and makes its table. */
export async function openTimerStatus(connectionString: string, hostId: string): Promise<TimerStatusStore> {
  const table = TableClient.fromConnectionString(connectionString, 'LocalHostTimers', {
    allowInsecureConnection: true,
  });
  await table.createTable();
  return {
    async read(functionName) {
      try {
        const { Last, Next, LastUpdated } = await table.getEntity<TimerStatus>(
          hostId,
          functionName.toLowerCase(),
        );
        return { Last, Next, LastUpdated };
      } catch (error) {
        if (error instanceof RestError && error.statusCode === 404) return undefined;
        throw error;
      }
    },
    async write(functionName, status) {
      await table.upsertEntity(
        { partitionKey: hostId, rowKey: functionName.toLowerCase(), ...status },
        'Replace',
      );
    },
  };
}
