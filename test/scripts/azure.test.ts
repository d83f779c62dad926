import { describe, expect, it, onTestFinished } from 'vitest';
import { changesOf, storedRegistration, wantedRegistration } from '../../scripts/azure/appRegistration.ts';
import { awaitRoles, remainingWait } from '../../scripts/azure/awaitRoles.ts';
import { resourceManagerAt } from '../../scripts/azure/az.ts';
import {
  deployNetworkEvents,
  deployNetworkRights,
  deployWatchdog,
} from '../../scripts/azure/networkRights.ts';
import { mayGo } from '../../scripts/azure/refuseDown.ts';
import { signIn } from '../../scripts/azure/signIn.ts';
import { mayTakeRights } from '../../scripts/azure/takenGroups.ts';
import {
  ids,
  simulateArm,
  subscriptionId,
  world,
  type SimulatedFault,
} from '../adapters/arm/simulatedArm.ts';
import { read } from '../docs/pages.ts';
import { foreignRule } from '../support/foreignRule.ts';

const appId = '44444444-4444-4444-8444-444444444444';
const graph = 'https://graph.microsoft.com/v1.0';
const address = `${graph}/applications(uniqueName='sallyport-contoso')`;

interface Call {
  method: string;
  url: string;
  headers: string[];
  body?: Record<string, unknown>;
}

/** Microsoft Graph behind `az rest`, as far as one registration needs it, and azd's environment. */
function directory(registration?: Record<string, unknown>, owners: Record<string, unknown>[] = []) {
  const calls: Call[] = [];
  const environment: Record<string, string> = {};
  let stored = registration;
  let hasPrincipal = false;
  const answer = ({ method, url, body }: Call): unknown => {
    if (url.startsWith(`${graph}/servicePrincipals`)) {
      if (method === 'post') hasPrincipal = true;
      return { value: hasPrincipal ? [{ id: 'principal' }] : [] };
    }
    if (url.startsWith(`${graph}/applications/object/owners`)) return { value: owners };
    if (method === 'patch') {
      stored = { id: 'object', appId, identifierUris: [], ...stored, ...body };
      return url === address ? stored : undefined;
    }
    if (stored === undefined)
      throw new Error('az rest failed: Not Found({"code":"Request_ResourceNotFound"})');
    return stored;
  };
  const run = (program: string, args: string[]): Promise<string> => {
    if (program === 'azd') {
      const [, , name = '', value = ''] = args;
      environment[name] = value;
      return Promise.resolve('');
    }
    if (args[0] === 'cloud') return Promise.resolve('"https://graph.microsoft.com/"');
    const after = (option: string) => args[args.indexOf(option) + 1] ?? '';
    const headers = args.filter((argument) => /^[\w-]+=/.test(argument));
    const call: Call = { method: after('--method'), url: decodeURI(after('--url')), headers };
    if (args.includes('--body')) call.body = JSON.parse(after('--body')) as Record<string, unknown>;
    calls.push(call);
    try {
      return Promise.resolve(textOf(answer(call)));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error('unknown'));
    }
  };
  return { run, calls, environment, written: () => calls.filter(({ method }) => method !== 'get') };
}

/** As `az rest` prints an answer: nothing where there is none. */
function textOf(answer: unknown): string {
  return answer === undefined ? '' : JSON.stringify(answer);
}

async function signInWith(
  { run }: ReturnType<typeof directory>,
  { yes = true, environment = {} }: { yes?: boolean; environment?: Record<string, string> } = {},
) {
  const lines: string[] = [];
  const done = await signIn({
    run,
    print: (line) => lines.push(line),
    confirm: () => Promise.resolve(yes),
    environment: { AZURE_ENV_NAME: 'contoso', ...environment },
  });
  return { done, lines };
}

const complete = {
  id: 'object',
  appId,
  identifierUris: [`api://${appId}`],
  ...wantedRegistration('contoso'),
};

