import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { verifyAudit } from '../../scripts/verifyAudit.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { openTables } from '../../src/adapters/tables/tables.ts';
import { changeRequest } from '../../src/workflow/changeRequest.ts';
import { approvedByGroup, ask, decide, putPolicy, recordsWith } from './callers.ts';
import { expectSame, startCloud, type Cloud, type Shown } from './cloud.ts';
import { slowWrite, whenWriting, writesOf } from './kill.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { web, db1 } = virtualMachines;
const life = ['opening', 'active', 'closing', 'closed'];

/** The folder that the host runs, and packages to put in its place; each start of a package is noted. */
interface Site {
  folder: string;
  deploy(version: string): Promise<void>;
  started(): Promise<string[]>;
  remove(): Promise<void>;
}

/** Packages of two versions, each as `npm run package` lays it out; they differ in what they say of themselves alone. */
async function twoPackages(): Promise<Site> {
  const place = await mkdtemp(join(tmpdir(), 'sallyport-upgrade-'));
  const folder = join(place, 'app');
  const note = join(place, 'started');
  await writeFile(note, '');
  const packed = join(place, 'packed');
  const pack = ['scripts/package.mjs', join(place, 'sallyport.zip'), packed];
  await promisify(execFile)(process.execPath, pack, { cwd: root });
  const content = JSON.parse(await readFile(join(packed, 'package.json'), 'utf8')) as { main: string };

  return {
    folder,
    async deploy(version) {
      const next = join(place, 'next');
      await cp(packed, next, { recursive: true });
      const main = `
        require('node:fs').appendFileSync(${JSON.stringify(note)}, ${JSON.stringify(`${version}\n`)});
        require(${JSON.stringify(`./${content.main}`)});`;
      await writeFile(join(next, 'main.cjs'), main);
      await writeFile(join(next, 'package.json'), JSON.stringify({ ...content, version, main: 'main.cjs' }));
      // The host must not find anything of the package before.
      await rm(folder, { recursive: true, force: true });
      await rename(next, folder);
    },
    started: async () => (await readFile(note, 'utf8')).trimEnd().split('\n'),
    remove: () => rm(place, { recursive: true, force: true }),
  };
}

describe('a package that is replaced while access is granted', () => {
  let site: Site;
  let cloud: Cloud;
  beforeAll(async () => {
    site = await twoPackages();
    await site.deploy('1.0.0');
    cloud = await startCloud({
      hostOptions: {
        arguments: ['--app', site.folder, '--visibility-timeout', '3'],
        settings: { SALLYPORT_SWEEP_SCHEDULE: '*/2 * * * * *' },
      },
    });
    await putPolicy(cloud, 'web-console', { vm: web, number: 8443, ...approvedByGroup });
  });
  afterAll(async () => {
    await cloud.close();
    await site.remove();
  });

  /** Ends what runs, as a deployment to Flex Consumption does, and starts another package on the same storage. */
  async function replace(version: string, meanwhile: () => Promise<unknown> = () => Promise.resolve()) {
    await cloud.environment.killHost();
    await site.deploy(version);
    await meanwhile();
    await cloud.environment.restartHost();
  }

  /** Makes a grant what it is after a deployment that took minutes: over since one, and nobody there to close it. */
  async function endBefore(id: string): Promise<void> {
    const { connectionString } = cloud.environment;
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    await changeRequest(createRequests(openTables({ connectionString }).requests), id, (row) => ({
      ...row,
      ...{ version: row.version + 1, start: ago(9), end: ago(1), nextDue: ago(1) },
    }));
  }

  const rulesFor = async (id: string) =>
    (await cloud.owned('nsg-web')).filter(({ name }) => name.startsWith(`sallyport-contoso-${id}-`));

  it('and put back: what is open stays, ends at its end, and opens once; what was over is closed by the sweep', async () => {
    const before = await cloud.nsg('nsg-web');
    const lasting = await cloud.grant({ vm: web, duration: 'PT1H' });
    const over = await cloud.grant({ vm: db1, duration: 'PT1H' });
    const waiting = (await ask(cloud, 'alice', { vm: web, port: 8443 })).body as unknown as Shown;
    expect(waiting.state).toBe('pending');
    for (const { id } of [lasting, over]) await cloud.until(id, 'active');
    const dueSoon = await cloud.grant({ vm: db1, port: 3389, duration: 'PT12S' });
    await cloud.until(dueSoon.id, 'active');
    const rule = await rulesFor(lasting.id);
    expect(rule).toHaveLength(1);
    const written = await writesOf(cloud, 'nsg-web');

    await replace('2.0.0', () => endBefore(over.id));

    expect(await cloud.events(over.id)).toEqual(life);
    const closing = (await recordsWith(cloud, db1, over.id, 'request.closing')).find(
      ({ event }) => event === 'request.closing',
    );
    expect(closing?.actor).toBe('sweep');
    expect(await cloud.events(dueSoon.id)).toEqual(life);
    expect((await cloud.request(lasting.id)).state).toBe('active');
    expect(await rulesFor(lasting.id)).toEqual(rule);
    expect(await writesOf(cloud, 'nsg-web')).toBe(written);
    expect((await cloud.request(waiting.id)).state).toBe('pending');

    // The way back comes in the middle of a write.
    await cloud.fault({ method: 'PUT', path: 'nsg-web' }, slowWrite);
    expect((await decide(cloud, 'carol', waiting.id, 'approve')).status).toBe(200);
    await whenWriting(cloud, 'nsg-web', written + 1);
    await replace('1.0.0');

    await cloud.until(waiting.id, 'active');
    expect(await rulesFor(waiting.id)).toHaveLength(1);
    expect(await writesOf(cloud, 'nsg-web')).toBe(written + 1);
    expect(await rulesFor(lasting.id)).toEqual(rule);
    for (const { id } of [lasting, waiting]) await cloud.revoke(id);
    expect(await cloud.events(lasting.id)).toEqual(life);
    expect(await cloud.events(waiting.id)).toEqual(['pending', 'approved', ...life]);

    expectSame(await cloud.nsg('nsg-web'), before);
    expect(await cloud.owned('nsg-data')).toEqual([]);
    expect(await site.started()).toEqual(['1.0.0', '2.0.0', '1.0.0']);
    const said: string[] = [];
    const verified = await verifyAudit(['--connection', cloud.environment.connectionString], {
      env: {},
      folder: root,
      print: (text) => said.push(text),
      complain: (text) => said.push(text),
    });
    expect(verified, said.join('\n')).toBe(0);
  });
});
