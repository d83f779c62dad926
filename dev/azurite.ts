import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

export interface Azurite {
  connectionString: string;
  pid: number;
  /** Ends the process and waits for its end; without a folder the data is gone. */
  stop(): Promise<void>;
}

export interface AzuriteOptions {
  /** Where the data is kept; without it everything stays in memory. */
  folder?: string;
  /** Fixed ports on 127.0.0.1; without them free ones are taken. */
  ports?: { blob: number; queue: number; table: number };
  /**
   * Speaks https with this certificate, and takes bearer tokens besides its key. Of these it reads issuer, audience
   * and times, and asks for no role.
   */
  certificate?: { certificatePath: string; keyPath: string };
}

const account = 'devstoreaccount1';
/** The well-known development key that every Azurite accepts; it protects nothing. */
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

type Service = 'Blob' | 'Queue' | 'Table';
const services: readonly Service[] = ['Blob', 'Queue', 'Table'];

/** A killed parent cannot stop its children, so Azurite watches the IPC channel (unref: it may end on its own). */
const endWithParent = `data:text/javascript,process.once('disconnect',()=>process.exit());process.channel.unref()`;

/**
 * Starts Azurite (blob, queue, table) as a child process on 127.0.0.1 and waits until all three listen.
 * It ends with this process, even when this process is killed.
 * @throws Error with Azurite's own words when it does not start, such as for a port that is in use.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const { certificate, ports = { blob: 0, queue: 0, table: 0 } } = options;
  const child = fork(
    createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'),
    [
      ...(options.folder === undefined ? ['--inMemoryPersistence'] : ['--location', options.folder]),
      ...['--blobPort', String(ports.blob)],
      ...['--queuePort', String(ports.queue)],
      ...['--tablePort', String(ports.table)],
      ...(certificate === undefined
        ? []
        : ['--cert', certificate.certificatePath, '--key', certificate.keyPath, '--oauth', 'basic']),
      ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: ['--import', endWithParent], env: environment() },
  );
  const addresses = await listening(child);
  return {
    connectionString: [
      `DefaultEndpointsProtocol=${certificate === undefined ? 'http' : 'https'}`,
      `AccountName=${account}`,
      `AccountKey=${accountKey}`,
      ...services.map((service) => `${service}Endpoint=${addresses[service]}/${account}`),
    ].join(';'),
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Loaders and debuggers of the parent are no business of Azurite's. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: '' };
}

function listening(child: ChildProcess): Promise<Record<Service, string>> {
  return new Promise((resolve, reject) => {
    const found: Partial<Record<Service, string>> = {};
    const said: string[] = [];
    const hear = (line: string) => {
      if (line.trim() !== '') said.push(line.trim());
      const match = /Azurite (Blob|Queue|Table) service is successfully listening at (\S+)/.exec(line);
      if (match === null) return;
      found[match[1] as Service] = match[2] ?? '';
      const { Blob, Queue, Table } = found;
      if (Blob !== undefined && Queue !== undefined && Table !== undefined) {
        resolve({ Blob, Queue, Table });
      }
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', hear);
    }
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error(`Azurite did not start: ${said.slice(-2).join(' ') || 'it said nothing'}`));
    });
  });
}
