import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startArm } from '../../dev/arm/server.ts';
import { createArm } from '../../src/adapters/arm/arm.ts';
import { ids, realClock, stubCredential, trusting, world } from '../adapters/arm/simulatedArm.ts';
import { read, tableBelow } from './pages.ts';

const documented = tableBelow(read('docs/operations.md'), 'In Azure Resource Manager').map(
  ([action = '']) => action,
);
/** The simulator has no load balancers, and asks no right of whoever holds the address of an operation. */
const notSimulated = ['Microsoft.Network/loadBalancers/read', 'Microsoft.Network/locations/operations/read'];

const alice = '00000000-0000-4000-8000-0000000a11ce';
const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const mayRead = {
  roleDefinitions: [{ name: reader, roleName: 'Reader', permissions: [{ actions: ['*/read'] }] }],
  roleAssignments: [{ name: reader, scope: '/', role: reader, principalId: alice, principalType: 'User' }],
};

const rule = {
  name: 'sallyport-contoso-00000000000000000000000000000001-1',
  properties: {
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: '9',
    sourceAddressPrefix: '192.0.2.0/32',
    destinationAddressPrefix: '192.0.2.0/32',
    access: 'Deny',
    priority: 100,
    direction: 'Inbound',
  },
};

/** How the calls of a grant, closed in every way, end for an identity with these rights: `done`, or what was refused. */
async function grantWith(actions: string[]): Promise<string> {
  const permissions = [{ principalId: '*', scope: '/', actions, notActions: [] }];
  const arm = await startArm({ state: { ...world, ...mayRead, permissions } });
  try {
    const call = { correlationId: 'c0ffee00-0000-4000-8000-000000000001' };
    const { network, rights, authorization, securityAdminRules } = createArm({
      endpoint: arm.url,
      credential: stubCredential(),
      networkApiVersion: '2025-05-01',
      clock: realClock,
      httpClient: trusting(readFileSync(arm.certificatePath ?? '', 'utf8')),
    });
    const asked = await authorization.check(
      { objectId: alice },
      ids.vm('single-1'),
      ['Microsoft.Compute/virtualMachines/read'],
      call,
    );
    if (asked.kind !== 'allowed') return 'not-permitted';
    const resolved = await network.resolveVirtualMachine(ids.vm('single-1'), call);
    if ('refused' in resolved) return resolved.refused;
    if ((await rights.closability(ids.nsg('shared'), call)).kind !== 'closable') return 'not-permitted';
    const networkId = (resolved.subnetId ?? '').replace(/\/subnets\/[^/]+$/, '');
    const adminRules = await securityAdminRules.ofNetwork(networkId, call);
    if (adminRules.kind !== 'read') return adminRules.cause;
    const found = await network.readNsg(ids.nsg('shared'), call);
    if (found.kind !== 'read') return found.kind;
    const written = await network.writeNsg(found.nsg, found.nsg.body, call);
    if (written.kind !== 'settled') return written.kind;
    const turned = await network.writeRule(found.nsg, rule, call);
    if (turned.kind !== 'settled') return turned.kind;
    const deleted = await network.deleteRule(found.nsg, rule.name, call);
    return deleted.kind === 'settled' ? 'done' : deleted.kind;
  } finally {
    await arm.close();
  }
}

describe('the rights that the documentation demands', () => {
  it('suffice to resolve a machine whose NSG serves two networks, and to read and write that NSG and a rule of it', async () => {
    expect(await grantWith(documented)).toBe('done');
  });

  it.each(documented.filter((action) => !notSimulated.includes(action)))(
    'include %s for a reason',
    async (action) => {
      expect(await grantWith(documented.filter((other) => other !== action))).toBe('not-permitted');
    },
  );
});
