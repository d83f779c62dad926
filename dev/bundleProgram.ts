import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Each program once in this process: it does not change while it runs. */
const bundled = new Map<string, Promise<string>>();

/**
 * Bundles a TypeScript program of this folder for plain Node, and returns the file: a loader in each process takes
 * longer than all that the process does until it is ready.
 */
export function bundleProgram(program: URL): Promise<string> {
  const source = fileURLToPath(program);
  const found = bundled.get(source) ?? write(source);
  bundled.set(source, found);
  return found;
}

async function write(source: string): Promise<string> {
  // Inside of the repository, where Node finds the packages.
  const file = join(root, 'out/programs', `${relative(root, source).replace(/\.ts$/, '')}.mjs`);
  const { outputFiles } = await build({
    entryPoints: [source],
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external' },
    ...{ sourcemap: 'inline', plugins: [ownUrls], write: false, logLevel: 'silent' },
  });
  await mkdir(dirname(file), { recursive: true });
  // Others may do the same at the same time, and nobody may read half of it.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, outputFiles[0]?.text ?? '');
  await rename(draft, file);
  return file;
}

/** What lies beside a source file is found from there, and not from where the bundle is. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: text.replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};
