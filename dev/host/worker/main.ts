import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { installCoreModule } from './coreModule.ts';
import { invoke, runHooks } from './invoke.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/**
 * The worker process: loads the app and runs what the host asks for. Runs in a plain Node process of its own (no
 * TypeScript loader), so that the app meets what it meets in Azure.
 */
let inLogHook = false;
const registrations = installCoreModule(log);

process.on('message', (message: ToWorker) => void handle(message));
// A killed host cannot end its worker: the closed channel does.
process.on('disconnect', () => process.exit());

async function handle(message: ToWorker): Promise<void> {
  if (message.type === 'load') {
    await load(message.directory, message.files);
  } else if (message.type === 'invoke') {
    const outcome = await invoke(registrations, message.request, log);
    send({ type: 'outcome', invocationId: message.request.invocationId, outcome });
  } else {
    await runHooks(registrations.hooks.appTerminate, hookContext());
    process.exit();
  }
}

async function load(directory: string, files: readonly string[]): Promise<void> {
  try {
    for (const file of files) await loadFile(file);
    await runHooks(registrations.hooks.appStart, { ...hookContext(), functionAppDirectory: directory });
    const capabilities = (await registrations.model?.getCapabilities({})) ?? {};
    registrations.locked = true;
    const functions = [...registrations.functions.values()].map(({ metadata }) => metadata);
    send({
      type: 'loaded',
      functions: JSON.parse(JSON.stringify(functions)) as typeof functions,
      capabilities,
    });
  } catch (thrown) {
    send({
      type: 'load-failed',
      message: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    });
  }
}

async function loadFile(file: string): Promise<void> {
  if (extname(file) === '.mjs' || (extname(file) !== '.cjs' && isModule(dirname(file)))) {
    await import(pathToFileURL(file).href);
  } else {
    createRequire(file)(file);
  }
}

/** Whether the nearest package.json says `"type": "module"`. */
function isModule(directory: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { type?: string };
    return manifest.type === 'module';
  } catch {
    const parent = dirname(directory);
    return parent !== directory && isModule(parent);
  }
}

function hookContext(): Record<string, unknown> {
  return { hookData: {}, appHookData: registrations.appHookData };
}

function log(level: string, category: string, message: string, functionName?: string): void {
  const entry = { ...hookContext(), level, category, message };
  // A log hook that logs would call itself for ever, so its own lines skip the hooks.
  if (!inLogHook) {
    inLogHook = true;
    try {
      for (const hook of registrations.hooks.log) hook(entry);
    } finally {
      inLogHook = false;
    }
  }
  const { level: finalLevel, message: text } = entry;
  send({ type: 'log', level: finalLevel, category, message: text, ...(functionName && { functionName }) });
}

function send(message: FromWorker): void {
  process.send?.(message);
}
