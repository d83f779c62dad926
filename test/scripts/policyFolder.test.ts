import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { policyFileSchema } from '../../scripts/policies/policyFile.ts';
import { readPolicyFolder } from '../../scripts/policies/policyFolder.ts';
import { comparisonText } from '../../scripts/policies/presentPolicies.ts';
import { exitCodes, options } from '../../scripts/policies/runPolicies.ts';
import { read, tableBelow } from '../docs/pages.ts';
import { makePolicyFolder, policyOf } from '../support/policyFolder.ts';
import type { PolicyFolder } from '../support/policyFolder.ts';

let folder: PolicyFolder;
beforeEach(async () => {
  folder = await makePolicyFolder();
});
afterEach(() => folder.remove());

/** What is said of each file that is wrong. */
async function wrong(): Promise<Record<string, string[]>> {
  const { troubles } = await readPolicyFolder(folder.path);
  return Object.fromEntries(
    troubles.map(({ where, errors }) => [
      where,
      errors.map(({ field = '', detail }) => `${field}: ${detail}`),
    ]),
  );
}

/** Within every limit but that of the body. */
function largePolicy(): Record<string, unknown> {
  const prefixes = Array.from({ length: 100 }, (_, index) => `203.0.113.${index}/32`);
  const [entry] = policyOf(22)['entries'] as { selector: object; ports: object[] }[];
  const ports = Array.from({ length: 20 }, (_, index) => ({
    ...{ ...entry?.ports[0], number: index + 1, allowedSourceAddressPrefixes: prefixes },
  }));
  return {
    entries: [
      { ...entry, ports },
      { ...entry, ports },
    ],
  };
}

describe('a folder of policies', () => {
  it('is read by the names of its files, without README.md and hidden files', async () => {
    await folder.write('web.ssh_1-a.json', { $schema: 'x', ...policyOf(22) });
    await folder.write('README.md', '# Ours');
    await folder.write('.gitkeep', '');

    expect(await readPolicyFolder(folder.path)).toEqual({
      files: [{ name: 'web.ssh_1-a', body: policyOf(22) }],
      troubles: [],
    });
  });

  it('refuses what could be a policy that is passed over', async () => {
    await mkdir(join(folder.path, 'more'));
    await mkdir(join(folder.path, 'folder.json'));
    await folder.write('web.JSON', policyOf(22));
    await folder.write('web.yaml', '');
    await folder.write(`${'a'.repeat(64)}.json`, policyOf(22));
    await folder.write('ä.json', policyOf(22));
    await folder.write('real', policyOf(22));
    await symlink(join(folder.path, 'real'), join(folder.path, 'link.json'));

    const { files } = await readPolicyFolder(folder.path);
    expect(files).toEqual([]);
    expect(Object.keys(await wrong()).sort()).toEqual(await folder.files());
    expect((await wrong())['link.json']).toEqual([': This is no regular file.']);
  });

  it('refuses two files for one policy', async () => {
    await folder.write('Web.json', policyOf(22));
    await folder.write('web.json', policyOf(443));

    expect(await wrong()).toEqual({
      'web.json': [': Web.json is the same policy: the case of its name does not matter.'],
    });
  });

  it.each([
    ['nothing', '', 'This is not JSON'],
    ['a list', '[]', 'This must be an object'],
    ['null', 'null', 'This must be an object'],
    ['bytes that are no UTF-8', Buffer.from('{"a": "\xff"}', 'latin1'), 'This is not JSON in UTF-8'],
    ['a schema that is no name', { $schema: 1, ...policyOf(22) }, '$schema: This must be a string'],
    ['no entries', {}, 'entries: This field is needed'],
    ['a policy as the app answers it', { id: 'a', ...policyOf(22) }, 'id: There is no such field'],
    ['more than the app takes', largePolicy(), 'The policy must not be larger than 65536 bytes'],
  ])('refuses %s', async (_, content, said) => {
    await folder.write('a.json', content);

    expect((await wrong())['a.json']).toEqual([expect.stringContaining(said)]);
  });

  it('tells each thing that is wrong in a file, by its place', async () => {
    await folder.write('a.json', { $schema: 1, ...policyOf(0, { protocol: 'Sctp' }), more: true });

    expect((await wrong())['a.json']?.map((text) => text.split(':')[0])).toEqual([
      '$schema',
      'entries[0].ports[0].number',
      'entries[0].ports[0].protocol',
      'more',
    ]);
  });
});

describe('the JSON Schema of a policy', () => {
  it('is that of docs/policy.schema.json; npm run policies:schema writes it anew', () => {
    expect(JSON.parse(read('docs/policy.schema.json'))).toEqual(policyFileSchema());
  });

  it('admits the example of docs/policies.md, and neither an unknown member nor a missing one', () => {
    const schema = z.fromJSONSchema(policyFileSchema());
    const examples = [...read('docs/policies.md').matchAll(/```json\n([\s\S]+?)```/g)].map(
      ([, json = '']) => json,
    );
    // Before it stands one of Microsoft's own form, which no file may have.
    const example = examples.find((json) => json.includes('"entries"')) ?? '';
    const policy = JSON.parse(example) as object;

    expect(schema.safeParse(policy).error).toBeUndefined();
    expect(schema.safeParse({ ...policy, colour: 'red' }).success).toBe(false);
    expect(schema.safeParse({ ...policy, entries: undefined }).success).toBe(false);
  });
});

describe('a comparison', () => {
  it('says what a change would do in Azure, in one line, whatever others wrote', () => {
    const change = {
      policy: { version: 2 },
      changes: ['New: a\u001b[31m \nsecond line'],
      effects: [
        { message: 'Nothing can be told.' },
        {
          networkSecurityGroup: '/subscriptions/x/networkSecurityGroups/nsg-web',
          message: 'A rule is added.',
        },
      ],
    };
    const wanted = { where: 'a.json', name: 'a', ifVersion: 1 };

    expect(
      comparisonText({
        differences: [{ kind: 'deleted', wanted, change }],
        same: 2,
        onlyThere: [],
        troubles: [],
      }),
    ).toBe(
      [
        '- a would be deleted',
        '    New: a second line',
        '    In Azure: Nothing can be told.',
        '    In Azure: nsg-web: A rule is added.',
        '1 would be deleted, 2 the same.',
      ].join('\n'),
    );
  });
});

describe('docs/policies.md', () => {
  const page = read('docs/policies.md');

  it('lists every exit code', () => {
    expect(tableBelow(page, 'Policies as code').map(([code]) => Number(code))).toEqual(
      Object.values(exitCodes),
    );
  });

  it('names options that the command has', () => {
    const named = [...page.matchAll(/--([a-z][a-z-]*)/g)].map(([, name = '']) => name);

    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((name) => !Object.hasOwn(options, name))).toEqual([]);
  });
});
