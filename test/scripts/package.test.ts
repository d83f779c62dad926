import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    const code = names.filter((name) => /^dist\/(main|chunk-\w+)\.cjs$/.test(name));

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
});

function pack(name: string, environment: Record<string, string> = {}): Buffer {
  const file = join(folder, name);
  execFileSync(process.execPath, [script, file], { env: { ...process.env, ...environment } });
  return readFileSync(file);
}

function text(name: string): string {
  return strFromU8(files[name] ?? new Uint8Array());
}
