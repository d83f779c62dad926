import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { onTestFinished } from 'vitest';

/** Writes a small app for one test; `files` goes over a working default. Removed when the test ends. */
export function temporaryApp(files: Record<string, string | object>): string {
  const folder = mkdtempSync(join(tmpdir(), 'local-host-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  const all = {
    'host.json': { version: '2.0' },
    'package.json': { main: 'functions.js' },
    'functions.js': `require('@azure/functions').app.http('hello', { handler: () => ({ body: 'hello' }) });`,
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}
