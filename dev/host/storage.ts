import { RestError, TableServiceClient } from '@azure/data-tables';

import { HostError } from './hostError.ts';

const emulator = [
  'DefaultEndpointsProtocol=http',
  'AccountName=devstoreaccount1',
  'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
  'BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1',
  'QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1',
  'TableEndpoint=http://127.0.0.1:10002/devstoreaccount1',
].join(';');

/** Writes `UseDevelopmentStorage=true` out in full; any other connection string stays as it is. */
export function explicitConnectionString(text: string): string {
  return isDevelopmentStorage(text) ? emulator : text;
}

/** Whether a connection string means an Azurite on its usual ports. */
export function isDevelopmentStorage(text: string): boolean {
  return /^\s*UseDevelopmentStorage=true;?\s*$/i.test(text);
}

/**
 * Checks that the storage answers, which timers and Durable Functions need.
 * @throws HostError saying what to do
 */
export async function requireStorage(connectionString: string): Promise<string> {
  const advice = 'start Azurite, give --storage, or let the host start one with --azurite';
  try {
    const options = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
    await TableServiceClient.fromConnectionString(connectionString, options).listTables().next();
  } catch (error) {
    const reason = error instanceof RestError ? (error.code ?? error.message) : String(error);
    throw new HostError(`The storage of AzureWebJobsStorage does not answer (${reason}): ${advice}.`);
  }
  return connectionString;
}
