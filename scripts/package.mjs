/**
 * Packs what a deployment needs, and nothing else, into out/sallyport.zip, and lays the same out in out/package, from
 * where azd takes it. Equal contents make equal bytes, whenever and wherever they are packed.
 *
 * With SALLYPORT_DURABLE_TASK_SCHEDULER=true, which the template reads too, Durable keeps its state in the Durable Task
 * Scheduler: the host and Azure's scale controller read that from the package, so no app setting can say it.
 *
 * node scripts/package.mjs [output file] [output folder]
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';

const root = fileURLToPath(new URL('..', import.meta.url));
const [file = 'out/sallyport.zip', folder = 'out/package'] = process.argv.slice(2);
const output = resolve(root, file);
const staging = resolve(root, folder);
const usesScheduler = process.env.SALLYPORT_DURABLE_TASK_SCHEDULER === 'true';

const { name, version, license, type, main } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const built = (await readdir(join(root, 'dist'))).filter((file) => /\.(cjs|txt)$/.test(file)).sort();

const entries = {
  'host.json': await hostSettings(),
  // No dependencies: nothing is installed where it runs.
  'package.json': Buffer.from(`${JSON.stringify({ name, version, license, type, main })}\n`),
};
for (const name of built) entries[`dist/${name}`] = await readFile(join(root, 'dist', name));

// The earliest time that a zip can express, in local time as zip wants it.
const zip = zipSync(entries, { level: 9, mtime: new Date(1980, 0, 1) });
await mkdir(dirname(output), { recursive: true });
await writeFile(output, zip);
// What an earlier package left must not be deployed with this one.
await rm(staging, { recursive: true, force: true });
for (const [name, content] of Object.entries(entries)) {
  await mkdir(dirname(join(staging, name)), { recursive: true });
  await writeFile(join(staging, name), content);
}
const backend = usesScheduler ? 'the Durable Task Scheduler' : 'Azure Storage';
console.log(`${output}: ${zip.length} bytes, ${Object.keys(entries).length} files, Durable on ${backend}`);

async function hostSettings() {
  const text = await readFile(join(root, 'host.json'));
  if (!usesScheduler) return text;
  const settings = JSON.parse(text.toString('utf8'));
  // The other settings of the storage provider are those of Azure Storage.
  settings.extensions.durableTask.storageProvider = {
    type: 'azureManaged',
    connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
  };
  return Buffer.from(`${JSON.stringify(settings, null, 2)}\n`);
}
