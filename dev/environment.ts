import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { createSweepState } from '../src/adapters/tables/sweepState.ts';
import { openTables } from '../src/adapters/tables/tables.ts';
import { createArmClient } from './armClient.ts';
import type { ArmClient } from './armClient.ts';
import { startAzurite } from './azurite.ts';
import { lockFolder } from './folderLock.ts';
import { startHostProcess } from './hostProcess.ts';
import type { HostProcess } from './hostProcess.ts';
import { freePorts, requireFree } from './ports.ts';
import type { Ports } from './ports.ts';
import { StartError, startProcess } from './processes.ts';
import type { DevProcess } from './processes.ts';
import type { PersonName } from './sample/people.ts';
import { sampleSubscription } from './sample/policies.ts';
import { seedPolicies } from './seed.ts';

export interface EnvironmentOptions {
  /** Holds everything that lasts: storage, Azure's state, keys, logs. Made when missing. */
  folder: string;
  /** Fixed ports; without them free ones are taken. */
  ports?: Ports;
  /** Whoever asks Azure may do what their roles in the sample allow and no more, the app's identity as well. */
  enforceRoles?: boolean;
  hostOptions?: {
    /** Further arguments of the host's command line. */
    arguments?: string[];
    /** App settings beside and instead of the usual ones. */
    settings?: Record<string, string>;
  };
  armOptions?: {
    /** Further arguments of the simulator's command line. */
    arguments?: string[];
  };
  /** Gives up while it is coming up. */
  signal?: AbortSignal;
}

/** Azure on this machine, with the app in it. */
export interface Environment {
  urls: { host: string; arm: string; identity: string };
  /** Of storage: the host's and the app's tables. */
  connectionString: string;
  /** The app's settings: what a command of an administrator runs with. */
  settings: Record<string, string>;
  /** The webhook that events of the network go to, its key included. */
  eventWebhook: string;
  /** PEM file of the simulator's throw-away certificate. */
  certificate: string;
  /** Asks as the owner of the subscription, who is somebody else than the app. */
  arm: ArmClient;
  /** Waits until the app's sweep has made its first round: what is asked for before that waits for it too. */
  watched(): Promise<void>;
  /** A new access token, good for an hour. */
  token(person: PersonName): Promise<string>;
  processIds(): { host: number; worker: number; arm: number; identity: number; azurite: number };
  /** Kills the Functions worker, as a crash does, and waits until the host has started the next. */
  killWorker(): Promise<void>;
  /** Kills the host and its worker at once. */
  killHost(): Promise<void>;
  /** Stops the host in good order, if it runs, and starts it again on the same port. */
  restartHost(): Promise<void>;
  /** Settles with a sentence when something ends that was not asked to. */
  failed: Promise<string>;
  /** Ends every process; calling it again is harmless. */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));

const identityLine = z.object({
  url: z.string(),
  issuer: z.string(),
  tenantId: z.string(),
  audience: z.string(),
  managedIdentity: z.object({ endpoint: z.string(), header: z.string() }),
});
type IdentityLine = z.infer<typeof identityLine>;
const armLine = z.object({ url: z.string(), certificate: z.string() });

/**
 * Brings up storage, identity, Azure Resource Manager and the host with the built app, and puts the sample policies
 * there. All of it ends with `stop`, and with this process, however this process ends.
 * @throws StartError with a sentence that says what to do, or the signal's reason; nothing is left running then
 */
