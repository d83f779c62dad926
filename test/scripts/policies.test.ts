import { readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runPolicies } from '../../scripts/policies/runPolicies.ts';
import { actions } from '../../src/core/authorization.ts';
import type { Policy } from '../../src/core/policy.ts';
import { startApiServer } from '../support/apiServer.ts';
import type { ApiServer } from '../support/apiServer.ts';
import { createApiWorld } from '../support/apiWorld.ts';
import type { ApiWorld } from '../support/apiWorld.ts';
import { vmId } from '../support/grantWorld.ts';
import { policyFor } from '../support/policyFor.ts';
import { makePolicyFolder, policyOf } from '../support/policyFolder.ts';
import type { PolicyFolder } from '../support/policyFolder.ts';
import { alice, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

let issuer: TokenIssuer;
let token: string;
beforeAll(async () => {
  issuer = await startTokenIssuer();
  token = await issuer.sign({ oid: alice.objectId });
});
afterAll(() => issuer.close());

let api: ApiWorld;
let server: ApiServer;
let folder: PolicyFolder;
/** What is sent as the token. */
let secret: string;
let printed: string[];
let progress: string[];
/** Is awaited before the app handles a call. */
let before: (line: string) => Promise<void>;

// The world has one policy, `ssh`, for port 22 from 203.0.113.0/24 for PT3H.
beforeEach(async () => {
  [printed, progress, before, secret] = [[], [], () => Promise.resolve(), token];
  api = await createApiWorld(issuer);
  server = await startApiServer(api, (line) => before(line));
  folder = await makePolicyFolder();
});
afterEach(async () => {
  await server.close();
  await folder.remove();
});

function policies(...words: string[]): Promise<number> {
  return runPolicies(words, {
    env: { SALLYPORT_URL: server.origin, SALLYPORT_TOKEN: secret },
    print: (text) => printed.push(text),
    progress: (text) => progress.push(text),
    timeZone: 'Europe/Berlin',
  });
}
const diff = (...words: string[]) => policies('diff', folder.path, ...words);
const apply = (...words: string[]) => policies('apply', folder.path, ...words);
const output = () => printed.join('\n');
const problems = () => progress.join('\n');
const changing = () => server.calls.filter((line) => !line.startsWith('GET') && !line.includes('dryRun'));
async function provision(name: string, provisioning: Policy['provisioning']): Promise<void> {
  const found = await api.world.stores.policies.get(name);
  if (found !== undefined)
    await api.world.stores.policies.replace({ ...found.row, provisioning }, found.etag);
}
const stored = async (name: string) => (await api.world.stores.policies.get(name))?.row;
const versionOf = async (name: string) => (await stored(name))?.version;

/** Somebody else changes the policy. */
async function changeBehind(name: string): Promise<void> {
  const there = await api.world.stores.policies.get(name);
  if (there === undefined) throw new Error(`There is no policy ${name}.`);
  await api.world.stores.policies.replace({ ...there.row, version: there.row.version + 1 }, there.etag);
}

describe('diff', () => {
  it('says what would be added and changed, and what is only on the server, and changes nothing', async () => {
    await api.world.stores.policies.insert(policyFor('old', vmId, []));
    await folder.write('ssh.json', policyOf(22, { maxRequestAccessDuration: 'PT1H' }));
    await folder.write('web.json', policyOf(443));

    expect(await diff()).toBe(1);
    expect(output()).toBe(
      [
        '~ ssh would be changed',
        `    No longer: Port 22 (Tcp) of ${vmId} may be asked for from 203.0.113.0/24 for at most PT3H.`,
        `    New: Port 22 (Tcp) of ${vmId} may be asked for from 203.0.113.0/24 for at most PT1H.`,
        '+ web would be added',
        '    New: Its ports are not kept shut.',
        `    New: Port 443 (Tcp) of ${vmId} may be asked for from 203.0.113.0/24 for at most PT3H.`,
        '? old is only on the server',
        '1 would be added, 1 would be changed, 1 only on the server, 0 the same.',
      ].join('\n'),
    );
    expect(changing()).toEqual([]);
    expect(await stored('web')).toBeUndefined();
  });

  it('is 0 where everything is the same, in whatever case the name is and with a schema named', async () => {
    await folder.write('SSH.json', { $schema: '../docs/policy.schema.json', ...policyOf(22) });

    expect(await diff()).toBe(0);
    expect(output()).toBe('1 the same.');
  });

  it('is what apply --dry-run does', async () => {
    await folder.write('ssh.json', policyOf(2222));

    expect(await apply('--dry-run')).toBe(1);
    expect(output()).toContain('~ ssh would be changed');
    expect(changing()).toEqual([]);
  });
});

describe('apply', () => {
  it('puts what differs, by its version, and leaves alone what is the same and what is only on the server', async () => {
    await api.world.stores.policies.insert(policyFor('old', vmId, []));
    await api.world.stores.policies.insert({ ...policyFor('db', vmId, []), entries: [] });
    await folder.write('ssh.json', policyOf(22));
    await folder.write('db.json', policyOf(5432));
    await folder.write('web.json', policyOf(443));

    expect(await apply()).toBe(0);
    expect(changing()).toEqual(['PUT /api/policies/db', 'PUT /api/policies/web']);
    expect([await versionOf('ssh'), await versionOf('db'), await versionOf('web')]).toEqual([1, 2, 1]);
    expect((await stored('old'))?.isDeleted).toBeUndefined();
    expect(output()).toContain('~ db is changed, version 2');
    expect(output()).toContain('+ web is added, version 1');
    expect(problems()).toBe('old is only on the server, and stays.');

    expect(await diff('--prune')).toBe(1);
    await folder.write('old.json', policyOf(22));
    await apply();
    expect(await diff()).toBe(0);
  });

  it('says as JSON what is different, and what was done', async () => {
    await folder.write('web.json', policyOf(443));

    expect(await diff('--json')).toBe(1);
    expect(JSON.parse(output())).toMatchObject({
      ...{ differences: [{ kind: 'added', name: 'web' }], same: 0, onlyThere: ['ssh'] },
    });
    printed = [];
    expect(await apply('--json')).toBe(0);
    expect(JSON.parse(output())).toMatchObject({ applied: [{ kind: 'added', name: 'web', version: 1 }] });
  });

  it('waits with --wait until what was put is applied, and says what failed', async () => {
    await folder.write('web.json', policyOf(443));
    before = async (line) => {
      if (line !== 'GET /api/policies/web') return;
      before = () => Promise.resolve();
      await provision('web', { state: 'failed', reasons: [{ code: 'no-capacity', message: 'No room.' }] });
    };

    expect(await apply('--wait')).toBe(4);
    expect(problems()).toContain('No room.');
    expect(await diff('--wait')).toBe(2);
  });

  it('deletes what is only on the server with --prune, and never a policy of Microsoft’s API', async () => {
    const jit = `${vmId.split('/providers/')[0] ?? ''}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
    await api.world.stores.policies.insert(policyFor(jit, vmId, []));
    await folder.write('web.json', policyOf(443));

    expect(await apply('--prune')).toBe(0);
    expect(changing()).toEqual(['PUT /api/policies/web', 'DELETE /api/policies/ssh']);
    expect((await stored('ssh'))?.isDeleted).toBe(true);
    expect((await stored(jit))?.isDeleted).toBeUndefined();
    expect(output()).toContain('- ssh is deleted');
    expect(problems()).toBe(`Left out, as it has no name that a file could have: ${jit}`);
  });

  it('prunes nothing by a folder without any policy', async () => {
    expect(await apply('--prune')).toBe(2);
    expect(problems()).toContain('--prune would delete every one');
    expect(server.calls).toEqual([]);
  });

  it('does not overwrite what somebody else changed meanwhile, and deletes nothing then', async () => {
    await api.world.stores.policies.insert(policyFor('old', vmId, []));
    await folder.write('ssh.json', policyOf(2222));
    await folder.write('web.json', policyOf(443));
    before = (line) => (line === 'PUT /api/policies/ssh' ? changeBehind('ssh') : Promise.resolve());

    expect(await apply('--prune')).toBe(4);
    expect((await stored('ssh'))?.entries[0]?.ports[0]?.number).toBe(22);
    expect((await stored('old'))?.isDeleted).toBeUndefined();
    expect(output()).toContain('+ web is added');
    expect(problems()).toMatch(/ssh\.json\n.* it is version 2\. Read it again\./);
    expect(problems()).toMatch(/old\n.*It was not deleted/);
  });

  it('does not overwrite what somebody else added meanwhile', async () => {
    await folder.write('web.json', policyOf(443));
    before = async (line) => {
      if (line !== 'PUT /api/policies/web') return;
      await api.world.stores.policies.insert(policyFor('web', vmId, []));
    };

    expect(await apply()).toBe(4);
    expect((await stored('web'))?.entries[0]?.ports).toEqual([]);
  });

  it('does not delete what somebody else changed meanwhile', async () => {
    await folder.write('web.json', policyOf(443));
    before = (line) => (line === 'DELETE /api/policies/ssh' ? changeBehind('ssh') : Promise.resolve());

    expect(await apply('--prune')).toBe(4);
    expect((await stored('ssh'))?.isDeleted).toBeUndefined();
  });

  it('says everything that is wrong in all files at once, and asks the app nothing then', async () => {
    await folder.write('good.json', policyOf(443));
    await folder.write('port.json', policyOf(0));
    await folder.write('member.json', { ...policyOf(22), colour: 'red' });
    await folder.write('text.json', '{"entries": [');
    await folder.write('-name.json', policyOf(22));

    expect(await apply()).toBe(2);
    expect(problems()).toContain('port.json\n  entries[0].ports[0].number  ');
    expect(problems()).toContain('member.json\n  colour  There is no such field.');
    expect(problems()).toMatch(/text\.json\n {2}\(all of it\) {2}This is not JSON in UTF-8: /);
    expect(problems()).toMatch(/-name\.json\n {2}\(all of it\) {2}The name must be/);
    expect(problems()).toMatch(/\nNothing was changed\.$/);
    expect(server.calls).toEqual([]);
  });

  it('says everything that the app refuses, of all files and of what would be deleted, and changes nothing then', async () => {
    const other = vmId.replace(/[^/]+$/, 'vm-other');
    const selecting = (id: string, number: number) => JSON.stringify(policyOf(number)).replaceAll(vmId, id);
    api.world.authorization.deny({ scope: other, action: actions.writeVirtualMachine });
    api.world.authorization.deny({ scope: vmId, action: actions.deletePolicy });
    await folder.write('a.json', selecting(other, 22));
    await folder.write('b.json', selecting(other, 443));
    await folder.write('c.json', policyOf(443));

    expect(await apply('--prune')).toBe(3);
    expect(problems()).toMatch(/^a\.json\n {2}entries\[0\]\.selector\.virtualMachineIds\[0\] {2}/);
    expect(problems()).toMatch(/\nb\.json\n {2}entries/);
    expect(problems()).toMatch(/\nssh\n/);
    expect(problems()).not.toContain('c.json');
    expect(changing()).toEqual([]);
  });

  it('sends again what the app could not answer for a moment', async () => {
    await folder.write('web.json', policyOf(443));
    let failures = 0;
    before = (line) => {
      if (line !== 'PUT /api/policies/web' || failures > 0) api.world.authorization.answer();
      else api.world.authorization.fail({ retryAfterSeconds: 0 });
      failures += line === 'PUT /api/policies/web' ? 1 : 0;
      return Promise.resolve();
    };

    expect(await apply()).toBe(0);
    expect(changing()).toEqual(['PUT /api/policies/web', 'PUT /api/policies/web']);
    expect(await versionOf('web')).toBe(1);
  });

  it('tells what was not done where the app is gone in the middle', async () => {
    await folder.write('a.json', policyOf(22));
    await folder.write('b.json', policyOf(443));
    before = (line) => (line === 'PUT /api/policies/b' ? server.close() : Promise.resolve());

    expect(await apply()).toBe(4);
    expect(output()).toContain('+ a is added');
    expect(problems()).toMatch(/b\.json\n.*does not answer/);
  });
});

describe('export', () => {
  const exportAll = () => policies('export', folder.path);

  it('writes what diff finds to be the same, and the same text again', async () => {
    await folder.write('web.json', {
      baseline: { except: ['10.0.1.0/26'], kind: 'everybody' },
      conditions: { justificationPattern: 'INC.*', approval: { groups: [], approvers: 1 } },
      entries: [
        {
          ports: (policyOf(22)['entries'] as { ports: unknown[] }[])[0]?.ports,
          selector: { tags: { zone: 'b', env: 'a' }, scopes: [vmId.split('/providers/')[0]] },
        },
      ],
    });
    expect(await apply()).toBe(0);
    printed = [];

    expect(await exportAll()).toBe(0);
    expect(printed).toEqual(['ssh.json is written', 'web.json is written']);
    expect(await diff()).toBe(0);
    const text = await folder.read('web.json');
    const order = [...text.matchAll(/^ {2}"(\w+)"|"(scopes|tags|env|zone|kind|except|approval)"/gm)];
    expect(order.map(([, top, inner]) => top ?? inner)).toEqual([
      'entries',
      'scopes',
      'tags',
      'env',
      'zone',
      'conditions',
      'approval',
      'baseline',
      'kind',
      'except',
    ]);
    expect(text.endsWith('}\n')).toBe(true);

    printed = [];
    expect(await exportAll()).toBe(0);
    expect(printed).toEqual([]);
  });

  it('keeps the name in its case and the schema of a file, and tells of files that the app has no policy for', async () => {
    await folder.write('SSH.json', { $schema: './policy.schema.json', ...policyOf(2222) });
    await folder.write('gone.json', policyOf(22));

    expect(await exportAll()).toBe(0);
    expect(await folder.files()).toEqual(['SSH.json', 'gone.json']);
    expect(JSON.parse(await folder.read('SSH.json'))).toEqual({
      $schema: './policy.schema.json',
      ...policyOf(22),
    });
    expect(problems()).toContain('gone.json stays');
  });

  it('never writes outside of its folder, whatever the app calls a policy', async () => {
    const outside = await makePolicyFolder();
    const names = [
      '../escaped',
      '/tmp/escaped',
      '..',
      'a/../../escaped',
      'a\\b',
      '.hidden',
      'nul\u0000',
      '',
      '\u001b[2Jx',
    ];
    for (const name of names) await api.world.stores.policies.insert(policyFor(name, vmId, []));
    await outside.write('victim', 'untouched');
    await symlink(join(outside.path, 'victim'), join(folder.path, 'ssh.json'));

    expect(await exportAll()).toBe(0);
    expect(await folder.files()).toEqual(['ssh.json']);
    expect(await outside.read('victim')).toBe('untouched');
    await expect(readlink(join(folder.path, 'ssh.json'))).rejects.toThrow('EINVAL');
    expect(problems().match(/^Left out, as it has no name that a file could have: /gm)).toHaveLength(
      names.length,
    );
    expect(problems()).not.toContain('\u001b');
    await outside.remove();
  });
});

describe('the command', () => {
  it.each([
    [[]],
    [['put', 'x']],
    [['apply']],
    [['diff', 'x', 'y']],
    [['export', 'x', '--prune']],
    [['apply', 'x', '--force']],
    [['diff', '/nowhere/at/all']],
  ])('does not understand %j', async (words) => {
    expect(await policies(...words)).toBe(2);
    expect(server.calls).toEqual([]);
  });

  it('says that the app refuses the caller, without the token, and is 3', async () => {
    await folder.write('web.json', policyOf(443));
    secret = 'no-token';

    expect(await diff()).toBe(3);
    expect(problems()).not.toContain('no-token');
  });

  it('prints the schema', async () => {
    expect(await policies('schema')).toBe(0);
    expect(JSON.parse(output())).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });
});
