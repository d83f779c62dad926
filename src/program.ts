import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { HealthReport } from './workflow/contracts.ts';

const packageFile = z.object({ version: z.string() });

/**
 * Which program runs: the version in package.json, one folder above the bundle, and the SHA-256 of the bundle's main file,
 * in which the files beside it are named by their content. What cannot be read is left out.
 */
export async function readProgram(mainFile: string): Promise<HealthReport['program']> {
  const [bundle, version] = await Promise.allSettled([
    readFile(mainFile).then((main) => createHash('sha256').update(main).digest('hex')),
    readFile(join(dirname(mainFile), '..', 'package.json'), 'utf8').then(
      (text) => packageFile.parse(JSON.parse(text)).version,
    ),
  ]);
  return {
    node: process.version,
    ...(version.status === 'fulfilled' && { version: version.value }),
    ...(bundle.status === 'fulfilled' && { bundle: bundle.value }),
  };
}
