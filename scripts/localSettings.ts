import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './usageError.ts';

/** The values of a folder's local.settings.json; none where there is no such file. Throws a UsageError if it is no JSON. */
export async function localSettings(folder: string): Promise<Record<string, string | undefined>> {
  let text: string;
  try {
    text = await readFile(join(folder, 'local.settings.json'), 'utf8');
  } catch {
    return {};
  }
  try {
    return (JSON.parse(text) as { Values?: Record<string, string> }).Values ?? {};
  } catch {
    throw new UsageError('local.settings.json is no JSON.');
  }
}
