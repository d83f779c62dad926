import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vmId } from './grantWorld.ts';

/** A folder of policies as files, for one test. */
export interface PolicyFolder {
  path: string;
  /** Text and bytes as they are, everything else as JSON. */
  write(file: string, content: string | Uint8Array | object): Promise<void>;
  read(file: string): Promise<string>;
  files(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function makePolicyFolder(): Promise<PolicyFolder> {
  const path = await mkdtemp(join(tmpdir(), 'policies-'));
  return {
    path,
    write: (file, content) => {
      const isRaw = typeof content === 'string' || content instanceof Uint8Array;
      return writeFile(join(path, file), isRaw ? content : JSON.stringify(content));
    },
    read: (file) => readFile(join(path, file), 'utf8'),
    files: async () => (await readdir(path)).sort(),
    remove: () => rm(path, { recursive: true }),
  };
}

/** A policy for one port of the world's machine, as a file says it. */
export function policyOf(number: number, changes: object = {}): Record<string, unknown> {
  const sources = { allowedSourceAddressPrefixes: ['203.0.113.0/24'] };
  return {
    entries: [
      {
        selector: { virtualMachineIds: [vmId] },
        ports: [{ number, protocol: 'Tcp', ...sources, maxRequestAccessDuration: 'PT3H', ...changes }],
      },
    ],
    baseline: { kind: 'none' },
  };
}
