import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { approver, decide } from '../../support/approvals.ts';
import { idOf, minutes, vmId } from '../../support/grantWorld.ts';
import { createJitWorld } from '../../support/jitWorld.ts';
import type { JitWorld } from '../../support/jitWorld.ts';
import { startTokenIssuer } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';

const group = vmId.replace(/^\//, '').replace(/\/providers.*/, '');
const policy = `${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
const port = {
  number: 22,
  protocol: 'TCP',
  allowedSourceAddressPrefix: '203.0.113.0/24',
  maxRequestAccessDuration: 'PT3H',
};
const approval = { approvers: 1, groups: [] };
const conditions = { approval, justificationPattern: 'INC[0-9]{4}' };
const baseline = { kind: 'everybody', except: ['10.0.1.0/26'] };
/** Nothing is demanded, and the internet is kept out. */
const usual = { conditions: {}, baseline: { kind: 'internet' } };

let issuer: TokenIssuer;
let jit: JitWorld;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  jit = await createJitWorld(issuer);
});

async function put(extension: object = {}, headers: Record<string, string> = {}) {
  const properties = { virtualMachines: [{ id: vmId, ports: [port] }], ...extension };
  return jit.ask('PUT', policy, { properties }, { headers });
}
const stored = async () => (await jit.world.stores.policies.list())[0]?.row;

describe('what Microsoft has no member for, put with a policy', () => {
  it('is stored, shown, and told in the audit as it is for other policies', async () => {
    const answer = await put({ sallyport: { conditions, baseline } });

    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toMatchObject({ properties: { sallyport: { version: 1, conditions, baseline } } });
    expect(await stored()).toMatchObject({ conditions, baseline });
    const id = (await stored())?.id ?? '';
    const partitions: string[] = [];
    for await (const partition of jit.world.stores.audit.partitions()) partitions.push(partition);
    const records = (await Promise.all(partitions.map((each) => jit.world.audit(each)))).flat();
    const record = records.find(({ event }) => event === 'policy.put');
    expect(JSON.stringify(record)).toContain(id);
    expect(record?.details).toMatchObject({
      changes: expect.arrayContaining([
        'New: It takes the approval of 1 other person.',
        'New: The justification must match INC[0-9]{4} as a whole.',
        'New: Its ports are kept shut for everybody but 10.0.1.0/26.',
      ]) as string[],
    });
  });

  it('stays where it is left out, member by member, and goes by null', async () => {
    await put({ sallyport: { conditions, baseline } });

    await put();
    expect(await stored()).toMatchObject({ version: 1, conditions, baseline });
    await put({ sallyport: { baseline: { kind: 'none' } } });
    expect(await stored()).toMatchObject({ conditions, baseline: { kind: 'none' } });
    await put({ sallyport: { conditions: null } });
    expect(await stored()).toMatchObject({ conditions: {}, baseline: { kind: 'none' } });
    await put({ sallyport: null });
    expect(await stored()).toMatchObject(usual);
  });

  it('may come back as an answer showed it, and changes nothing then', async () => {
    await put({ sallyport: { conditions, baseline } });
    const { json } = await jit.ask('GET', policy);

    const again = await jit.ask('PUT', policy, json);

    expect(again.status, again.text).toBe(200);
    expect(await stored()).toMatchObject({ version: 1, conditions, baseline });
  });

  it('is refused by its field in the envelope of ARM, and nothing is stored', async () => {
    const answer = await put({ sallyport: { conditions: { approval: { approvers: 11, groups: [] } } } });

    expect(answer).toMatchObject({
      status: 400,
      json: {
        error: {
          code: 'InvalidRequestContent',
          target: 'properties.sallyport.conditions.approval.approvers',
        },
      },
    });
    expect(await stored()).toBeUndefined();
    expect(jit.started).toEqual([]);
  });

  it('takes the same right as the policy itself', async () => {
    await put({ sallyport: { conditions, baseline } });
    jit.world.authorization.deny({ action: 'Microsoft.Compute/virtualMachines/write' });

    expect((await put({ sallyport: null })).status).toBe(403);
    expect(await stored()).toMatchObject({ version: 1, conditions, baseline });
  });
});

describe('a policy that wants approval, initiated by Microsoft’s API', () => {
  const asked = {
    virtualMachines: [{ id: vmId, ports: [{ number: 22, duration: 'PT1H' }] }],
    justification: 'INC0042',
  };
  const initiate = () => jit.ask('POST', `${policy}/initiate`, asked);
  const requestsOf = async () => {
    const { properties } = (await jit.ask('GET', policy)).json as { properties: { requests: unknown[] } };
    return properties.requests;
  };

  it('is Initiating, says for whom it waits, and opens nothing before they have said yes', async () => {
    await put({ sallyport: { conditions } });

    const answer = await initiate();
    await jit.world.runUntil(minutes(5), jit.process);

    expect(answer).toMatchObject({
      status: 202,
      json: {
        virtualMachines: [{ ports: [{ status: 'Initiating' }] }],
        sallyport: {
          accessRequests: [
            {
              id: idOf(1),
              state: 'pending',
              waitingFor: expect.stringMatching(
                /^Approval by 1 more person, until 2026-11-2\dT.*Z; nothing is open before\./,
              ) as string,
            },
          ],
        },
      },
    });
    expect(jit.world.ownedRules()).toEqual([]);
    expect(await requestsOf()).toMatchObject([{ virtualMachines: [{ ports: [{ status: 'Initiating' }] }] }]);

    await decide(jit.world, jit.process, idOf(1), approver('bob'));
    await jit.world.runUntil(minutes(10), jit.process);

    expect(await requestsOf()).toMatchObject([
      {
        virtualMachines: [{ ports: [{ status: 'Initiated' }] }],
        sallyport: { accessRequests: [{ state: 'active' }] },
      },
    ]);
    expect(jit.world.ownedRules()).toHaveLength(2);
  });

  it.each([
    ['a duration', { duration: 'PT1H' }, 'Its duration runs from the last approval.', minutes(65)],
    [
      'an end',
      { endTimeUtc: '2026-11-23T13:00:00Z' },
      'It ends at 2026-11-23T13:00:00.000Z all the same.',
      minutes(60),
    ],
  ])('with %s says when it would end, and ends then', async (_case, time, words, end) => {
    await put({ sallyport: { conditions } });
    const virtualMachines = [{ id: vmId, ports: [{ number: 22, ...time }] }];

    const answer = await jit.ask('POST', `${policy}/initiate`, { ...asked, virtualMachines });
    await jit.world.runUntil(minutes(5), jit.process);
    await decide(jit.world, jit.process, idOf(1), approver('bob'));

    expect(answer.text).toContain(words);
    expect((await jit.world.request(idOf(1))).end).toBe(end.toISOString());
  });

  it('is Revoked, as somebody wished, once it is denied', async () => {
    await put({ sallyport: { conditions } });
    await initiate();

    await decide(jit.world, jit.process, idOf(1), approver('bob'), 'deny');

    const [request] = (await requestsOf()) as { sallyport: { accessRequests: object[] } }[];
    expect(request).toMatchObject({
      virtualMachines: [{ ports: [{ status: 'Revoked', statusReason: 'UserRequested' }] }],
    });
    expect(request?.sallyport.accessRequests[0]).not.toHaveProperty('waitingFor');
  });

  it('is refused where the justification is not as the policy wants it, in the words of this door', async () => {
    await put({ sallyport: { conditions } });

    const answer = await jit.ask('POST', `${policy}/initiate`, { ...asked, justification: 'please' });

    expect(answer).toMatchObject({
      status: 400,
      json: {
        error: {
          code: 'AccessRequestNotSubsetOfPolicy',
          details: [{ code: 'justification-not-accepted', target: 'justification' }],
        },
      },
    });
  });
});

describe('a policy that was put', () => {
  const both = [
    ['singular', { allowedSourceAddressPrefix: '203.0.113.0/24' }],
    ['plural', { allowedSourceAddressPrefixes: ['203.0.113.0/24'] }],
  ] as const;
  const withSources = async (sources: object) => {
    const { allowedSourceAddressPrefix, ...rest } = port;
    expect(allowedSourceAddressPrefix).toBe('203.0.113.0/24');
    const properties = { virtualMachines: [{ id: vmId, ports: [{ ...rest, ...sources }] }] };
    return (await jit.ask('PUT', policy, { properties })).status;
  };

  it.each([
    ['singular then plural', both[0][1], both[1][1]],
    ['plural then singular', both[1][1], both[0][1]],
  ])('with the %s is read back as it was put last', async (_case, first, second) => {
    for (const sources of [first, second]) {
      expect(await withSources(sources)).toBe(200);

      const { json } = await jit.ask('GET', policy);
      const [machine] = (json['properties'] as { virtualMachines: { ports: object[] }[] }).virtualMachines;
      expect(machine?.ports).toEqual([
        { number: 22, protocol: 'TCP', ...sources, maxRequestAccessDuration: 'PT3H' },
      ]);
    }
  });
});
