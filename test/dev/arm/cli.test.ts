import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleProgram } from '../../../dev/bundleProgram.ts';
import { rule, sender, WEB_NSG } from './client.ts';

const CLI = await bundleProgram(new URL('../../../dev/arm/cli.ts', import.meta.url));
const RULE = `${WEB_NSG}/securityRules/sp-1`;

let folder: string;
let children: ChildProcessWithoutNullStreams[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arm-cli-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Ready {
  ready: boolean;
  url: string;
  certificate?: string;
  processId: number;
}

function run(...options: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [CLI, '--cert-dir', join(folder, 'certificate'), ...options]);
  children.push(child);
  return child;
}

async function ready(child: ChildProcessWithoutNullStreams): Promise<Ready> {
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return JSON.parse(line) as Ready;
}

async function failure(child: ChildProcessWithoutNullStreams): Promise<{ code: unknown; stderr: string }> {
  const [stderr, exit] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<unknown[]>]);
  return { code: exit[0], stderr };
}

describe('the process', () => {
  it('says in one line of JSON where it listens and which certificate to trust', async () => {
    const child = run();
    const line = await ready(child);
    expect(line).toEqual({
      ready: true,
      url: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/) as string,
      certificate: join(folder, 'certificate', 'localhost', 'cert.pem'),
      processId: child.pid,
    });
    expect(existsSync(line.certificate ?? '')).toBe(true);
  });

  it('lets callers do what they have roles for, and nothing else, with --enforce-roles', async () => {
    const free = await ready(run('--http'));
    const enforcing = await ready(run('--http', '--enforce-roles'));
    const read = async ({ url }: Ready) => (await sender(url)('GET', WEB_NSG)).status;

    expect([await read(free), await read(enforcing)]).toEqual([200, 403]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends cleanly at %s', async (signal) => {
    const child = run('--http');
    await ready(child);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('keeps what was written when it is killed and started again', async () => {
    const file = join(folder, 'new', 'azure.json');
    const first = run('--http', '--state', file, '--save', '--operation-ms', '0');
    const put = await sender((await ready(first)).url)('PUT', RULE, rule());
    expect(put.status).toBe(201);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const second = run('--http', '--state', file, '--save');
    const { body } = await sender((await ready(second)).url)('GET', RULE);
    expect(body['properties']?.['provisioningState']).toBe('Succeeded');
  });

  it('writes to another file than it read, when told to', async () => {
    const file = join(folder, 'copy.json');
    const child = run('--http', '--write-state', file);
    await sender((await ready(child)).url)('PUT', RULE, rule());
    expect(readFileSync(file, 'utf8')).toContain('"sp-1"');
  });

  it('explains its options', async () => {
    const child = run('--help');
    expect(await text(child.stdout)).toContain('--write-state FILE');
  });
});

describe('a start that cannot work is explained in one line', () => {
  it('when the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await failure(run('--http', '--port', String(port)));
    other.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^dev:arm: the port is in use: .*EADDRINUSE.*\n$/);
  });

  it.each([
    ['the state file is missing', undefined, /cannot read the state file .*azure\.json/],
    ['the state file is not JSON', '{', /azure\.json is not JSON: /],
    ['the state is wrong somewhere', '{"tenantId":5}', /the state is not usable: tenantId: /],
  ])('when %s', async (_when, content, message) => {
    const file = join(folder, 'azure.json');
    if (content !== undefined) writeFileSync(file, content);
    const { code, stderr } = await failure(run('--http', '--state', file));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it.each([
    [['--prot', '1'], /Unknown option '--prot'/],
    [['--port', 'x'], /--port needs a whole number, not 'x'/],
    [['--save'], /--save needs --state FILE/],
    [['--issuer', 'http://127.0.0.1:1'], /--issuer and --audience go together/],
  ])('when the options are %j', async (options, message) => {
    const { code, stderr } = await failure(run(...options));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});
