import { beforeEach, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/core/policy.ts';
import { foreignRule, nsgOfOthers, withRule } from '../support/foreignRule.ts';
import {
  alice,
  grantWorld,
  networkId,
  nicNsg,
  subnetNsg,
  vmId,
  type GrantWorld,
} from '../support/grantWorld.ts';
import { adminRule } from '../support/memoryAdminRules.ts';
import { policyFor } from '../support/policyFor.ts';

const correlationId = '5a11f0a7-0000-4000-8000-000000000001';
const allow = (name: string, priority: number, source: string, ports: string) =>
  foreignRule(name, priority, {
    access: 'Allow',
    sourceAddressPrefix: source,
    destinationPortRange: ports,
    protocol: 'Tcp',
  });
const denyAll = foreignRule('deny-all', 4096);

describe('recommendations', () => {
  let world: GrantWorld;
  beforeEach(async () => {
    world = await grantWorld();
    world.network.addNsg(subnetNsg, withRule(nsgOfOthers(denyAll), allow('everything', 400, '*', '*')));
    world.network.addNsg(
      nicNsg,
      withRule(nsgOfOthers(denyAll), allow('not-rdp-by-its-name', 400, '203.0.113.0/24', '3000-4000')),
    );
    world.inventory.describe(vmId, { osType: 'Linux', location: 'westeurope' });
  });

  const find = () => world.startProcess().recommend(alice, { correlationId });

  it('name the machine, the port, the widest source and the rules of the path that let it in', async () => {
    const { recommendations, unchecked } = await find();
    expect(unchecked).toEqual([]);
    expect(recommendations).toMatchObject([
      {
        machine: { id: vmId },
        exposed: [
          {
            number: 3389,
            address: '10.1.0.4/32',
            sources: ['203.0.113.0/24'],
            rules: [
              { networkSecurityGroup: subnetNsg, rule: 'everything' },
              { networkSecurityGroup: nicNsg, rule: 'not-rdp-by-its-name' },
            ],
          },
        ],
        ports: [22, 3389],
      },
    ]);
  });

  it('say that everybody is everybody, and the internet the internet', async () => {
    world.network.addNsg(nicNsg, withRule(nsgOfOthers(denyAll), allow('open', 400, '*', '3389')));
    expect((await find()).recommendations[0]?.exposed[0]?.sources).toEqual(['*']);
    world.network.addNsg(nicNsg, withRule(nsgOfOthers(denyAll), allow('open', 400, 'Internet', '3389')));
    expect((await find()).recommendations[0]?.exposed[0]?.sources).toEqual(['Internet']);
  });

  it('are none where one NSG of the path lets nobody in', async () => {
    world.network.addNsg(subnetNsg, nsgOfOthers(denyAll));
    expect((await find()).recommendations).toEqual([]);
  });

  it('are none where a rule before the one that lets everybody in keeps the internet out', async () => {
    const open = withRule(nsgOfOthers(denyAll), allow('open', 400, '*', '3389'));
    const shut = foreignRule('shut', 300, { sourceAddressPrefix: 'Internet', destinationPortRange: '3389' });
    world.network.addNsg(nicNsg, withRule(open, shut));
    expect((await find()).recommendations).toEqual([]);
  });

  it('are none for what a policy allows, and go on for what is wider', async () => {
    const put = async (prefix: string) => {
      const port = {
        number: 3389,
        protocol: 'Tcp' as const,
        allowedSourceAddressPrefixes: [prefix],
        maxRequestAccessDuration: 'PT3H',
      };
      const policy: Policy = policyFor(`rdp-${prefix.replace('/', '-')}`, vmId, [port]);
      await world.stores.policies.insert(policy);
    };
    await put('203.0.113.0/24');
    expect((await find()).recommendations).toEqual([]);
    // The strictest of both.
    await put('203.0.113.0/25');
    expect((await find()).recommendations[0]?.exposed[0]?.sources).toEqual(['203.0.113.128/25']);
  });

  it('show nothing of a machine that the caller may not read', async () => {
    const denied = { kind: 'denied' as const, missing: ['read'], message: 'You may not read it.' };
    const process = world.startProcess(undefined, {
      after: (effect) => (effect === 'authorization.check' ? { instead: denied } : undefined),
    });
    expect(await process.recommend(alice, { correlationId })).toMatchObject({
      recommendations: [],
      unchecked: [],
    });
  });

  it('say of which machine too little is known, and nothing else', async () => {
    world.inventory.fail('networkInterfaces');
    expect(await find()).toMatchObject({ recommendations: [], unchecked: [vmId] });
  });

  describe('with security admin rules of the network', () => {
    const deploy = (...rules: ReturnType<typeof adminRule>[]) => {
      world.adminRules.set(networkId, { kind: 'read', rules });
    };
    const foundRules = async () => (await find()).recommendations.map(({ adminRules }) => adminRules);
    const from = (addressPrefix: string) => ({
      sources: [{ addressPrefix, addressPrefixType: 'IPPrefix' }],
    });

    it('say that nothing there is in the way, where nothing is', async () => {
      expect(await find()).toMatchObject({
        securityAdminRules: 'checked',
        recommendations: [{ adminRules: { state: 'left-to-nsgs', rules: [] } }],
      });
    });

    it('say which Deny protects what the NSGs let in', async () => {
      const deny = adminRule('deny-rdp', 'Deny', { destinationPortRanges: ['3389'] });
      deploy(deny);
      const named = { id: deny.id, name: 'deny-rdp', access: 'Deny', isCertain: true };
      expect(await foundRules()).toEqual([
        { state: 'protected', rules: [{ ...named, ports: [3389], sources: ['*'] }] },
      ]);
    });

    it('do not call protected what a Deny keeps out in part, or only perhaps', async () => {
      deploy(adminRule('deny-part', 'Deny', from('203.0.113.0/24')));
      expect(await foundRules()).toMatchObject([{ state: 'left-to-nsgs', rules: [{ isCertain: true }] }]);
      const ofTag = { sources: [{ addressPrefix: 'Internet', addressPrefixType: 'ServiceTag' }] };
      deploy(adminRule('deny-internet', 'Deny', ofTag));
      expect(await foundRules()).toMatchObject([
        { state: 'left-to-nsgs', rules: [{ isCertain: false, sources: ['Internet'] }] },
      ]);
    });

    it('name a machine that every NSG protects where an AlwaysAllow comes before them', async () => {
      world.network.addNsg(subnetNsg, nsgOfOthers(denyAll));
      expect((await find()).recommendations).toEqual([]);
      deploy(
        adminRule('always-ssh', 'AlwaysAllow', { destinationPortRanges: ['22'], ...from('198.51.100.0/24') }),
      );
      expect((await find()).recommendations).toMatchObject([
        {
          machine: { id: vmId },
          exposed: [],
          adminRules: {
            state: 'not-protected',
            rules: [{ name: 'always-ssh', ports: [22], sources: ['198.51.100.0/24'] }],
          },
          ports: [22],
        },
      ]);
    });

    it('say that they were not checked where they could not be read, and find the rest all the same', async () => {
      world.adminRules.set(networkId, { kind: 'not-checked', cause: 'not-permitted', message: 'No right.' });
      expect(await find()).toMatchObject({
        securityAdminRules: 'not-checked',
        recommendations: [
          { exposed: [{ number: 3389 }], adminRules: { state: 'not-checked', message: 'No right.' } },
        ],
      });
    });

    it('ask for none while writes that open are held back: what is left is kept for closing', async () => {
      world.budget.set({ opens: 'later', retryAfterSeconds: 5 });
      expect((await find()).securityAdminRules).toBe('not-checked');
      expect(world.adminRules.asked).toEqual([]);
    });
  });
});
