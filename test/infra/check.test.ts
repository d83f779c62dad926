import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageOf } from '../../scripts/infra/compiler.ts';

const script = fileURLToPath(new URL('../../scripts/infra/check.ts', import.meta.url));

let empty: string;
beforeAll(() => {
  empty = mkdtempSync(join(tmpdir(), 'sallyport-nothing-'));
});
afterAll(() => rmSync(empty, { recursive: true }));

/** The check where neither the .NET SDK nor a compiler is on the path, nor in the folder of an earlier call. */
function checkWithNothing(...options: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', script, '--cache', join(empty, 'cache'), ...options],
      { env: { ...process.env, PATH: empty } },
      (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), text: `${stdout}${stderr}` });
      },
    );
  });
}

describe('infra:check', () => {
  it('fails without a compiler, and says what to install', async () => {
    const { code, text } = await checkWithNothing();

    expect(text).toContain('The templates were not checked. No Bicep compiler and no .NET SDK is here.');
    expect(text).toContain('https://dotnet.microsoft.com/download');
    expect(code).toBe(2);
  });

  it('says the same and succeeds where it is asked to check only if it can', async () => {
    const { code, text } = await checkWithNothing('--if-available');

    expect(text).toContain('The templates were not checked.');
    expect(code).toBe(0);
  });

  it('knows what the compiler is called for each system', () => {
    expect(packageOf('linux', 'x64')).toBe('Azure.Bicep.CommandLine.linux-x64');
    expect(packageOf('darwin', 'arm64')).toBe('Azure.Bicep.CommandLine.osx-arm64');
    expect(packageOf('win32', 'x64')).toBe('Azure.Bicep.CommandLine.win-x64');
  });
});
