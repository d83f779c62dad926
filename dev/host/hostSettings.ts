import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { HostError } from './hostError.ts';
import { parseTimeSpan } from './timeSpan.ts';

export interface HostSettings {
  /** Undefined means no limit. */
  functionTimeoutMs: number | undefined;
  routePrefix: string;
  /** Of HTTP requests that run at once, and of those that run or wait; undefined means no limit. */
  maxConcurrentRequests: number | undefined;
  maxOutstandingRequests: number | undefined;
  durable: {
    hubName: string;
    maxConcurrentActivityFunctions: number;
    maxConcurrentOrchestratorFunctions: number;
    visibilityTimeoutMs: number;
  };
  /** Of Durable: wait at the end for what is under way. */
  useGracefulShutdown: boolean;
}

const timeSpan = z.string().transform((text, context) => {
  const milliseconds = parseTimeSpan(text);
  if (milliseconds === undefined) context.addIssue(`"${text}" is no time span such as "00:05:00"`);
  return milliseconds ?? 0;
});
const visibilityTimeout = timeSpan.refine((milliseconds) => milliseconds >= 60_000, {
  message: 'less than one minute stops the real host too (use --visibility-timeout for tests)',
});
/** -1 means unbounded. */
const limit = z.int().min(-1);
const unsupported = z.never('not supported by the local host').optional();

const durableTask = z
  .object({
    hubName: z.string().default('TestHubName'),
    maxConcurrentActivityFunctions: z.int().positive().default(10),
    maxConcurrentOrchestratorFunctions: z.int().positive().default(10),
    useGracefulShutdown: z.boolean().default(false),
    storageProvider: z
      .object({
        type: z.literal('AzureStorage', 'only AzureStorage is supported by the local host').optional(),
        controlQueueVisibilityTimeout: visibilityTimeout.optional(),
        workItemQueueVisibilityTimeout: visibilityTimeout.default(5 * 60_000),
      })
      .prefault({}),
  })
  .prefault({});

const http = z
  .object({
    routePrefix: z.string().default('api'),
    maxConcurrentRequests: limit.default(-1),
    maxOutstandingRequests: limit.default(-1),
    customHeaders: unsupported,
    hsts: unsupported,
  })
  .prefault({});

const hostJson = z.object({
  version: z.literal('2.0', 'must be "2.0"'),
  functionTimeout: z.union([z.literal('-1').transform(() => undefined), timeSpan]).prefault('00:30:00'),
  customHandler: unsupported,
  extensions: z.object({ http, durableTask }).prefault({}),
});

const hubNamePattern = /^[A-Za-z][A-Za-z0-9]{2,44}$/;

/**
 * Reads `host.json`. `%NAME%` in the hub's name is replaced from `env`.
 * @throws HostError for a missing or broken file and for settings that this host cannot honour
 */
export function readHostSettings(appDirectory: string, env: NodeJS.ProcessEnv): HostSettings {
  const parsed = hostJson.safeParse(readJson(join(appDirectory, 'host.json')));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new HostError(`host.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`);
  }
  const { extensions, functionTimeout } = parsed.data;
  const { storageProvider, useGracefulShutdown, ...durable } = extensions.durableTask;
  const hubName = resolveSettings(durable.hubName, env);
  if (hubName === undefined || !hubNamePattern.test(hubName)) {
    throw new HostError(
      `host.json: extensions.durableTask.hubName: "${hubName ?? durable.hubName}" is no task hub name (3 to 45 letters and digits).`,
    );
  }
  return {
    functionTimeoutMs: functionTimeout,
    routePrefix: extensions.http.routePrefix.replace(/^\/+|\/+$/g, ''),
    maxConcurrentRequests: bounded(extensions.http.maxConcurrentRequests),
    maxOutstandingRequests: bounded(extensions.http.maxOutstandingRequests),
    durable: { ...durable, hubName, visibilityTimeoutMs: storageProvider.workItemQueueVisibilityTimeout },
    useGracefulShutdown,
  };
}

/** Reads a JSON file. @throws HostError naming the file */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new HostError(`${path} cannot be read.`);
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new HostError(
      `${path} is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Replaces every `%NAME%` by that setting; undefined when one of them is missing. */
export function resolveSettings(text: string, env: NodeJS.ProcessEnv): string | undefined {
  const names = [...text.matchAll(/%([^%]+)%/g)].map((match) => match[1] ?? '');
  if (names.some((name) => env[name] === undefined)) return undefined;
  return text.replace(/%([^%]+)%/g, (_, name: string) => env[name] ?? '');
}

function bounded(value: number): number | undefined {
  return value < 1 ? undefined : value;
}
