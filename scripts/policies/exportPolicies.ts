import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { canonicalId } from '../../src/core/resourceId.ts';
import type { Surroundings } from '../jit/surroundings.ts';
import { fileNameOf, printPolicyFile } from './policyFile.ts';
import type { Trouble } from './policyFile.ts';
import { policyFileNames, writePolicyFile } from './policyFolder.ts';
import type { StoredPolicy } from './storedPolicies.ts';

/**
 * Writes each policy into its file, over what was there; a file that is the same policy in another case is taken. Files of
 * policies that the app has not stay, and are told. Answers with the policies that cannot be written as a file.
 */
export async function exportPolicies(
  folder: string,
  stored: readonly StoredPolicy[],
  { print, progress }: Pick<Surroundings, 'print' | 'progress'>,
): Promise<Trouble[]> {
  await mkdir(folder, { recursive: true });
  const files = await policyFileNames(folder);
  const troubles: Trouble[] = [];
  for (const policy of stored) {
    const file = files.get(canonicalId(policy.id)) ?? fileNameOf(policy.id);
    files.delete(canonicalId(policy.id));
    const before = await readFile(join(folder, file), 'utf8').catch(() => '');
    const text = printPolicyFile(policy, schemaOf(before));
    if (text === undefined) {
      const detail = 'The app keeps what this command does not know: use that of the same version.';
      troubles.push({ where: policy.id, errors: [{ code: 'malformed', detail }] });
    } else if (text === before) progress(`${file} is the same`);
    else {
      await writePolicyFile(folder, file, text);
      print(`${file} is written`);
    }
  }
  for (const file of files.values()) progress(`${file} stays: the app has no such policy that you may read.`);
  return troubles;
}

/** What a file names as its schema stays when it is written again. */
function schemaOf(text: string): string | undefined {
  try {
    return z.object({ $schema: z.string() }).parse(JSON.parse(text)).$schema;
  } catch {
    return undefined;
  }
}
