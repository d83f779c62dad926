import { createHash, randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { dispatcher } from './dispatch.ts';
import type { DurableHosting } from './durableHosting.ts';
import { hostDurable } from './durableHosting.ts';
import { entryPoints } from './entryPoints.ts';
import { refuseUnsupported, triggerType } from './functionIndex.ts';
import { HostError } from './hostError.ts';
import { readHostSettings } from './hostSettings.ts';
import type { Handler } from './httpListener.ts';
import { listen } from './httpListener.ts';
import type { FunctionDefinition } from './invocation.ts';
import { readLocalSettings } from './localSettings.ts';
import type { Log } from './log.ts';
import { ownStorage } from './ownStorage.ts';
import type { RouteTable } from './routes.ts';
import { routeTable } from './routes.ts';
import { explicitConnectionString, requireStorage } from './storage.ts';
import { throttle } from './throttle.ts';
import { openTimerStatus } from './timerStatus.ts';
import { createTimers } from './timers.ts';
import { workerProgram } from './workerProcess.ts';
import { superviseWorker } from './workerSupervisor.ts';

export interface HostOptions {
  appDirectory: string;
  /** 0 takes a free one; undefined what local.settings.json says, or 7071. */
  port?: number;
  /** Connection string that goes before the setting AzureWebJobsStorage. */
  storage?: string;
  /** Goes before host.json's work item visibility timeout, and may be shorter than it may. */
  visibilityTimeoutMs?: number;
  earlyTimers?: boolean;
  seed?: number;
  /** Where the app's Durable client is served; another free port when it is taken. */
  rpcPort?: number;
  /** How many deaths of the worker within 30 minutes stop the host. */
  workerDeaths?: number;
  /** The key that `/runtime/webhooks` asks for; a random one by default. */
  systemKey?: string;
  log: Log;
}

export interface RunningHost {
  url: string;
  systemKey: string;
  workerProcessId: () => number;
  /** Settles when the host can no longer run because its worker died too often. */
  gaveUp: Promise<HostError>;
  /** Lets what is under way finish (9 seconds at most), then ends the worker. */
  stop(): Promise<void>;
}

const drainMs = 9_000;
const version = '4.1037.0.0';

/**
 * Loads a built Functions app and serves it on 127.0.0.1.
 * @throws HostError for everything the user can mend: settings, a missing build, a taken port, no storage
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { log } = options;
  const appDirectory = appFolder(options.appDirectory);
  const local = readLocalSettings(appDirectory);
  // As with func, what is set already wins over local.settings.json.
  const env: NodeJS.ProcessEnv = { ...local.values, ...process.env };
  const settings = readHostSettings(appDirectory, env);
  const files = entryPoints(appDirectory);
  const storage = options.storage ?? (env['AzureWebJobsStorage'] || 'UseDevelopmentStorage=true');
  env['AzureWebJobsStorage'] = explicitConnectionString(storage);

  const cleanup: (() => Promise<void>)[] = [];
  let openDoor: (handler: Handler) => void = () => undefined;
  const door = new Promise<Handler>((opened) => (openDoor = opened));
  const listener = await listen(options.port ?? local.port ?? 7071, async (request, response) => {
    await (
      await door
    )(request, response);
  });
  cleanup.push(() => listener.close(0));
  try {
    Object.assign(env, {
      WEBSITE_HOSTNAME: `localhost:${listener.port}`,
      FUNCTIONS_WORKER_RUNTIME: 'node',
      FUNCTIONS_EXTENSION_VERSION: '~4',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      AzureWebJobsScriptRoot: appDirectory,
    });
    const systemKey = options.systemKey ?? randomBytes(30).toString('base64url');
    let durable: DurableHosting | undefined;
    const worker = await superviseWorker({
      ...{ program: await workerProgram(), appDirectory, files, env, log },
      deathsUntilStop: options.workerDeaths ?? 3,
      functionTimeoutMs: settings.functionTimeoutMs,
      durableClient: () => durable?.extension.clientBinding(),
    });
    cleanup.push(() => worker.stop());
    refuseUnsupported(worker.functions(), worker.capabilities);
    const functions = worker.functions();
    if (functions.length === 0) log('warn', 'The app has registered no functions.');
    const needsStorage = hasTimers(functions) || hasDurable(functions);
    const own = needsStorage ? await ownStorage(storage, log) : undefined;
    if (own !== undefined) cleanup.push(() => own.stop());
    const connectionString = needsStorage ? await requireStorage(env['AzureWebJobsStorage']) : '';

    const routes = serveRoutes(functions, settings.routePrefix, log);
    if (hasDurable(functions)) {
      durable = await hostDurable(options.rpcPort ?? 17071, {
        ...settings.durable,
        ...{ invoker: worker, connectionString, systemKey, log },
        baseUrl: `http://localhost:${listener.port}/runtime/webhooks/durabletask`,
        visibilityTimeoutMs: options.visibilityTimeoutMs ?? settings.durable.visibilityTimeoutMs,
        earlyTimers: options.earlyTimers ?? true,
        seed: options.seed ?? 1,
      });
      cleanup.push(durable.close);
    }
    const store = hasTimers(functions)
      ? await openTimerStatus(connectionString, hostId(appDirectory, env))
      : undefined;
    const timers = createTimers({ worker, env, store, log });

    const errors = new Map([...(routes?.errors ?? []), ...timers.errors]);
    for (const [name, reason] of errors) log('error', `The function ${name} is in error: ${reason}`);
    const url = `http://127.0.0.1:${listener.port}`;
    const status = () => ({
      ...{ id: hostId(appDirectory, env), state: routes === undefined ? 'Error' : 'Running', version },
      processUptime: Math.round(process.uptime() * 1000),
      ...{ hostProcessId: process.pid, workerProcessId: worker.workerProcessId() },
    });
    if (routes !== undefined) {
      await durable?.extension.start();
      timers.start();
    }
    const admin = { functions, errors, status, systemKey, run: timers.runNow };
    const limits = throttle(settings.maxConcurrentRequests, settings.maxOutstandingRequests);
    openDoor(
      dispatcher({ worker, env, routes, throttle: limits, admin, durable: durable?.extension, systemKey }),
    );
    return {
      ...{ url, systemKey, gaveUp: worker.gaveUp },
      workerProcessId: worker.workerProcessId,
      async stop() {
        log('info', 'Stopping; what is under way may finish.');
        await Promise.all([
          ...[listener.close(drainMs), within(drainMs, timers.stop())],
          durable?.extension.stop(settings.useGracefulShutdown),
        ]);
        await worker.stop();
        await durable?.close();
        await own?.stop();
      },
    };
  } catch (error) {
    for (const undo of cleanup.reverse()) await undo();
    throw error;
  }
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((done) => (timer = setTimeout(done, milliseconds)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function appFolder(directory: string): string {
  const folder = resolve(directory);
  if (!existsSync(join(folder, 'host.json')))
    throw new HostError(`${folder} is no Functions app: it has no host.json.`);
  return realpathSync(folder);
}

/** A malformed route does not end the process, but nothing is served any more: undefined. */
function serveRoutes(
  functions: readonly FunctionDefinition[],
  prefix: string,
  log: Log,
): RouteTable | undefined {
  try {
    return routeTable(functions, prefix);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    log('error', error.message);
    return undefined;
  }
}

function hasTimers(functions: readonly FunctionDefinition[]): boolean {
  return functions.some((definition) => triggerType(definition) === 'timerTrigger');
}

function hasDurable(functions: readonly FunctionDefinition[]): boolean {
  const durable = new Set(['orchestrationTrigger', 'activityTrigger', 'durableClient']);
  return functions.some(({ bindings }) => Object.values(bindings).some(({ type }) => durable.has(type)));
}

/** Tells apart the apps that share one storage account. */
function hostId(appDirectory: string, env: NodeJS.ProcessEnv): string {
  const given = env['AzureFunctionsWebHost__hostid'];
  return given ?? createHash('sha256').update(appDirectory).digest('hex').slice(0, 24);
}
