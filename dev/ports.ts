import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { StartError } from './processes.ts';

/** Where everything listens, on 127.0.0.1. Azurite takes three: blob, queue, table. */
export interface Ports {
  host: number;
  arm: number;
  identity: number;
  storage: number;
}

/** `npm start`'s. */
export const defaultPorts: Ports = { host: 7071, arm: 8443, identity: 8080, storage: 10_000 };

/** The flag of `npm start` that chooses each. */
export const portFlags: Record<keyof Ports, string> = {
  host: '--port',
  arm: '--arm-port',
  identity: '--identity-port',
  storage: '--storage-port',
};

/** @throws StartError that names the first port that is taken, and the flag for another */
export async function requireFree(ports: Ports): Promise<void> {
  const wanted: [number, keyof Ports][] = [
    [ports.host, 'host'],
    [ports.arm, 'arm'],
    [ports.identity, 'identity'],
    [ports.storage, 'storage'],
    [ports.storage + 1, 'storage'],
    [ports.storage + 2, 'storage'],
  ];
  for (const [port, name] of wanted) {
    if (!(await isFree(port))) {
      throw new StartError(
        `Port ${port} is in use. End what listens there, or choose another with ${portFlags[name]} N.`,
      );
    }
  }
}

/** Finds free ports for everything. */
export async function freePorts(): Promise<Ports> {
  const [host, arm, identity, storage] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freeTriple(),
  ]);
  return { host, arm, identity, storage };
}

/** Three neighbours, below the range that systems hand out by themselves, so that nobody gets one in between. */
async function freeTriple(): Promise<number> {
  for (;;) {
    const first = randomInt(20_000, 30_000);
    const all = [first, first + 1, first + 2];
    if ((await Promise.all(all.map(isFree))).every((free) => free)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

async function freePort(): Promise<number> {
  return (await listenOnce(0)) ?? freePort();
}

/** The port that was listened on for a moment; undefined if it is taken. */
async function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return address.port;
}
