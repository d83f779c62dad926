import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/core/policy.ts';
import { policyFor } from '../support/policyFor.ts';
import { grantWorld, nicNsg, subnetNsg, vmId, type GrantWorld } from '../support/grantWorld.ts';

const scope = vmId.slice(0, vmId.indexOf('/providers/'));
const port = {
  number: 22,
  protocol: 'Tcp' as const,
  allowedSourceAddressPrefixes: ['203.0.113.0/24'],
  maxRequestAccessDuration: 'PT2H',
};

/** A policy that selects by a tag. */
function tagged(changes: Partial<Policy> = {}): Policy {
  return policyFor('by-tag', vmId, [], {
    entries: [{ selector: { scopes: [scope], tags: { tier: 'gold' } }, ports: [port] }],
    ...changes,
  });
}

async function worldOf(tags: Record<string, string> | 'refused', policies: Policy[]): Promise<GrantWorld> {
  const world = await grantWorld();
  const found = await world.stores.policies.get('ssh');
  if (found === undefined) throw new Error('There is no policy.');
  await world.stores.policies.replace({ ...found.row, isDeleted: true }, found.etag);
  for (const policy of policies) await world.stores.policies.insert(policy);
  world.network.addVirtualMachine(
    tags === 'refused'
      ? {
          virtualMachineId: vmId,
          refused: 'no-network-security-group',
          message: 'None.',
          tags: { tier: 'gold' },
        }
      : {
          virtualMachineId: vmId,
          networkInterfaceId: `${vmId}-nic`,
          addresses: [{ family: 'IPv4', address: '10.1.0.4' }],
          nsgIds: [subnetNsg, nicNsg],
          tags,
        },
  );
  return world;
}

async function codesOf(world: GrantWorld): Promise<string | string[]> {
  const result = await world.clock.run(world.startProcess().submit());
  return result.kind === 'denied' ? result.decision.reasons.map(({ code }) => code) : result.kind;
}

function resolved(world: GrantWorld): number {
  return world.network.calls.filter(({ method }) => method === 'resolve').length;
}

describe('a policy that selects by tags', () => {
  it('decides for a machine that carries them, and the machine is read once', async () => {
    const world = await worldOf({ TIER: 'gold' }, [tagged()]);

    expect(await codesOf(world)).toBe('accepted');
    expect(resolved(world)).toBe(1);
  });

  it('says nothing of a machine that does not carry them', async () => {
    expect(await codesOf(await worldOf({ tier: 'Gold' }, [tagged()]))).toEqual(['no-policy']);
  });

  it('makes another policy stricter that names the machine', async () => {
    const wide = policyFor('by-name', vmId, [port]);
    const strict = tagged({ conditions: { justificationPattern: 'INC[0-9]+' } });

    expect(await codesOf(await worldOf({}, [wide, strict]))).toBe('accepted');
    expect(await codesOf(await worldOf({ tier: 'gold' }, [wide, strict]))).toEqual([
      'justification-not-accepted',
    ]);
  });

  it('lets whoever it is for know why the machine is refused', async () => {
    expect(await codesOf(await worldOf('refused', [tagged()]))).toEqual(['no-network-security-group']);
  });

  it('leaves a denied request unread where it cannot apply', async () => {
    const elsewhere = tagged({
      entries: [{ selector: { scopes: [`${scope}-2`], tags: { tier: 'gold' } }, ports: [port] }],
    });
    const strict = policyFor('by-name', vmId, [port], { conditions: { justificationPattern: 'INC[0-9]+' } });
    const world = await worldOf({}, [elsewhere, strict]);

    expect(await codesOf(world)).toEqual(['justification-not-accepted']);
    expect(resolved(world)).toBe(0);
  });

  it('decides nothing while Azure does not say', async () => {
    const world = await worldOf({ tier: 'gold' }, [tagged()]);
    world.network.fail('resolve', { kind: 'unknown' });

    expect(await codesOf(world)).toBe('unavailable');
  });
});

describe('a policy row that cannot be read', () => {
  it('lets nobody in: it could be the strictest', async () => {
    const world = await grantWorld();
    world.stores.policies.list = () => Promise.reject(new Error('policy other cannot be read'));

    await expect(world.clock.run(world.startProcess().submit())).rejects.toThrow('cannot be read');
  });
});
