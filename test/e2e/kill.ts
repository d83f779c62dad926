import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import type { Cloud } from './cloud.ts';

/** How many times ARM has been asked to write this NSG. */
export async function writesOf(cloud: Cloud, nsg: string): Promise<number> {
  const calls = await cloud.armCalls();
  return calls.filter(({ method, path }) => method === 'PUT' && path.toLowerCase().endsWith(`/${nsg}`))
    .length;
}

/** Waits until ARM has been asked to write this NSG so many times, an answer to the last one still under way. */
export async function whenWriting(cloud: Cloud, nsg: string, writes: number): Promise<void> {
  await vi.waitFor(async () => expect(await writesOf(cloud, nsg)).toBeGreaterThanOrEqual(writes), {
    timeout: 30_000,
    interval: 20,
  });
}

/** So long ARM takes to answer a write, in ms: enough to kill somebody in the middle. */
export const slowWrite = { kind: 'delay', ms: 2500, when: 'after' } as const;

/** An app folder with the built bundle in it, whose worker can be told to die inside the orchestrator's code. */
export interface MortalApp {
  folder: string;
  /** The worker dies the next time that it runs an orchestrator for the n-th time, n from 1. */
  dieInOrchestrator(episode: number): Promise<void>;
  remove(): Promise<void>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

export async function mortalApp(): Promise<MortalApp> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-mortal-'));
  const order = join(folder, 'die');
  // The bundle itself is loaded unmodified; the hook is the one that the Functions worker offers to everybody.
  const main = `
    require(${JSON.stringify(join(root, 'dist/main.cjs'))});
    const { existsSync, readFileSync, rmSync } = require('node:fs');
    const order = ${JSON.stringify(order)};
    require('@azure/functions-core').registerHook('preInvocation', (context) => {
      if (context.invocationContext.functionName !== 'grant-v1' || !existsSync(order)) return;
      const { history } = context.inputs[0];
      const episode = history.filter(({ EventType }) => EventType === 12).length;
      if (episode !== Number(readFileSync(order, 'utf8'))) return;
      context.functionCallback = () => {
        rmSync(order);
        process.kill(process.pid, 'SIGKILL');
        return new Promise(() => {});
      };
    });`;
  await writeFile(join(folder, 'main.cjs'), main);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ main: 'main.cjs' }));
  await copyFile(join(root, 'host.json'), join(folder, 'host.json'));
  return {
    folder,
    dieInOrchestrator: (episode) => writeFile(order, String(episode)),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
