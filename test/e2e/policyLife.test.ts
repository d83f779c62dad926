import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { ask, putPolicy, recordsWith, statusOf } from './callers.ts';
import { adminRule } from '../support/memoryAdminRules.ts';
import { expectSame, patience, startCloud, type Cloud, type Rule, type Shown } from './cloud.ts';

const { web, db1 } = virtualMachines;
const groupOf = (id: string) => id.replace(/\/providers\/.*/, '');

interface ShownPolicy {
  provisioning: { state: string; reasons: unknown[] };
  left: { virtualMachineId: string }[];
}

interface Recommended {
  virtualMachine: { id: string };
  exposedPorts: { number: number; rules: { rule: string }[] }[];
  jitNetworkAccessPolicy: { path: string; body: unknown };
}

describe('policies that follow machines, over real sockets', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud({
      hostOptions: {
        settings: { SALLYPORT_SWEEP_SCHEDULE: '*/2 * * * * *', SALLYPORT_LIVE_GRANTS_PER_NSG: '1' },
      },
    });
    await deployAdminRule(cloud);
  });
  afterAll(() => cloud.close());

  const policy = async (name: string) => {
    const { body } = await cloud.call('erin', 'GET', `/api/policies/${name}`);
    return body as unknown as ShownPolicy;
  };
  const applied = (name: string) =>
    vi.waitFor(async () => {
      expect((await policy(name)).provisioning).toEqual({ state: 'succeeded', reasons: [] });
    }, patience);
  const recommended = async (vm: string) => {
    const { status, body } = await cloud.call('erin', 'GET', '/api/recommendations');
    expect(status).toBe(200);
    return (body['value'] as Recommended[]).find(({ virtualMachine }) => isSame(virtualMachine.id, vm));
  };

  it('a machine that loses its tag keeps its baseline until an administrator lets it go', async () => {
    const before = await cloud.nsg('nsg-web');
    await tag(cloud, web, { owner: 'contoso', shut: 'yes' });
    const put = await cloud.call('erin', 'PUT', '/api/policies/tagged', {
      entries: [
        {
          selector: { scopes: [groupOf(web)], tags: { shut: 'yes' } },
          ports: [
            {
              ...{ number: 3389, protocol: 'Tcp', maxRequestAccessDuration: 'PT1H' },
              allowedSourceAddressPrefixes: ['203.0.113.0/24'],
            },
          ],
        },
      ],
      baseline: { kind: 'internet' },
    });
    expect(put.status, JSON.stringify(put.body)).toBe(200);
    await applied('tagged');
    const shut = await cloud.owned('nsg-web');
    expect(shut.map(({ properties }) => properties)).toContainEqual(
      expect.objectContaining({
        ...{ access: 'Deny', destinationPortRange: '3389', sourceAddressPrefix: 'Internet' },
      }),
    );

    await tag(cloud, web, { owner: 'contoso' });
    await vi.waitFor(async () => {
      const { left } = await policy('tagged');
      expect(left.map(({ virtualMachineId }) => isSame(virtualMachineId, web))).toEqual([true]);
    }, patience);
    expectSame(await cloud.owned('nsg-web'), shut);

    const release = (person: 'bob' | 'erin') =>
      cloud.call(person, 'POST', '/api/policies/tagged/release', { virtualMachineIds: [web] });
    expect((await release('bob')).status).toBe(403);
    expectSame(await cloud.owned('nsg-web'), shut);
    expect((await release('erin')).status).toBe(200);
    await vi.waitFor(async () => expect(await cloud.owned('nsg-web')).toEqual([]), patience);
    expectSame(await cloud.nsg('nsg-web'), before);
    await vi.waitFor(async () => expect(await policy('tagged')).toMatchObject({ left: [] }), patience);
    expect((await cloud.call('erin', 'DELETE', '/api/policies/tagged')).status).toBe(200);
  });

  it('a port that is open to everybody is found, and shut by the policy that is recommended', async () => {
    const before = await cloud.nsg('nsg-web');
    expect(await recommended(web)).toBeUndefined();
    await cloud.edit('nsg-web', (rules) => [...rules, { name: 'SshForNow', properties: sshFromAnywhere }]);

    const found = await recommended(web);
    const openTo = found?.exposedPorts.map(({ number, rules }) => [number, rules[0]?.rule]);
    // Its IPv4 address, and its IPv6 address.
    expect(openTo).toEqual([
      [22, 'SshForNow'],
      [22, 'SshForNow'],
    ]);
    const { path = '', body } = found?.jitNetworkAccessPolicy ?? {};
    expect((await cloud.call('erin', 'PUT', path, body)).status).toBe(200);
    await vi.waitFor(async () => {
      const { body: shown } = await cloud.call('erin', 'GET', path);
      expect((shown['properties'] as { provisioningState: string }).provisioningState).toBe('Succeeded');
    }, patience);
    const ssh = (await cloud.owned('nsg-web')).filter(
      ({ properties }) => properties['destinationPortRange'] === '22',
    );
    expect(ssh.map(({ properties }) => properties['access'])).toEqual(ssh.map(() => 'Deny'));
    expect(ssh.length).toBeGreaterThan(0);
    expect(await recommended(web)).toBeUndefined();

    expect((await cloud.call('erin', 'DELETE', path)).status).toBe(200);
    await vi.waitFor(async () => expect(await cloud.owned('nsg-web')).toEqual([]), patience);
    await cloud.edit('nsg-web', (rules) => rules.filter(({ name }) => name !== 'SshForNow'));
    expectSame(await cloud.nsg('nsg-web'), before);
  });

  it('the end of a grant switches flushConnection on where its policy wants flows cut, and puts it back', async () => {
    const before = await cloud.nsg('nsg-web');
    expect(before.properties).not.toHaveProperty('flushConnection');
    await putPolicy(cloud, 'cut', {
      ...{ vm: web, number: 22, conditions: { flushConnection: true }, baseline: { kind: 'none' } },
    });
    const asked = await ask(cloud, 'alice', { vm: web, port: 22 });
    const { id } = asked.body as unknown as Shown;
    await cloud.until(id, 'active');
    expect((await cloud.nsg('nsg-web')).properties).not.toHaveProperty('flushConnection');

    await cloud.revoke(id);
    await cloud.until(id, 'closed');
    // Two writes: one that takes the rule away and switches it on, and one that puts it back.
    const records = await recordsWith(cloud, web, id, 'request.closed');
    expect(JSON.stringify(records.at(-1))).toContain('flows-cut');
    await vi.waitFor(async () => expectSame(await cloud.nsg('nsg-web'), before), patience);
    const { body } = await cloud.call('dave', 'GET', '/api/audit');
    const events = (body['value'] as { event: string }[]).map(({ event }) => event);
    expect(events).toEqual(
      expect.arrayContaining(['nsg.flush-connection-set', 'nsg.flush-connection-put-back']),
    );
    expect((await cloud.call('erin', 'DELETE', '/api/policies/cut')).status).toBe(200);
  });

  it('what Virtual Network Manager denies is refused by the name of its rule', async () => {
    const content = { vm: web, number: 5985, baseline: { kind: 'none' } };
    await putPolicy(cloud, 'winrm', content);
    const answer = await ask(cloud, 'alice', { vm: web, port: 5985 });

    expect(statusOf(answer)).toEqual([403, 'blocked-by-security-admin-rule']);
    expect(JSON.stringify(answer.body)).toContain('deny-winrm');
    expect((await cloud.call('erin', 'DELETE', '/api/policies/winrm')).status).toBe(200);
  });

  it('an NSG holds no more grants at a time than the setting says', async () => {
    const first = await ask(cloud, 'alice', { vm: db1, port: 22 });
    const { id } = first.body as unknown as Shown;
    await cloud.until(id, 'active');
    expect(statusOf(await ask(cloud, 'bob', { vm: db1, port: 3389 }))).toEqual([403, 'too-many-grants']);
    await cloud.revoke(id);
    await cloud.until(id, 'closed');
    expect(await cloud.owned('nsg-data')).toEqual([]);
  });
});

