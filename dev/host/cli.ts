import { parseArgs } from 'node:util';

import type { Azurite } from '../azurite.ts';
import { startAzurite } from '../azurite.ts';
import { startHost } from './host.ts';
import { HostError } from './hostError.ts';
import { stderrLog } from './log.ts';

const help = `Runs a built Azure Functions app (v4 Node model) on 127.0.0.1.

  npm run dev:host -- --app DIR [options]

  --app DIR                   the app's folder, with host.json and package.json (default: .)
  --port N                    HTTP port, 0 for a free one (default: LocalHttpPort of local.settings.json, or 7071)
  --storage CONNECTION        connection string, before the setting AzureWebJobsStorage
                              (without either, the development storage; if none runs, one in memory is started)
  --azurite                   start an Azurite for this run, in memory
  --azurite-folder DIR        the same, with its data kept in DIR
  --visibility-timeout SEC    when work of a killed host is delivered again (default: as in host.json)
  --early-timers on|off       durable timers may fire up to a second early, as in Azure (default: on)
  --seed N                    decides what is arbitrary in the real Durable engine (default: 1)
  --rpc-port N                port for the app's Durable client; another one if taken (default: 17071)
  --worker-deaths N           so many deaths of the worker within 30 minutes stop the host (default: 3)
  --system-key KEY            key for /runtime/webhooks (default: random; see /admin/host/systemkeys/NAME)
  --verbose                   log more
  --help                      this text

Function keys (authLevel function and admin) and keys for /admin are not enforced, as with func.
When the host serves, it prints one line of JSON on stdout; its log goes to stderr.`;

const flags = {
  app: { type: 'string', default: '.' },
  port: { type: 'string' },
  storage: { type: 'string' },
  azurite: { type: 'boolean', default: false },
  'azurite-folder': { type: 'string' },
  'visibility-timeout': { type: 'string' },
  'early-timers': { type: 'string', default: 'on' },
  seed: { type: 'string' },
  'rpc-port': { type: 'string' },
  'worker-deaths': { type: 'string' },
  'system-key': { type: 'string' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

async function main(): Promise<void> {
  const values = readFlags();
  if (values.help) {
    process.stdout.write(`${help}\n`);
    return;
  }
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const numbers = {
    port: whole(values.port, 'port', 0, 65_535),
    rpcPort: whole(values['rpc-port'], 'rpc-port', 0, 65_535),
    seed: whole(values.seed, 'seed', 0),
    workerDeaths: whole(values['worker-deaths'], 'worker-deaths', 1),
  };
  const visibility = whole(values['visibility-timeout'], 'visibility-timeout', 1);
  if (!['on', 'off'].includes(values['early-timers'])) throw new HostError('--early-timers is on or off.');
  const azurite = await ownAzurite(values);
  try {
    const host = await startHost({
      appDirectory: values.app,
      ...defined({
        ...numbers,
        storage: azurite?.connectionString ?? values.storage,
        systemKey: values['system-key'],
      }),
      ...(visibility !== undefined && { visibilityTimeoutMs: visibility * 1000 }),
      earlyTimers: values['early-timers'] === 'on',
      log: stderrLog(values.verbose ? 'debug' : 'info'),
    });
    const processes = { hostProcessId: process.pid, workerProcessId: host.workerProcessId() };
    process.stdout.write(`${JSON.stringify({ ready: true, url: host.url, ...processes })}\n`);
    const reason = await Promise.race([stop, host.gaveUp]);
    await host.stop();
    if (reason !== undefined) throw reason;
  } finally {
    await azurite?.stop();
  }
}

function readFlags() {
  try {
    return parseArgs({ options: flags, allowPositionals: false }).values;
  } catch (error) {
    throw new HostError(`${error instanceof Error ? error.message : String(error)} (see --help)`);
  }
}

/** Reads a whole number. @throws HostError naming the flag */
function whole(text: string | undefined, flag: string, least: number, most = Number.MAX_SAFE_INTEGER) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new HostError(`--${flag} is a whole number from ${least} on, not "${text}".`);
  }
  return value;
}

async function ownAzurite(values: ReturnType<typeof readFlags>): Promise<Azurite | undefined> {
  const folder = values['azurite-folder'];
  if (!values.azurite && folder === undefined) return undefined;
  if (values.storage !== undefined) throw new HostError('Give --storage or --azurite, not both.');
  return startAzurite(folder === undefined ? {} : { folder });
}

/** Leaves out what is undefined, for options that may be absent only. */
function defined<T extends Record<string, unknown>>(options: T) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

try {
  await main();
  process.exitCode = 0;
} catch (error) {
  const text = error instanceof HostError ? `error: ${error.message}` : error;
  process.stderr.write(`${text instanceof Error ? (text.stack ?? text.message) : String(text)}\n`);
  process.exitCode = 1;
}
