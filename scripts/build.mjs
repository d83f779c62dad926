/**
 * Bundles the app into what the Functions host loads: dist/main.cjs, and beside it the chunks that are loaded when
 * first needed, such as the clients of Azure Resource Manager (most of the code, and no part of a cold start).
 *
 * One file would be compiled whole at every cold start. esbuild splits only ES modules and the package's main is
 * CommonJS, so there are two passes: bundle and split, then turn each chunk into CommonJS.
 *
 * node scripts/build.mjs [entry point] [output folder]
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { lazyModules } from './lazyModules.mjs';
import { thirdPartyNotices } from './thirdPartyNotices.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [entry = 'src/main.ts', folder = 'dist'] = process.argv.slice(2);
const platform = { platform: 'node', target: 'node20', legalComments: 'none' };

const bundled = await build({
  ...platform,
  absWorkingDir: root,
  entryPoints: { main: entry },
  outdir: folder,
  outExtension: { '.js': '.cjs' },
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  // The Functions worker supplies this module at run time; bundled, registrations would silently go nowhere.
  external: ['@azure/functions-core'],
  plugins: [lazyModules],
  sourcemap: 'inline',
  metafile: true,
  write: false,
  logLevel: 'warning',
}).catch(() => process.exit(1));

const files = new Map();
for (const chunk of bundled.outputFiles) {
  const name = basename(chunk.path);
  const { code, map } = await transform(chunk.text, {
    ...platform,
    format: 'cjs',
    // import() of a chunk becomes a require() of it, at the same moment.
    supported: { 'dynamic-import': false },
    // Names stay: people read them in stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: 'external',
    sourcefile: name,
  });
  files.set(name, `${code}//# sourceMappingURL=${name}.map\n`);
  files.set(`${name}.map`, map);
}
files.set('meta.json', JSON.stringify(bundled.metafile));
files.set('THIRD-PARTY-NOTICES.txt', await thirdPartyNotices(root, bundled.metafile));

const target = resolve(root, folder);
await mkdir(target, { recursive: true });
for (const [name, content] of files) await writeFile(join(target, name), content);
// Chunks of earlier builds: their names change with their content.
for (const name of await readdir(target)) {
  if (/^chunk-\w+\.cjs(\.map)?$/.test(name) && !files.has(name)) await rm(join(target, name));
}
