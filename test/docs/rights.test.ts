import { UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Arm } from '../../src/adapters/arm/arm.ts';
import {
  ids,
  intercepting,
  leapingClock,
  simulateArm,
  subscriptionId,
  world,
  type SimulatedArm,
} from '../adapters/arm/simulatedArm.ts';
import { filesBelow, read, tableBelow } from './pages.ts';

const roleFile = z.looseObject({ title: z.string(), actions: z.array(z.string()) });
const partOf = (name: string) => roleFile.parse(JSON.parse(read(`infra/roles/${name}.json`))).actions;
const reader = partOf('network-reader');
const gatekeeper = partOf('network-gatekeeper');
const both = [...reader, ...gatekeeper];
const join = 'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action';

const alice = '00000000-0000-4000-8000-0000000a11ce';
const app = '00000000-0000-4000-8000-000000a99001';
const guid = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
const [readerRole, gatekeeperRole, ofAlice, ofGroup] = [guid(1), guid(2), guid(3), guid(4)];

const subscription = `/subscriptions/${subscriptionId}`;
const group = `${subscription}/resourceGroups/contoso`;
const network = (type: string, name: string) => `${group}/providers/Microsoft.Network/${type}/${name}`;
const asg = network('applicationSecurityGroups', 'farm');
const balancer = network('loadBalancers', 'front');
const networkId = ids.subnet('a', 'x').replace(/\/subnets\/.*/, '');

const ruleProperties = {
  ...{ protocol: 'Tcp', sourcePortRange: '*', destinationPortRange: '9' },
  ...{ destinationAddressPrefix: '192.0.2.0/32', access: 'Deny', direction: 'Inbound' },
};
const ownRule = {
  name: 'sallyport-contoso-00000000000000000000000000000001-1',
  properties: { ...ruleProperties, sourceAddressPrefix: '192.0.2.0/32', priority: 100 },
};
/** Of somebody else, in the group that Sallyport writes as a whole. */
const foreignRule = {
  name: 'FromTheFarm',
  properties: { ...ruleProperties, sourceApplicationSecurityGroups: [{ id: asg }], priority: 200 },
};
const machine = {
  id: ids.vm('balanced-1'),
  location: 'westeurope',
  properties: { vmId: 'balanced-1', networkProfile: { networkInterfaces: [{ id: ids.nic('balanced-1') }] } },
};
const nic = {
  id: ids.nic('balanced-1'),
  location: 'westeurope',
  properties: {
    ipConfigurations: [
      {
        name: 'only',
        properties: {
          ...{ privateIPAddress: '10.1.9.6', privateIPAddressVersion: 'IPv4' },
          subnet: { id: ids.subnet('a', 'twins') },
          loadBalancerBackendAddressPools: [{ id: `${balancer}/backendAddressPools/machines` }],
        },
      },
    ],
  },
};
const withRule = (resource: (typeof world.resources)[number]) =>
  resource.id === ids.nsg('shared')
    ? { ...resource, properties: { ...resource.properties, securityRules: [foreignRule] } }
    : resource;

const resources = [
  ...world.resources.map(withRule),
  ...[asg, balancer].map((id) => ({ id, location: 'westeurope', properties: {} })),
  ...[machine, nic],
];

/** Azure, in which the app has these two parts, the second on the group, and alice a role of her own. */
function azureWith(readerActions: string[], gatekeeperActions: string[], readerScope: string): unknown {
  const definition = (name: string, roleName: string, actions: string[]) => ({
    ...{ name, roleName, permissions: [{ actions }] },
  });
  const assignment = (role: string, scope: string, principalId: string, principalType: string) => ({
    ...{ name: role, role, scope, principalId, principalType },
  });
  return {
    ...world,
    resources,
    permissions: [],
    roleDefinitions: [
      definition(readerRole, 'reader', readerActions),
      definition(gatekeeperRole, 'gatekeeper', gatekeeperActions),
      definition(ofAlice, 'Reader', ['*/read']),
    ],
    roleAssignments: [
      assignment(readerRole, readerScope, app, 'ServicePrincipal'),
      assignment(gatekeeperRole, group, app, 'ServicePrincipal'),
      assignment(ofAlice, subscription, alice, 'User'),
    ],
    groups: [{ id: ofGroup, displayName: 'of the test', members: [] }],
    denyAssignments: [],
  };
}

const call = { correlationId: 'c0ffee00-0000-4000-8000-000000000001' };

async function drain(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const page of pages) expect(page).toBeDefined();
}

