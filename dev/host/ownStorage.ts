import { connect } from 'node:net';
import type { Azurite } from '../azurite.ts';
import { startAzurite } from '../azurite.ts';
import type { Log } from './log.ts';
import { isDevelopmentStorage } from './storage.ts';

const ports = { blob: 10_000, queue: 10_001, table: 10_002 };

/**
 * Starts the development storage for this run where it is meant and nobody is on its ports. An account that was named
 * and does not answer is never replaced: what it holds would seem lost.
 */
export async function ownStorage(connection: string, log: Log): Promise<Azurite | undefined> {
  if (!isDevelopmentStorage(connection) || (await listens(ports.table))) return undefined;
  log('warn', 'No Azurite runs on ports 10000 to 10002: one in memory is started for this run.');
  return startAzurite({ ports });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
