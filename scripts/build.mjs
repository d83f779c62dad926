/**
 * Bundles the app into what the Functions host loads: dist/main.cjs, and beside it the files that are loaded when
 * first needed, such as the clients of Azure Resource Manager (most of the code, and no part of a cold start).
 *
 * One file would be compiled whole at every cold start. esbuild splits only ES modules and the package's main is
 * CommonJS, so there are two passes: bundle and split, then turn each chunk into CommonJS. The packages that are
 * required at a top without being needed there are bundled by themselves.
 *
 * node scripts/build.mjs [entry point] [output folder]
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { lazyModules } from './lazyModules.mjs';
import { thirdPartyNotices } from './thirdPartyNotices.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [entry = 'src/main.ts', folder = 'dist'] = process.argv.slice(2);
const platform = { platform: 'node', target: 'node20', legalComments: 'none' };
// Names stay: people read them in stack traces.
const minified = { minifyWhitespace: true, minifySyntax: true };

const files = new Map();
const lazyBuilds = [];
const app = await bundle({
  entryPoints: { main: entry },
  chunkNames: 'chunk-[hash]',
  splitting: true,
  format: 'esm',
  // The Functions worker supplies this module at run time; bundled, registrations would silently go nowhere.
  external: ['@azure/functions-core'],
  plugins: [lazyModules(bundleAlone)],
  sourcemap: 'inline',
});

for (const chunk of app.outputFiles) {
  const name = basename(chunk.path);
  const { code, map } = await transform(chunk.text, {
    ...platform,
    ...minified,
    format: 'cjs',
    // import() of a chunk becomes a require() of it, at the same moment.
    supported: { 'dynamic-import': false },
    sourcemap: 'external',
    sourcefile: name,
  });
  add(name, code, map);
}
const metafiles = [...lazyBuilds, app].map(({ metafile }) => metafile);
const metafile = {
  inputs: Object.assign({}, ...metafiles.map(({ inputs }) => inputs)),
  outputs: Object.assign({}, ...metafiles.map(({ outputs }) => outputs)),
};
files.set('meta.json', JSON.stringify(metafile));
files.set('THIRD-PARTY-NOTICES.txt', await thirdPartyNotices(root, metafile));

const target = resolve(root, folder);
await mkdir(target, { recursive: true });
for (const [name, content] of files) await writeFile(join(target, name), content);
// Those of earlier builds: the names of chunks change with their content.
for (const name of await readdir(target)) {
  if (/^(chunk|lazy)-[\w-]+\.cjs(\.map)?$/.test(name) && !files.has(name)) await rm(join(target, name));
}

function add(name, code, map) {
  files.set(name, `${code}//# sourceMappingURL=${name}.map\n`);
  files.set(`${name}.map`, map);
}

/** Bundles what is loaded when it is first touched. Returns its file's name, which says the content as those of chunks do. */
async function bundleAlone(name, entryPoint) {
  const entryPoints = { [name]: entryPoint };
  const alone = await bundle({ entryPoints, format: 'cjs', ...minified, sourcemap: 'external' });
  lazyBuilds.push(alone);
  const [map, code] = ['.map', '.cjs'].map(
    (ending) => alone.outputFiles.find(({ path }) => path.endsWith(ending)).text,
  );
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 8).toUpperCase();
  const file = `${name}-${hash}.cjs`;
  add(file, code, map);
  return file;
}

async function bundle(options) {
  return await build({
    ...platform,
    absWorkingDir: root,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    metafile: true,
    write: false,
    logLevel: 'warning',
    ...options,
  }).catch(() => process.exit(1));
}
