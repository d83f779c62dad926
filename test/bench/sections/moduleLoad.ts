import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import * as z from 'zod';
import { atMost, table, type Section } from '../section.ts';

const runs = 15;
const targets = { loadRatio: 0.4, packageBytes: 1_000_000 };

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
const bundle = path('dist/main.cjs');
const unbundled = path('out/bench/unbundled.cjs');

const probeLine = z.object({ milliseconds: z.number(), files: z.number(), registered: z.number() });

/** Enough for the app to register its functions; nothing is contacted. */
const settings = {
  SALLYPORT_INSTALLATION_ID: 'contoso',
  SALLYPORT_TENANT_ID: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  SALLYPORT_TOKEN_ISSUER: 'http://127.0.0.1:8080/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/v2.0',
  SALLYPORT_TOKEN_AUDIENCE: 'api://sallyport',
  SALLYPORT_TABLES: 'UseDevelopmentStorage=true',
};

/** What bundling buys at a cold start and in a deployment. */
export async function moduleLoad(): Promise<Section> {
  await buildUnbundled();
  const loads = { bundle: [] as number[], unbundled: [] as number[] };
  // Alternating, so that whatever else the machine does meets both; the first of each warms the file cache.
  for (let run = 0; run <= runs; run += 1) {
    const [a, b] = [probe(bundle).milliseconds, probe(unbundled).milliseconds];
    if (run === 0) continue;
    loads.bundle.push(a);
    loads.unbundled.push(b);
  }
  const counted = { bundle: probe(bundle, '--count'), unbundled: probe(unbundled, '--count') };
  if (counted.bundle.registered === 0 || counted.bundle.registered !== counted.unbundled.registered) {
    throw new Error('The bundle and the unbundled app do not register the same functions.');
  }
  execFileSync(process.execPath, [path('scripts/package.mjs')]);
  const packageBytes = statSync(path('out/sallyport.zip')).size;
  const loadRatio = median(loads.bundle) / median(loads.unbundled);
  return {
    checks: [
      atMost('Load: bundled, in times of unbundled', loadRatio, targets.loadRatio),
      atMost('Package, in kB', packageBytes / 1000, targets.packageBytes / 1000),
    ],
    text: text(loads, counted, packageBytes, loadRatio),
  };
}

/** Our own sources in one file, every package left in node_modules. */
async function buildUnbundled(): Promise<void> {
  mkdirSync(path('out/bench'), { recursive: true });
  await build({
    entryPoints: [path('src/main.ts')],
    outfile: unbundled,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
  });
}

function probe(main: string, ...flags: string[]): z.infer<typeof probeLine> {
  const line = execFileSync(process.execPath, [path('test/bench/probe.cjs'), main, ...flags], {
    env: { PATH: process.env['PATH'], ...settings },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return probeLine.parse(JSON.parse(line));
}

function text(
  loads: Record<'bundle' | 'unbundled', number[]>,
  counted: Record<'bundle' | 'unbundled', z.infer<typeof probeLine>>,
  packageBytes: number,
  loadRatio: number,
): string {
  const main = readFileSync(bundle);
  const chunks = readdirSync(path('dist')).filter((file) => file.endsWith('.cjs'));
  const all = Buffer.concat(chunks.map((file) => readFileSync(path(`dist/${file}`))));
  const sizeOf = (code: Buffer) => [kilobytes(code.length), kilobytes(gzipSync(code, { level: 9 }).length)];
  return `## A cold start, and a deployment

Medians [least–most] of ${runs} fresh processes each, alternating, files in the page cache.

${table(
  ['', 'bundled', 'unbundled', 'ratio', 'target'],
  [
    [
      'module load until every function is registered',
      spread(loads.bundle),
      spread(loads.unbundled),
      loadRatio.toFixed(2),
      `≤ ${targets.loadRatio}`,
    ],
    [
      'source files read for it',
      counted.bundle.files,
      counted.unbundled.files,
      (counted.bundle.files / counted.unbundled.files).toFixed(3),
      '',
    ],
  ],
)}

${table(
  ['', 'bytes', 'gzipped', 'target'],
  [
    ['dist/main.cjs', ...sizeOf(main), ''],
    [`all ${chunks.length} files of code`, ...sizeOf(all), ''],
    ['out/sallyport.zip', '', kilobytes(packageBytes), `≤ ${kilobytes(targets.packageBytes)}`],
  ],
)}

"Unbundled" is the same source as one transpiled file with its packages in node_modules: a comparison in the
unbundled app's favour, whose own files would be many. Both load the clients of Azure Resource Manager only when a
function first needs them.

What the figures come from:

- The bundle is split (\`scripts/build.mjs\`): the clients of Azure Resource Manager are more than half of the code, and
  in one file all of it would be compiled at every start.
- Packages that are imported at a top and hardly ever used are in files of their own that are read when first touched
  (\`scripts/lazyModules.mjs\`): axios, validator, moment and lodash, which durable-functions imports, and re2js, which
  only policies with a pattern need.
`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function milliseconds(values: readonly number[]): string {
  return `${median(values).toFixed(0)} ms`;
}

function spread(values: readonly number[]): string {
  return `${milliseconds(values)} [${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)}]`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
