import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';

import { z } from 'zod';

import { HostError } from './hostError.ts';
import { readJson } from './hostSettings.ts';

const manifest = z.object({ main: z.string().optional() });

/**
 * Lists the files that `main` in the app's package.json names: one path, or all that match `dir/*.js`.
 * @throws HostError when the app is not built, or `main` is a pattern beyond that
 */
export function entryPoints(appDirectory: string): string[] {
  const { main } = manifest.parse(readJson(join(appDirectory, 'package.json')));
  if (main === undefined) {
    throw new HostError(`${join(appDirectory, 'package.json')} has no "main", so there are no functions.`);
  }
  const path = resolve(appDirectory, main);
  const files = isPattern(main) ? expand(path) : [path].filter((file) => existsSync(file));
  if (files.length === 0)
    throw new HostError(`${main} is not there: run \`npm run build\` in ${appDirectory} first.`);
  return files;
}

function isPattern(text: string): boolean {
  return /[*?{}[\]!]/.test(text);
}

function expand(path: string): string[] {
  const [folder, name] = [dirname(path), basename(path)];
  const suffix = extname(name);
  if (isPattern(folder) || name !== `*${suffix}`) {
    throw new HostError(`main in package.json: the local host understands a path or dir/*.js, not ${path}.`);
  }
  if (!existsSync(folder)) return [];
  const matching = readdirSync(folder).filter((file) => extname(file) === suffix);
  return matching.sort().map((file) => join(folder, file));
}