async function withNsg(
  { network }: Arm,
  write: (nsg: Parameters<Arm['network']['writeNsg']>[0]) => Promise<unknown>,
): Promise<void> {
  const found = await network.readNsg(ids.nsg('shared'), call);
  if (found.kind === 'read') await write(found.nsg);
}

/** Each call of each adapter: the compiler demands one for whatever is added to them. */
const calls: {
  [Port in keyof Omit<Arm, 'budget' | 'unlisted'>]: {
    [Name in keyof Arm[Port]]: (arm: Arm) => Promise<unknown>;
  };
} = {
  authorization: {
    check: ({ authorization }) =>
      authorization.check({ objectId: alice }, ids.vm('balanced-1'), ['Microsoft.Compute/x/read'], call),
    memberships: ({ authorization }) =>
      authorization.memberships({ objectId: alice }, ids.vm('balanced-1'), call),
  },
  network: {
    // Behind a load balancer and a group that serves two networks: what asks for the most.
    resolveVirtualMachine: (arm) => arm.network.resolveVirtualMachine(ids.vm('balanced-1'), call),
    readNsg: (arm) => arm.network.readNsg(ids.nsg('shared'), call),
    writeNsg: (arm) => withNsg(arm, (nsg) => arm.network.writeNsg(nsg, nsg.body, call)),
    writeRule: (arm) => withNsg(arm, (nsg) => arm.network.writeRule(nsg, ownRule, call)),
    deleteRule: (arm) => withNsg(arm, (nsg) => arm.network.deleteRule(nsg, ownRule.name, call)),
  },
  health: { seesSubscriptions: ({ health }) => health.seesSubscriptions(call) },
  rights: { closability: ({ rights }) => rights.closability(ids.nsg('shared'), call) },
  securityAdminRules: {
    ofNetwork: ({ securityAdminRules }) => securityAdminRules.ofNetwork(networkId, call),
  },
  inventory: {
    nsgs: ({ inventory }) => drain(inventory.nsgs(call)),
    networkInterfaces: ({ inventory }) => drain(inventory.networkInterfaces(call)),
    virtualMachines: ({ inventory }) => drain(inventory.virtualMachines(call)),
    virtualNetworks: ({ inventory }) => drain(inventory.virtualNetworks(call)),
    readsLeft: ({ inventory }) => Promise.resolve(inventory.readsLeft(subscriptionId)),
  },
};

interface Sent {
  method: string;
  path: string;
  body: string;
}

/** Makes every call. Gives what was sent, which actions Azure refused, and the answers by the names of the calls. */
async function callEverything(
  simulated: SimulatedArm,
  readerGroups: string[],
): Promise<{ sent: Sent[]; refused: Set<string>; answers: Map<string, unknown> }> {
  const answers = new Map<string, unknown>();
  const sent: Sent[] = [];
  const refused = new Set<string>();
  const arm = simulated.connectAll({
    readerGroups,
    credential: {
      getToken: () =>
        Promise.resolve({
          token: new UnsecuredJWT({ oid: app }).encode(),
          expiresOnTimestamp: Date.now() + 3_600_000,
        }),
    },
    httpClient: intercepting(simulated.httpClient, async ({ method, url, body }, forward) => {
      sent.push({ method, path: new URL(url).pathname, body: typeof body === 'string' ? body : '' });
      const response = await forward();
      if (response.status === 403) refused.add(refusedAction(response.bodyAsText ?? ''));
      return response;
    }),
  });
  for (const port of Object.values(calls)) {
    for (const [name, make] of Object.entries(port) as [string, (arm: Arm) => Promise<unknown>][]) {
      answers.set(name, await make(arm));
    }
  }
  return { sent, refused, answers };
}

/** In ARM's words for either refusal. */
function refusedAction(body: string): string {
  const words = /does not have (?:authorization|permission) to perform action '([^']+)'/.exec(body);
  return words?.[1] ?? body;
}