const sshFromAnywhere: Rule['properties'] = {
  ...{ protocol: 'Tcp', sourcePortRange: '*', destinationPortRange: '22', sourceAddressPrefix: '*' },
  ...{ destinationAddressPrefix: '*', access: 'Allow', priority: 400, direction: 'Inbound' },
};

/** Virtual Network Manager lets nobody reach WinRM in the network of the sample, whatever its NSGs say. */
async function deployAdminRule({ environment: { arm } }: Cloud): Promise<void> {
  const state = (await arm.state()) as { resources: { id: string }[] };
  const network = state.resources.find(({ id }) => /\/virtualNetworks\/vnet-contoso$/i.test(id));
  const { id, kind, properties } = adminRule('deny-winrm', 'Deny', { destinationPortRanges: ['5985'] });
  const securityAdminRules = [{ virtualNetworkId: network?.id ?? '', rules: [{ id, kind, properties }] }];
  expect((await arm.ask('PUT', '/_sim/state', { ...state, securityAdminRules })).status).toBe(204);
}

/** Gives a machine these tags and no others, as somebody in the portal does. */
async function tag(cloud: Cloud, vm: string, tags: Record<string, string>): Promise<void> {
  const { arm } = cloud.environment;
  const state = (await arm.state()) as { resources: { id: string; tags?: Record<string, string> }[] };
  const machine = state.resources.find(({ id }) => isSame(id, vm));
  if (machine === undefined) throw new Error(`There is no ${vm} in the sample.`);
  machine.tags = tags;
  expect((await arm.ask('PUT', '/_sim/state', state)).status).toBe(204);
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
