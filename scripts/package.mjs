/**
 * Packs what a deployment needs, and nothing else, into out/sallyport.zip. Equal contents make equal bytes, whenever
 * and wherever they are packed.
 *
 * node scripts/package.mjs [output file]
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = resolve(root, process.argv[2] ?? 'out/sallyport.zip');

const { name, version, license, type, main } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const built = (await readdir(join(root, 'dist'))).filter((file) => /\.(cjs|txt)$/.test(file)).sort();

const entries = {
  'host.json': await readFile(join(root, 'host.json')),
  // No dependencies: nothing is installed where it runs.
  'package.json': Buffer.from(`${JSON.stringify({ name, version, license, type, main })}\n`),
};
for (const file of built) entries[`dist/${file}`] = await readFile(join(root, 'dist', file));

// The earliest time that a zip can express, in local time as zip wants it.
const zip = zipSync(entries, { level: 9, mtime: new Date(1980, 0, 1) });
await mkdir(dirname(output), { recursive: true });
await writeFile(output, zip);
console.log(`${output}: ${zip.length} bytes, ${Object.keys(entries).length} files`);
