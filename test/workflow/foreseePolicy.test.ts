import { beforeEach, describe, expect, it } from 'vitest';
import { baselineRowsAfter, desiredBaselines } from '../../src/core/desiredBaselines.ts';
import type { Policy } from '../../src/core/policy.ts';
import { createForeseePolicy } from '../../src/workflow/foreseePolicy.ts';
import { listNsgs } from '../../src/workflow/listNsgs.ts';
import { readListing } from '../../src/workflow/readListing.ts';
import { foreignRule, nsgOfOthers, withRule } from '../support/foreignRule.ts';
import {
  grantWorld,
  networkId,
  nicNsg,
  noon,
  subnetNsg,
  vmId,
  type GrantWorld,
} from '../support/grantWorld.ts';
import { contoso } from '../support/liveRow.ts';
import { policyFor } from '../support/policyFor.ts';

const correlationId = '5a11f0a7-0000-4000-8000-000000000001';
const rdp = { number: 3389, protocol: 'Tcp' as const };
const port = {
  ...rdp,
  allowedSourceAddressPrefixes: ['203.0.113.0/24'],
  maxRequestAccessDuration: 'PT3H',
};

function policy(changes: Partial<Policy> = {}): Policy {
  return policyFor('rdp', vmId, [port], { baseline: { kind: 'internet' }, ...changes });
}

