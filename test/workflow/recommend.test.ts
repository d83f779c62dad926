import { beforeEach, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/core/policy.ts';
import { foreignRule, nsgOfOthers, withRule } from '../support/foreignRule.ts';
import { alice, grantWorld, nicNsg, subnetNsg, vmId, type GrantWorld } from '../support/grantWorld.ts';
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
    expect(await process.recommend(alice, { correlationId })).toEqual({ recommendations: [], unchecked: [] });
  });

  it('say of which machine too little is known, and nothing else', async () => {
    world.inventory.fail('networkInterfaces');
    expect(await find()).toEqual({ recommendations: [], unchecked: [vmId] });
  });
});