/** The actions that a call needs, in small letters: by its path, and by what its body links. */
function actionsOf({ method, path, body }: Sent): string[] {
  // Everybody may list the subscriptions that they have a part in.
  if (path === '/subscriptions') return [];
  const [, provider = ''] = /^.*\/providers\/+(.+?)\/*$/.exec(path.toLowerCase()) ?? [];
  const [namespace, ...segments] = provider.split('/');
  const type = [namespace, ...segments.filter((_, index) => index % 2 === 0)].join('/');
  const verb = { GET: 'read', PUT: 'write', DELETE: 'delete', POST: 'action' }[method];
  const linked =
    method === 'PUT' && /ApplicationSecurityGroups":\[\{"id"/.test(body) ? [join.toLowerCase()] : [];
  return [`${type}/${verb ?? method}`, ...linked];
}

/** What a list of actions has too much, and what it lacks for these calls. */
function compare(listed: string[], sent: Sent[]): { unused: string[]; uncovered: string[] } {
  const used = new Set(sent.flatMap(actionsOf));
  const covered = new Set(listed.map((action) => action.toLowerCase()));
  return {
    unused: listed.filter((action) => !used.has(action.toLowerCase())),
    uncovered: [...used].filter((action) => !covered.has(action)),
  };
}

const without = (actions: string[], action: string) => actions.filter((other) => other !== action);

describe('the rights of the app', () => {
  let made: Awaited<ReturnType<typeof callEverything>>;

  async function callWith(
    readerActions: string[],
    gatekeeperActions: string[],
    readerScope = subscription,
    readerGroups: string[] = [],
  ) {
    const simulated = await simulateArm({
      clock: leapingClock(),
      state: azureWith(readerActions, gatekeeperActions, readerScope),
      settings: { rightsFrom: 'role-assignments' },
    });
    try {
      return await callEverything(simulated, readerGroups);
    } finally {
      await simulated.arm.close();
    }
  }

  beforeAll(async () => {
    made = await callWith(reader, gatekeeper);
  });

  it('are exactly those that the calls of its adapters need', () => {
    expect(compare(both, made.sent)).toEqual({ unused: [], uncovered: [] });
  });

  it('suffice, each part where the template gives it', () => {
    expect([...made.refused]).toEqual([]);
  });

  it('suffice where the reading part is given on groups alone, and the app is told which', async () => {
    const { refused, answers, sent } = await callWith(reader, gatekeeper, group, [group]);
    expect([...refused]).toEqual([]);
    expect(answers.get('check')).toEqual({ kind: 'allowed' });
    expect(compare(both, sent)).toEqual({ unused: [], uncovered: [] });
  });

  it('do not suffice on groups alone where the app is not told: what it lists in the subscription is refused', async () => {
    const { refused } = await callWith(reader, gatekeeper, group);
    expect([...refused].sort()).toEqual([
      'Microsoft.Compute/virtualMachines/read',
      'Microsoft.Network/networkInterfaces/read',
      'Microsoft.Network/networkSecurityGroups/read',
      'Microsoft.Network/virtualNetworks/read',
    ]);
  });

  it.each(both)('include %s for a reason, on the subscription and on groups', async (action) => {
    expect(compare(without(both, action), made.sent).uncovered).toEqual([action.toLowerCase()]);
    const less = [without(reader, action), without(gatekeeper, action)] as const;
    expect([...(await callWith(...less)).refused]).toEqual([action]);
    expect([...(await callWith(...less, group, [group])).refused]).toEqual([action]);
  });

  it.each([
    'Microsoft.Network/networkSecurityGroups/delete',
    'Microsoft.Network/networkSecurityGroups/join/action',
    'Microsoft.Network/networkInterfaces/write',
  ])('would not include %s unnoticed', (action) => {
    expect(compare([...both, action], made.sent)).toEqual({ unused: [action], uncovered: [] });
  });

  it('are the two parts of infra/roles for networks; the firewall gatekeeper is the one that no call needs', () => {
    const others = ['tables', 'watchdog', 'network-reader', 'network-gatekeeper'];
    const parts = filesBelow('infra/roles').map((path) => path.replace(/^infra\/roles\/|\.json$/g, ''));
    expect(parts.filter((name) => !others.includes(name))).toEqual(['firewall-gatekeeper']);

    const firewall = partOf('firewall-gatekeeper');
    expect(compare(firewall, made.sent).unused).toEqual(firewall);
  });
});

describe('the table of what the app itself needs', () => {
  const rows = tableBelow(read('docs/permissions.md'), 'What the app itself needs');

  it('explains every action of both parts, and says of which part it is', () => {
    expect(rows.map(([action, part]) => [part, action])).toEqual([
      ...reader.map((action) => ['reader', action]),
      ...gatekeeper.map((action) => ['gatekeeper', action]),
    ]);
  });

  it.each(rows.filter(([action]) => action !== join))(
    'names for %s a call that needs it',
    (action = '', _part, call = '') => {
      const [, method = '', path = ''] = /^(GET|PUT|POST|DELETE) (\S+)/.exec(call) ?? [];

      expect(actionsOf({ method, path, body: '' })).toEqual([action.toLowerCase()]);
    },
  );
});