describe('what a change of a policy would do', () => {
  let world: GrantWorld;
  beforeEach(async () => {
    world = await grantWorld();
    world.network.addNsg(
      nicNsg,
      withRule(
        nsgOfOthers(foreignRule('AllowRdp', 400, { destinationPortRange: '3389', access: 'Allow' })),
        foreignRule('AllowAdmins', 120, {
          destinationPortRange: '3389',
          access: 'Allow',
          sourceAddressPrefix: '198.51.100.0/24',
        }),
      ),
    );
  });

  async function foresee(after: Policy) {
    const { clock, inventory, stores } = world;
    const dependencies = { ...stores, inventory, clock, installation: contoso, log: silent };
    const effects = await clock.run(createForeseePolicy(dependencies)({ after }, { correlationId }));
    return effects.map(
      ({ networkSecurityGroup = '', message }) =>
        `${networkSecurityGroup.split('/').at(-1) ?? ''}: ${message}`,
    );
  }
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

  /** The rows that this policy has. */
  async function apply(of: Policy) {
    const { inventory, clock, stores } = world;
    await stores.policies.insert(of);
    const subscriptionIds = ['11111111-2222-3333-4444-555555555555'];
    const call = { correlationId, known: [], all: false, subscriptionIds };
    const nsgs = await listNsgs({ inventory, clock, log: silent }, call);
    const listing = await readListing({ inventory, log: silent }, subscriptionIds, nsgs, correlationId);
    const { changes } = desiredBaselines({ policies: [of], listing, rows: [], now: noon });
    for (const row of baselineRowsAfter([], changes, noon)) await stores.live.insertBaseline(row);
  }

  it('is told by the rules that come, and by who can reach what no longer and through which rule', async () => {
    const effects = await foresee(policy());
    expect(effects).toContainEqual(
      expect.stringMatching(
        /^nsg-nic: Adds the rule sallyport-contoso-deny-\w{16}-1 \(priority 250\): denies internet to 10\.1\.0\.4\/32, tcp 3389\.$/,
      ),
    );
    expect(effects).toContainEqual(
      expect.stringMatching(/^nsg-nic: .* can no longer reach 10\.1\.0\.4 on Tcp 3389 \(rule AllowRdp\)/),
    );
    expect(effects.some((effect) => effect.startsWith('nsg-subnet: Adds the rule'))).toBe(true);
  });

  it('is told where established flows are to be cut: of everybody behind the same network security groups', async () => {
    const flushing = policy({ conditions: { flushConnection: true } });
    const [first, ...others] = await foresee(flushing);

    expect(first).toContain('evaluates the established flows of everybody behind it anew');
    expect(await foresee(policy())).toEqual(others);
    expect((await foresee({ ...flushing, isDeleted: true })).join()).not.toContain('flushConnection');
  });

  it('names the foreign rule that lets in before the baseline, and what to do', async () => {
    const told = (await foresee(policy())).filter((effect) => effect.includes('"AllowAdmins"'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('behind priority 299');
  });

  it('is told by the rules that go, where the policy is deleted', async () => {
    await apply(policy());
    const effects = await foresee(policy({ version: 2, isDeleted: true }));
    expect(effects.filter((effect) => effect.includes('Removes the rule'))).toHaveLength(2);
    expect(effects).toContainEqual(
      expect.stringMatching(/^nsg-nic: .* can now reach 10\.1\.0\.4 on Tcp 3389/),
    );
  });

  it('is nothing where everything is so already', async () => {
    await apply(policy());
    expect(await foresee(policy())).toEqual([]);
  });

  it('writes nothing', async () => {
    await foresee(policy());
    expect(await world.stores.live.everyBaseline()).toEqual([]);
    expect(world.network.calls.filter(({ method }) => method !== 'read')).toEqual([]);
  });

  it('warns of the probe of a load balancer and of Bastion, where everybody is kept out', async () => {
    const network =
      '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Contoso-RG/providers/Microsoft.Network/virtualNetworks/contoso';
    world.inventory.addVirtualNetwork({
      id: network,
      subnets: [
        { id: `${network}/subnets/web`, name: 'web', prefixes: ['10.1.0.0/24'] },
        {
          id: `${network}/subnets/AzureBastionSubnet`,
          name: 'AzureBastionSubnet',
          prefixes: ['10.1.9.0/26'],
        },
      ],
    });
    world.inventory.addInterface({
      id: `${network}-nic-2`,
      virtualMachineId: vmId,
      nsgId: subnetNsg,
      addresses: [{ address: '10.1.0.9', isBalanced: true }],
    });
    const everybody = (except: string[]) => policy({ baseline: { kind: 'everybody', except } });
    const warned = async (of: Policy) => (await foresee(of)).filter((effect) => effect.startsWith(': '));
    expect(await warned(everybody([]))).toEqual([
      expect.stringContaining('10.1.9.0/26'),
      expect.stringContaining('168.63.129.16/32'),
    ]);
    expect(await warned(everybody(['10.1.9.0/24', '168.63.129.16/32']))).toEqual([]);
    expect(await warned(policy())).toEqual([]);
  });

  it('says of a network that no list shows that its Bastion is not checked', async () => {
    const subnet =
      '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Hub-RG/providers/Microsoft.Network/virtualNetworks/hub/subnets/web';
    world.inventory.addVirtualNetwork({ id: networkId, subnets: [] });
    world.inventory.addInterface({
      id: `${subnet}-nic`,
      virtualMachineId: vmId,
      nsgId: subnetNsg,
      addresses: [{ address: '10.1.0.9', subnetId: subnet }],
    });
    const effects = await foresee(policy({ baseline: { kind: 'everybody', except: [] } }));
    expect(effects.filter((effect) => effect.includes('is not checked'))).toEqual([
      expect.stringContaining('/virtualNetworks/hub'),
    ]);
  });

  it('says so where it cannot be told', async () => {
    const { clock, inventory, stores } = world;
    const broken = { ...stores.policies, all: () => Promise.reject(new Error('down')) };
    const logged: string[] = [];
    const log = { ...silent, error: (message: string) => void logged.push(message) };
    const dependencies = { ...stores, policies: broken, inventory, clock, installation: contoso, log };
    const effects = await createForeseePolicy(dependencies)({ after: policy() }, { correlationId });
    expect(effects).toEqual([{ message: expect.stringContaining('cannot be told') as string }]);
    expect(logged).toEqual(['policy-not-foreseen']);
  });
});