export async function startEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const { folder, signal } = options;
  const abortable = signal === undefined ? {} : { signal };
  if (!existsSync(join(root, 'dist/main.cjs'))) {
    throw new StartError('The app is not built: dist/main.cjs is missing. Run npm run build.');
  }
  const ports = options.ports ?? (await freePorts());
  await requireFree(ports);
  makeFolder(join(folder, 'logs'));
  const unlock = lockFolder(folder);

  const systemKey = randomBytes(30).toString('base64url');
  const eventWebhook = `http://127.0.0.1:${ports.host}/runtime/webhooks/EventGrid?functionName=networkChanged&code=${systemKey}`;
  const running: { stop(): Promise<void> }[] = [];
  /** Last in, first out: the host still needs the rest while it stops. */
  const stop = async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
    unlock();
  };
  let fail: (why: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => (fail = resolve));
  const keep = <Part extends DevProcess>(part: Part): Part => {
    running.push(part);
    void part.ended.then(() => {
      if (running.includes(part))
        fail(`${part.name} ended unexpectedly. Its log is in ${join(folder, 'logs')}.`);
    });
    return part;
  };

  try {
    const storage = await startStorage(join(folder, 'storage'), ports.storage);
    running.push(storage);
    const armOrigin = `https://127.0.0.1:${ports.arm}`;
    const identityProcess = keep(
      await startProcess({
        name: 'The identity issuer',
        program: new URL('identity/cli.ts', import.meta.url),
        arguments: [
          ...['--port', String(ports.identity), '--key-file', join(folder, 'identity-key.json')],
          ...['--resource', armOrigin],
        ],
        logFile: join(folder, 'logs/identity.log'),
        ...abortable,
      }),
    );
    const identity = identityLine.parse(identityProcess.ready);
    const armProcess = keep(
      await startProcess({
        name: 'The ARM simulator',
        program: new URL('arm/cli.ts', import.meta.url),
        arguments: [
          ...['--port', String(ports.arm), '--cert-dir', join(folder, 'certificate')],
          ...['--state', join(folder, 'azure.json'), '--save'],
          ...['--issuer', identity.issuer, '--audience', armOrigin],
          ...['--events-to', eventWebhook],
          ...(options.enforceRoles === true ? ['--enforce-roles'] : []),
          ...(options.armOptions?.arguments ?? []),
        ],
        logFile: join(folder, 'logs/arm.log'),
        advice: `If ${join(folder, 'azure.json')} is damaged, delete it to begin with the sample.`,
        ...abortable,
      }),
    );
    const arm = armLine.parse(armProcess.ready);
    await seedPolicies(storage.connectionString);

    const settings = {
      ...appSettings(identity, arm, storage.connectionString),
      ...options.hostOptions?.settings,
    };
    const startHost = async (): Promise<HostProcess> =>
      keep(
        await startHostProcess({
          arguments: [
            ...['--app', root, '--port', String(ports.host), '--storage', storage.connectionString],
            // One argument: a random key may begin with a dash.
            `--system-key=${systemKey}`,
            ...(options.hostOptions?.arguments ?? []),
          ],
          env: settings,
          logFile: join(folder, 'logs/host.log'),
          ...abortable,
        }),
      );
    let host = await startHost();
    const retire = () => running.splice(running.indexOf(host), running.includes(host) ? 1 : 0);

    return {
      urls: { host: host.url, arm: arm.url, identity: identity.url },
      connectionString: storage.connectionString,
      settings,
      eventWebhook,
      certificate: arm.certificate,
      arm: createArmClient(arm.url, arm.certificate, () => fetchToken(identity.url, 'frank', armOrigin)),
      watched: () => waitForHeartbeat(storage.connectionString, folder),
      token: (person) => fetchToken(identity.url, person),
      processIds: () => ({
        host: host.pid,
        worker: host.workerProcessId(),
        arm: armProcess.pid,
        identity: identityProcess.pid,
        azurite: storage.pid,
      }),
      killWorker: () => host.killWorker(),
      async killHost() {
        retire();
        await host.kill();
      },
      async restartHost() {
        retire();
        await host.stop();
        host = await startHost();
      },
      failed,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const firstSweepSeconds = 120;

/** Of an app that ran here before there is an old heartbeat: it counts once it is one of now. */
async function waitForHeartbeat(connectionString: string, folder: string): Promise<void> {
  const sweepState = createSweepState(openTables({ connectionString }));
  const began = Date.now();
  for (;;) {
    const heartbeat = await sweepState.heartbeat().catch(() => undefined);
    if (heartbeat !== undefined && Date.parse(heartbeat) > began - 60_000) return;
    if (Date.now() > began + firstSweepSeconds * 1000) {
      throw new StartError(
        `The first sweep was not complete within ${firstSweepSeconds} s. Why is in ${join(folder, 'logs/host.log')}.`,
      );
    }
    await delay(200);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new StartError(
      `The folder ${folder} cannot be made. Choose another, or delete what is in its place.`,
      {
        cause,
      },
    );
  }
}

async function startStorage(folder: string, port: number) {
  makeFolder(folder);
  try {
    return await startAzurite({ folder, ports: { blob: port, queue: port + 1, table: port + 2 } });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`${why}. If its data in ${folder} is damaged, delete that folder.`, { cause });
  }
}

/** The app cannot tell these from those of a deployment. */
function appSettings(
  identity: IdentityLine,
  arm: { url: string; certificate: string },
  connectionString: string,
): Record<string, string> {
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: connectionString,
    SALLYPORT_INSTALLATION_ID: 'contoso',
    SALLYPORT_TENANT_ID: identity.tenantId,
    SALLYPORT_TOKEN_ISSUER: identity.issuer,
    SALLYPORT_TOKEN_AUDIENCE: identity.audience,
    SALLYPORT_ARM_ENDPOINT: arm.url,
    SALLYPORT_CREDENTIAL: 'managed-identity',
    SALLYPORT_TABLES: connectionString,
    SALLYPORT_SWEEP_SCHEDULE: '0 * * * * *',
    SALLYPORT_EVENT_TOPICS: sampleSubscription,
    IDENTITY_ENDPOINT: identity.managedIdentity.endpoint,
    IDENTITY_HEADER: identity.managedIdentity.header,
    NODE_EXTRA_CA_CERTS: arm.certificate,
  };
}

async function fetchToken(identityUrl: string, person: PersonName, resource?: string): Promise<string> {
  const query = new URLSearchParams({ person, format: 'text', ...(resource !== undefined && { resource }) });
  const response = await fetch(`${identityUrl}/token?${query.toString()}`);
  if (!response.ok) throw new Error(`The identity issuer answered ${response.status}.`);
  return response.text();
}