describe('the sign-in hook', () => {
  it('makes a registration with its scope, roles, name and principal, and tells azd its client id', async () => {
    const entra = directory();
    const { done, lines } = await signInWith(entra);

    expect(done).toBe(true);
    expect(lines).toContain(
      '  with the scope access_as_user, four app roles, tokens of version 2, and no secret',
    );
    expect(entra.written().map(({ method, url }) => [method, url])).toEqual([
      ['patch', address],
      ['patch', `${graph}/applications/object`],
      ['post', `${graph}/servicePrincipals`],
    ]);
    expect(entra.written()[0]?.headers).toContain('Prefer=create-if-missing');
    expect(entra.written()[1]?.body).toMatchObject({ identifierUris: [`api://${appId}`] });
    expect(entra.environment).toEqual({ SALLYPORT_SIGN_IN_CLIENT_ID: appId });
  });

  it('does nothing before a yes, says how to do it by hand, and stops the deployment', async () => {
    const entra = directory();
    const { done, lines } = await signInWith(entra, { yes: false });

    expect(done).toBe(false);
    expect(lines.at(-1)).toContain('docs/deploy.md');
    expect([entra.written(), entra.environment]).toEqual([[], {}]);
  });

  it('changes nothing of a registration that has everything', async () => {
    const entra = directory(complete);
    await signInWith(entra);

    expect(entra.written().map(({ url }) => url)).toEqual([`${graph}/servicePrincipals`]);
    expect(entra.environment).toEqual({ SALLYPORT_SIGN_IN_CLIENT_ID: appId });
  });

  it('says who owns a registration that is there already, and uses it only after a yes', async () => {
    const theirs = {
      ...complete,
      createdDateTime: '2026-03-01T09:00:00Z',
      passwordCredentials: [{ displayName: 'mine' }],
    };
    const owners = [{ id: 'o-1', userPrincipalName: 'mallory@contoso.example' }, { id: 'o-2' }];
    const entra = directory(theirs, owners);
    const { done, lines } = await signInWith(entra, { yes: false });

    expect(lines.slice(1, 4)).toEqual([
      `  use the app registration ${appId}, which is there already, made 2026-03-01T09:00:00Z`,
      '  whose owners can make anybody approver or administrator: mallory@contoso.example, o-2',
      '  which has secrets or certificates, 1: Sallyport needs none',
    ]);
    expect([done, entra.written(), entra.environment]).toEqual([false, [], {}]);
  });

  it('uses a client id that is set as it is, and asks the directory nothing', async () => {
    const entra = directory();
    const { done } = await signInWith(entra, { environment: { SALLYPORT_SIGN_IN_CLIENT_ID: appId } });

    expect([done, entra.calls, entra.environment]).toEqual([true, [], {}]);
  });

  it('adds what is missing, says each, and keeps what others have added', () => {
    const role = { id: 'theirs', value: 'Their.Role' };
    const [first, ...others] = complete.appRoles;
    const stored = storedRegistration.parse({
      ...complete,
      api: { ...complete.api, requestedAccessTokenVersion: null },
      appRoles: [role, ...others],
    });
    const { lines, patch } = changesOf(stored, 'contoso');

    expect(lines).toEqual(['ask for tokens of version 2', 'add the app role Sallyport.Administrator']);
    expect(patch).toMatchObject({
      api: { requestedAccessTokenVersion: 2 },
      appRoles: [role, ...others, first],
    });
  });

  it('asks for the roles that the app knows, for people, and for no secret', () => {
    const wanted = wantedRegistration('contoso');
    const known = [...read('src/core/caller.ts').matchAll(/'(Sallyport\.\w+)'/g)].map(([, role]) => role);

    expect(wanted.appRoles.map(({ value }) => value).sort()).toEqual(known.sort());
    expect(wanted.appRoles.map((role) => role['allowedMemberTypes'])).toEqual(known.map(() => ['User']));
    expect(JSON.stringify(wanted)).not.toMatch(/password|secret|keyCredentials/i);
  });
});

