import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type * as Justification from '../../src/core/justification.ts';

const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
const load = createRequire(import.meta.url);
const metafile = z.object({
  inputs: z.record(z.string(), z.unknown()),
  outputs: z.record(
    z.string(),
    z.object({
      inputs: z.record(z.string(), z.unknown()),
      imports: z.array(z.object({ path: z.string(), kind: z.string() })),
    }),
  ),
});

let folder: string;
let meta: z.infer<typeof metafile>;
let output: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
  output = execFileSync(process.execPath, [script, 'src/main.ts', folder], { encoding: 'utf8' });
  meta = metafile.parse(JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the bundle', () => {
  it('is built without a word', () => {
    expect(output).toBe('');
  });

  it('holds nothing of dev, test and scripts', () => {
    const ours = Object.keys(meta.inputs).filter((file) => !file.includes('node_modules/'));

    expect(ours).toContain('src/main.ts');
    expect(ours.filter((file) => /(^|\/)(dev|test|scripts)\//.test(file))).toEqual([]);
  });

  it('leaves the module that the Functions worker supplies to the worker, and needs nothing else than Node', () => {
    const outside = Object.values(meta.outputs)
      .flatMap(({ imports }) => imports.map(({ path }) => path))
      .filter((path) => meta.outputs[path] === undefined && !isBuiltin(path) && !isLazyFile(path));

    expect([...new Set(outside)].sort()).toEqual(['@azure/functions-core']);
    expect(Object.keys(meta.inputs).filter((file) => file.includes('@azure/functions-core/'))).toEqual([]);
  });

  it('loads the clients of Azure Resource Manager when they are needed, not at the start', () => {
    const atStart = loadedAtStart();

    expect(atStart.some((file) => file.includes('@azure/data-tables'))).toBe(true);
    expect(atStart.filter((file) => /@azure\/(arm-compute|arm-network|identity)\//.test(file))).toEqual([]);
    expect(Object.keys(meta.inputs).some((file) => file.includes('@azure/arm-network/'))).toBe(true);
  });

  it('loads what copies the audit only where it is copied', () => {
    const ofCopies = Object.keys(meta.inputs).filter((file) =>
      /^src\/(auditCopies|adapters\/(blobs|logs)\/|workflow\/(copyAudit|partitionsToCopy))/.test(file),
    );

    expect(ofCopies).toContain('src/workflow/copyAudit.ts');
    expect(loadedAtStart().filter((file) => ofCopies.includes(file))).toEqual([]);
  });

  it('has what is hardly ever used in files that are not read at the start', () => {
    const hardlyUsed = /node_modules\/(axios|mime-db|validator|moment|lodash|re2js)\//;
    const files = Object.keys(meta.outputs).filter((name) => isLazyFile(`./${basename(name)}`));

    expect(files).toHaveLength(5);
    expect(files.every((name) => sourcesIn(name).some((source) => hardlyUsed.test(source)))).toBe(true);
    expect(loadedAtStart().filter((source) => hardlyUsed.test(source))).toEqual([]);
  });

  it('names each file beside the main one by its content, so that the hash of that one says what all run', () => {
    const beside = readdirSync(folder).filter((name) => name.endsWith('.cjs') && name !== 'main.cjs');

    expect(beside.filter((name) => !/-[0-9A-Z]{8}\.cjs$/.test(name))).toEqual([]);
    for (const name of beside.filter((one) => one.startsWith('lazy-'))) {
      const users = readdirSync(folder).filter(
        (one) => one.endsWith('.cjs') && readFileSync(join(folder, one), 'utf8').includes(`./${name}`),
      );
      expect(users).not.toEqual([]);
    }
  });

  it('reads the file of a package when it is first touched, and gets the package', () => {
    const apart = join(folder, 'apart');
    execFileSync(process.execPath, [script, 'src/core/justification.ts', apart]);
    const { meetsPattern, problemOfPattern } = load(join(apart, 'main.cjs')) as typeof Justification;
    const reads = () =>
      Object.keys(load.cache)
        .filter((path) => path.startsWith(apart))
        .map((path) => basename(path));

    expect(reads()).toEqual(['main.cjs']);
    expect([meetsPattern('INC-\\d+', 'INC-1234'), meetsPattern('INC-\\d+', 'because')]).toEqual([
      true,
      false,
    ]);
    expect(problemOfPattern('(')).toBeDefined();
    expect(reads()).toEqual(['main.cjs', expect.stringMatching(/^lazy-re2js-\w{8}\.cjs$/)]);
  });

  it('needs no file of such a package where nothing imports one', () => {
    const apart = join(folder, 'without');
    mkdirSync(apart);
    writeFileSync(join(apart, 'lazy-axios-AAAAAAAA.cjs'), 'left by an earlier build');
    execFileSync(process.execPath, [script, 'src/core/canonicalJson.ts', apart]);

    expect(readdirSync(apart).filter((name) => name.endsWith('.cjs'))).toEqual(['main.cjs']);
  });

  it.each([
    {
      SALLYPORT_AUDIT_COPY_ENDPOINT: 'https://contoso.example',
      SALLYPORT_AUDIT_COPY_RULE: `dcr-${'0'.repeat(32)}`,
    },
    { SALLYPORT_AUDIT_EXPORT_CONTAINER: 'https://contoso.example/audit-export' },
  ])('has one function more where the audit is copied: %o', (settings) => {
    expect(registeredWith(settings)).toBe(registeredWith() + 1);
  });

  it('comes with the notice of every package in it', () => {
    const notices = readFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), 'utf8');

    for (const name of ['@azure/functions', 'durable-functions', 'zod', 'jose', 'moment']) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm'));
    }
  });

  it('is the same when it is built again', () => {
    const before = readFileSync(join(folder, 'main.cjs'));

    execFileSync(process.execPath, [script, 'src/main.ts', folder]);

    expect(readFileSync(join(folder, 'main.cjs')).equals(before)).toBe(true);
  });
});

/** Whether a path is that of a file in which a package is alone, as what imports it says. */
function isLazyFile(path: string): boolean {
  return /^\.\/lazy-[\w-]+\.cjs$/.test(path);
}

function sourcesIn(output: string): string[] {
  return Object.keys(meta.outputs[output]?.inputs ?? {});
}

/** The sources in main.cjs and in every chunk that it imports statically. */
function loadedAtStart(): string[] {
  const outputs = new Map(Object.entries(meta.outputs));
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const imported of outputs.get(name)?.imports ?? []) {
      if (imported.kind === 'import-statement' && outputs.has(imported.path)) visit(imported.path);
    }
  };
  const main = [...outputs.keys()].find((name) => name.endsWith('/main.cjs'));
  visit(main ?? '');
  return [...reached].flatMap(sourcesIn);
}

/** How many functions the bundle registers with these settings besides those that it needs. */
function registeredWith(settings: object = {}): number {
  const probe = fileURLToPath(new URL('../bench/probe.cjs', import.meta.url));
  const line = execFileSync(process.execPath, [probe, join(folder, 'main.cjs')], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      SALLYPORT_INSTALLATION_ID: 'contoso',
      SALLYPORT_TENANT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      SALLYPORT_TOKEN_ISSUER: 'https://login.contoso.example/v2.0',
      SALLYPORT_TOKEN_AUDIENCE: 'api://sallyport',
      SALLYPORT_TABLES: 'UseDevelopmentStorage=true',
      ...settings,
    },
  });
  return z.object({ registered: z.int().min(1) }).parse(JSON.parse(line)).registered;
}
