import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/package.mjs', import.meta.url));

let folder: string;
let zip: Buffer;
let files: Record<string, Uint8Array>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-package-'));
  zip = pack('first.zip');
  files = unzipSync(zip);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the package', () => {
  it('holds the host settings, the package file, the code and its notices, and nothing else', () => {
    const names = Object.keys(files);
    const code = names.filter((name) => /^dist\/(main|chunk-\w+|lazy-[\w-]+)\.cjs$/.test(name));

    expect(code).toContain('dist/main.cjs');
    expect(names.filter((name) => !code.includes(name)).sort()).toEqual([
      'dist/THIRD-PARTY-NOTICES.txt',
      'host.json',
      'package.json',
    ]);
  });

  it('names its main file and asks for no installation', () => {
    expect(JSON.parse(text('package.json'))).toEqual({
      name: 'sallyport',
      version: expect.any(String) as string,
      license: 'MIT',
      type: 'module',
      main: 'dist/main.cjs',
    });
  });

  it('has the host settings of the repository', () => {
    expect(text('host.json')).toBe(
      readFileSync(fileURLToPath(new URL('../../host.json', import.meta.url)), 'utf8'),
    );
  });

  it('is at most a megabyte', () => {
    expect(zip.length).toBeLessThanOrEqual(1_000_000);
  });

  it('has the same bytes whenever and wherever it is packed', () => {
    expect(pack('second.zip', { TZ: 'Pacific/Auckland' }).equals(zip)).toBe(true);
  });
  it('is laid out in a folder as well, without what was there before', () => {
    const staging = join(folder, 'staging');
    mkdirSync(staging, { recursive: true });
    writeFileSync(join(staging, 'left.cjs'), 'left');
    pack('third.zip');

    const staged = readdirSync(staging, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(staging, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
    expect(staged.sort()).toEqual(Object.keys(files).sort());
    for (const name of staged) {
      expect(readFileSync(join(staging, name)).equals(files[name] ?? new Uint8Array())).toBe(true);
    }
  });

  it('says in host.json alone that Durable is on the Durable Task Scheduler, where that is chosen', () => {
    const chosen = unzipSync(pack('scheduler.zip', { SALLYPORT_DURABLE_TASK_SCHEDULER: 'true' }));
    const differing = Object.keys(chosen).filter(
      (name) => strFromU8(chosen[name] ?? new Uint8Array()) !== text(name),
    );
    const [before, after] = [text('host.json'), strFromU8(chosen['host.json'] ?? new Uint8Array())].map(
      (json) => JSON.parse(json) as { extensions: { durableTask: Record<string, unknown> } },
    );

    expect(differing).toEqual(['host.json']);
    expect(after?.extensions.durableTask).toEqual({
      ...before?.extensions.durableTask,
      storageProvider: {
        type: 'azureManaged',
        connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
      },
    });
  });
});

function pack(name: string, environment: Record<string, string> = {}): Buffer {
  const file = join(folder, name);
  const staging = join(folder, 'staging');
  execFileSync(process.execPath, [script, file, staging], { env: { ...process.env, ...environment } });
  return readFileSync(file);
}

function text(name: string): string {
  return strFromU8(files[name] ?? new Uint8Array());
}