describe('the wait for roles', () => {
  const assignment = (createdOn: string) => ({ scope: '/subscriptions/s', createdOn });
  const noon = new Date('2026-03-01T12:00:00Z');

  it('lasts until the youngest assignment is old enough', () => {
    const assignments = [assignment('2026-03-01T11:00:00Z'), assignment('2026-03-01T11:58:00.1234567+00:00')];

    expect(remainingWait(assignments, noon, 5)).toBe(180_123);
    expect(remainingWait([assignment('2026-03-01T11:00:00Z')], noon, 5)).toBe(0);
  });

  const of = { principalId: '33333333-3333-3333-3333-333333333333', subscriptionId: 's' };

  async function wait(answer: unknown, minutes = 1) {
    let now = noon.getTime();
    const lines: string[] = [];
    const calls: string[] = [];
    await awaitRoles(of, minutes, {
      run: (_program, args) => {
        calls.push(args.join(' '));
        return Promise.resolve(JSON.stringify(answer));
      },
      print: (line) => lines.push(line),
      now: () => new Date(now),
      sleep: (milliseconds) => {
        now += milliseconds;
        return Promise.resolve();
      },
    });
    return { lines, calls, seconds: (now - noon.getTime()) / 1000 };
  }

  it("asks for those in azd's subscription, whichever the Azure CLI has as its own", async () => {
    const { calls } = await wait([assignment('2026-03-01T11:00:00Z')]);

    expect(calls).toEqual([
      `role assignment list --all --subscription s --assignee-object-id ${of.principalId} --output json`,
    ]);
  });

  it.each([Number('five'), -1, 600])('does not begin for %s minutes', async (minutes) => {
    await expect(wait([assignment('2026-03-01T11:00:00Z')], minutes)).rejects.toThrow(
      'SALLYPORT_ROLE_WAIT_MINUTES',
    );
  });

  it('says how long it still takes, every 15 seconds', async () => {
    const { lines, seconds } = await wait([assignment('2026-03-01T11:59:35Z')]);

    expect(seconds).toBe(35);
    expect(lines.map((line) => /(\d+) s left/.exec(line)?.[1])).toEqual(['35', '20', '5', undefined]);
  });

  it('fails for an identity without any role, which no waiting helps', async () => {
    await expect(wait([])).rejects.toThrow('has no role');
  });
});

describe('the rights on networks', () => {
  async function deploy(environment: Record<string, string>) {
    const calls: string[] = [];
    const lines: string[] = [];
    const run = (program: string, args: string[]) => {
      calls.push([program, ...args].join(' '));
      return Promise.resolve('');
    };
    const print = (line: string) => lines.push(line);
    const given = { SALLYPORT_INSTALLATION_ID: 'contoso', ...environment };
    await deployNetworkRights(run, print, given);
    await deployWatchdog(run, print, given);
    await deployNetworkEvents(run, print, given);
    return { calls, lines };
  }

  it('are a stack that takes away what is not named any more', async () => {
    const { calls } = await deploy({ AZURE_LOCATION: 'westeurope', AZURE_SUBSCRIPTION_ID: 's' });

    expect(calls).toEqual([
      'az stack sub create --name sallyport-network-rights-contoso --location westeurope --subscription s ' +
        '--parameters infra/networkRights.bicepparam --action-on-unmanage deleteResources ' +
        '--deny-settings-mode none --yes',
    ]);
  });

  it('are said: what may be written, and that nothing may be until a group is named', async () => {
    expect((await deploy({})).lines[1]).toContain('azd env set SALLYPORT_GATEKEEPER_GROUPS');
    expect((await deploy({ SALLYPORT_GATEKEEPER_GROUPS: 'rg-machines' })).lines[1]).toBe(
      'Rights: writing network security groups of rg-machines.',
    );
  });

  it.each([
    ['', 'the subscription'],
    ['rg-machines,rg-network', 'the groups rg-machines,rg-network'],
    ['rg-machines,/subscriptions/s/resourceGroups/rg-network', 'the groups rg-machines'],
    ['/subscriptions/s/resourceGroups/rg-network', 'the subscription'],
    ['rg-machines, /subscriptions/Here/resourceGroups/rg-network', 'the groups rg-machines,rg-network'],
  ])(
    'say of the groups “%s” that here they are for reading %s: of ids those of this subscription',
    async (groups, what) => {
      const { lines } = await deploy({ AZURE_SUBSCRIPTION_ID: 'here', SALLYPORT_READER_GROUPS: groups });

      expect(lines[0]).toBe(`Rights: reading ${what}.`);
    },
  );

  it('come with a watchdog apart from the app, unless it is declined or has nothing to watch', async () => {
    const named = { SALLYPORT_GATEKEEPER_GROUPS: 'rg-machines' };

    expect((await deploy(named)).calls[1]).toContain('az stack sub create --name sallyport-watchdog-contoso');
    for (const without of [{}, { ...named, SALLYPORT_WATCHDOG: 'false' }]) {
      const { calls, lines } = await deploy(without);
      expect(calls).toHaveLength(1);
      expect(lines[2]).toMatch(/^Watchdog: (declined|nothing to watch)/);
    }
  });

  it('come with a subscription to events only where a source was chosen', async () => {
    const { calls } = await deploy({ SALLYPORT_EVENT_TOPICS: '/subscriptions/s' });

    expect(calls[1]).toContain('az deployment group create --name sallyport-network-events');
  });
});

