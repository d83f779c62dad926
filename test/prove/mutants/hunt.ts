import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GuardAlone } from './guardAlone.ts';
import { mutated } from './mutant.ts';
import type { Mutant } from './mutant.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const copied = [
  'src',
  'dev',
  'test',
  'scripts',
  'docs',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'host.json',
];
/** Nothing that is asked takes as long; a mutant that does not come to its end is noticed by that. */
const patienceMilliseconds = 180_000;
const worlds = 200;

/** What noticed a mutant, or that nothing did. */
export interface Catch {
  mutant: Mutant;
  /** The layer or test file; undefined if nothing noticed it. */
  by: string | undefined;
  /** Of mutants that change packets: what came of them with the guard alone before each write, or that it never ended. */
  guard?: GuardAlone | 'endless';
  milliseconds: number;
}

/** A copy of the source, in which mutants are let loose one after the other. */
export interface HuntingGround {
  hunt(mutant: Mutant): Promise<Catch>;
  remove(): Promise<void>;
}

/** Makes a copy of the source in a temporary folder. Nothing is changed where we stand. */
export async function createHuntingGround(): Promise<HuntingGround> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-mutants-'));
  await Promise.all(copied.map((name) => cp(join(root, name), join(folder, name), { recursive: true })));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  /** What is known to be content with the source as it is. */
  const trusted = new Set<string>();

  async function notices(hunter: string): Promise<boolean> {
    const isLayer = /^[A-Z]$/.test(hunter);
    const command = isLayer
      ? ['--import', 'tsx', 'test/prove/prove.ts', '--layer', hunter, '--size', 'quick']
      : ['node_modules/vitest/vitest.mjs', 'run', hunter, '--root', '.', '--bail', '1', '--reporter', 'dot'];
    return !(await succeeds(folder, command));
  }

  /** What fails without any mutant notices nothing. */
  async function trust(hunter: string): Promise<void> {
    if (trusted.has(hunter)) return;
    if (await notices(hunter))
      throw new Error(`${hunter} fails with the source as it is: it proves nothing.`);
    trusted.add(hunter);
  }

  async function firstToNotice(mutant: Mutant, path: string, source: string): Promise<string | undefined> {
    for (const hunter of mutant.hunters) {
      await writeFile(path, source);
      await trust(hunter);
      await writeFile(path, mutated(mutant, source));
      if (await notices(hunter)) return hunter;
    }
    return undefined;
  }

  return {
    async hunt(mutant) {
      const began = performance.now();
      const path = join(folder, mutant.file);
      const source = await readFile(path, 'utf8');
      try {
        const by = await firstToNotice(mutant, path, source);
        await writeFile(path, mutated(mutant, source));
        const guard = mutant.changesPackets === true ? { guard: await askGuardAlone(folder) } : {};
        return { mutant, by, ...guard, milliseconds: performance.now() - began };
      } finally {
        await writeFile(path, source);
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Why a mutant counts as not caught, or undefined. */
export function problemOfCatch({ mutant, by, guard }: Catch): string | undefined {
  const { id, what } = mutant;
  if (by === undefined) return `the mutant ${id} (${what}) was noticed by nobody`;
  if (guard === undefined) return undefined;
  if (guard === 'endless') return `with the guard alone the mutant ${id} (${what}) does not come to its end`;
  if (guard.wrong.length > 0) return `the mutant ${id} (${what}) got past the guard: ${guard.wrong[0] ?? ''}`;
  return guard.refused === 0 ? `the guard alone did not notice the mutant ${id} (${what})` : undefined;
}

const run = promisify(execFile);

async function succeeds(cwd: string, command: string[]): Promise<boolean> {
  try {
    await run(process.execPath, command, {
      cwd,
      timeout: patienceMilliseconds,
      killSignal: 'SIGKILL',
      maxBuffer: 1e9,
    });
    return true;
  } catch {
    return false;
  }
}

async function askGuardAlone(cwd: string): Promise<GuardAlone | 'endless'> {
  const command = ['--import', 'tsx', 'test/prove/mutants/guardAloneProcess.ts', String(worlds)];
  try {
    const options = { cwd, timeout: patienceMilliseconds, killSignal: 'SIGKILL', maxBuffer: 1e9 } as const;
    return JSON.parse((await run(process.execPath, command, options)).stdout) as GuardAlone;
  } catch {
    return 'endless';
  }
}
