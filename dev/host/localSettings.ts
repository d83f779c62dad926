import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { HostError } from './hostError.ts';
import { readJson } from './hostSettings.ts';

export interface LocalSettings {
  /** App settings for the worker's environment. */
  values: Record<string, string>;
  port: number | undefined;
}

const schema = z.object({
  IsEncrypted: z
    .literal(false, 'encrypted settings are not supported; run func settings decrypt')
    .default(false),
  Values: z.record(z.string(), z.string('must be text, in quotes')).default({}),
  ConnectionStrings: z.never('not supported by the local host; put them into Values').optional(),
  Host: z.object({ LocalHttpPort: z.int().optional() }).optional(),
});

/**
 * Reads `local.settings.json` as func does; a missing file is an empty one.
 * @throws HostError for a broken file, encrypted settings and what this host cannot honour
 */
export function readLocalSettings(appDirectory: string): LocalSettings {
  const path = join(appDirectory, 'local.settings.json');
  if (!existsSync(path)) return { values: {}, port: undefined };
  const parsed = schema.safeParse(readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new HostError(`local.settings.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`);
  }
  const { Values: values, Host: host } = parsed.data;
  const runtime = values['FUNCTIONS_WORKER_RUNTIME'] ?? 'node';
  if (runtime !== 'node') {
    throw new HostError(
      `local.settings.json: FUNCTIONS_WORKER_RUNTIME is "${runtime}"; this host runs node only.`,
    );
  }
  return { values, port: host?.LocalHttpPort };
}
