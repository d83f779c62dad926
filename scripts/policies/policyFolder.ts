import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalId } from '../../src/core/resourceId.ts';
import { UsageError } from '../usageError.ts';
import { parsePolicyFile, policyNameOf } from './policyFile.ts';
import type { PolicyFile, Trouble } from './policyFile.ts';

/** What a folder of policies holds, and everything that is wrong with it. */
export interface PolicyFolder {
  files: PolicyFile[];
  troubles: Trouble[];
}

/**
 * Reads every policy of a folder. A file that is passed over would be a policy that `--prune` deletes, so whatever is no
 * policy is wrong, but for README.md and names that begin with a dot. Throws UsageError if there is no such folder.
 */
export async function readPolicyFolder(folder: string): Promise<PolicyFolder> {
  const files: PolicyFile[] = [];
  const troubles: Trouble[] = [];
  const seen = new Map<string, string>();
  for (const entry of await entriesOf(folder)) {
    const where = entry.name;
    const name = policyNameOf(where);
    const first = name === undefined ? undefined : seen.get(canonicalId(name));
    const unfit = unfitness(entry.isFile(), name, first);
    if (name !== undefined) seen.set(canonicalId(name), first ?? where);
    if (name === undefined || unfit !== undefined) {
      troubles.push({ where, errors: [{ code: 'malformed', detail: unfit ?? '' }] });
      continue;
    }
    const bytes = await readFile(join(folder, where)).catch(() => undefined);
    const read = bytes === undefined ? unreadable : parsePolicyFile(bytes);
    if ('errors' in read) troubles.push({ where, ...read });
    else files.push({ name, ...read });
  }
  return { files, troubles };
}

const unreadable = { errors: [{ code: 'malformed', detail: 'This file cannot be read.' }] };

function unfitness(isFile: boolean, name: string | undefined, first: string | undefined): string | undefined {
  // What a link points to is changed without a change of the folder.
  if (!isFile) return 'This is no regular file.';
  if (name === undefined) {
    return 'The name must be that of a policy (1 to 63 letters, digits, dots, underscores or hyphens) and .json.';
  }
  return first === undefined
    ? undefined
    : `${first} is the same policy: the case of its name does not matter.`;
}

/** The names of files in a folder that hold a policy, whatever is in them, by the canonical name of the policy. */
export async function policyFileNames(folder: string): Promise<Map<string, string>> {
  return new Map(
    (await entriesOf(folder)).flatMap(({ name: file }) => {
      const name = policyNameOf(file);
      return name === undefined ? [] : [[canonicalId(name), file] as const];
    }),
  );
}

/** Writes a whole file or none, and into the folder itself: a link of that name is replaced, not followed. */
export async function writePolicyFile(folder: string, file: string, text: string): Promise<void> {
  const draft = join(folder, `.${randomUUID()}.tmp`);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, join(folder, file));
  } finally {
    await rm(draft, { force: true });
  }
}

async function entriesOf(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new UsageError(`${folder} is no folder that can be read.`, { cause });
  });
  return entries
    .filter(({ name }) => !name.startsWith('.') && name !== 'README.md')
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