async function arrangeRules(rules: ReturnType<typeof foreignRule>[]) {
  const nsg = {
    id: ids.nsg('last'),
    location: 'westeurope',
    properties: { securityRules: rules },
  };
  const { arm, connectAll } = await simulateArm({
    state: { ...world, resources: [...world.resources, nsg] },
  });
  onTestFinished(() => arm.close());
  return { arm, inventory: connectAll().inventory };
}

describe('Azure Resource Manager', () => {
  const at = (address: unknown) => resourceManagerAt(() => Promise.resolve(JSON.stringify(address)));

  it('is that of the cloud that the Azure CLI is signed in to', async () => {
    expect(await at('https://management.usgovcloudapi.net/')).toBe('https://management.usgovcloudapi.net');
  });

  it.each([null, '', 'http://management.azure.com/'])('is never at %j', async (address) => {
    await expect(at(address)).rejects.toThrow();
  });
});

describe('the end of an installation', () => {
  async function ask(installation: string, rules: ReturnType<typeof foreignRule>[], fault?: SimulatedFault) {
    const { arm, inventory } = await arrangeRules(rules);
    if (fault !== undefined)
      arm.faults.add({
        match: { path: `^/subscriptions/${subscriptionId}/.*networkSecurityGroups$` },
        fault,
      });
    const lines: string[] = [];
    return { may: await mayGo(inventory, installation, subscriptionId, (line) => lines.push(line)), lines };
  }

  it('is no yes where the subscription of the app may not be looked at', async () => {
    await expect(ask('fabrikam', [], { kind: 'forbidden' })).rejects.toThrow(
      `The network security groups of subscription ${subscriptionId} could not be listed`,
    );
  });

  it('is refused while a rule of it stands, which is named, with how to close it', async () => {
    const { may, lines } = await ask('fabrikam', [
      foreignRule('sallyport-fabrikam-x', 100, { access: 'Allow' }),
    ]);

    expect(may).toBe(false);
    expect(lines.join('\n')).toContain('100 allow sallyport-fabrikam-x');
    expect(lines.join('\n')).toContain('npm run jit -- revoke');
  });

  it('is let happen when only rules of others stand', async () => {
    const { may, lines } = await ask('fabrikam', [
      foreignRule('sallyport-other-x', 100, { access: 'Allow' }),
    ]);

    expect(may).toBe(true);
    expect(lines.slice(-2)).toEqual([
      '  az stack sub delete --name sallyport-network-rights-fabrikam --action-on-unmanage deleteResources',
      '  az stack sub delete --name sallyport-watchdog-fabrikam --action-on-unmanage deleteAll',
    ]);
  });
});

describe('the right to write a group', () => {
  const rule = foreignRule('sallyport-fabrikam-x', 100, { access: 'Allow' });

  async function ask(groups: string) {
    const { inventory } = await arrangeRules([rule]);
    const lines: string[] = [];
    const given = { installationId: 'fabrikam', subscriptionId, groups };
    return { may: await mayTakeRights(inventory, given, (line) => lines.push(line)), lines };
  }

  it.each(['', 'rg-other'])('is not taken away by naming "%s" while a rule stands in it', async (groups) => {
    const { may, lines } = await ask(groups);

    expect(may).toBe(false);
    expect(lines.join('\n')).toContain('100 allow sallyport-fabrikam-x');
    expect(lines.join('\n')).toContain('No right was changed.');
  });

  it('is given anew, in whatever case and order the groups are named', async () => {
    expect(await ask('rg-other, Contoso')).toEqual({ may: true, lines: [] });
  });
});
