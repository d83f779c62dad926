import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ids, simulateArm, stubCredential, type SimulatedArm } from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000002' };
const web = ids.nsg('web');

describe('readNsg', () => {
  let simulated: SimulatedArm;
  beforeEach(async () => {
    simulated = await simulateArm();
  });
  afterEach(() => simulated.arm.close());

  it('returns properties that the SDK’s models do not know', async () => {
    const result = await simulated.network.readNsg(web, call);
    expect(result).toMatchObject({
      nsg: {
        body: {
          properties: {
            flushConnection: false,
            futureProperty: { level: 7 },
            securityRules: [{ properties: { futureRuleProperty: { nested: [1, null, 'x'] } } }, {}],
          },
        },
      },
    });
  });

  it('asks with the api-version of the settings, the endpoint’s own scope and the caller’s correlation id', async () => {
    const credential = stubCredential();
    const network = simulated.connect({ networkApiVersion: '2024-05-01', credential });
    await network.readNsg(web, call);
    expect(simulated.arm.requests).toMatchObject([
      { method: 'GET', apiVersion: '2024-05-01', correlationRequestId: call.correlationId },
    ]);
    expect(credential.asked).toEqual([`${simulated.arm.url}/.default`]);
  });

  it.each([{ fault: { kind: 'status', status: 503 } }, { fault: { kind: 'reset-before' } }] as const)(
    'reads once more after $fault',
    async ({ fault }) => {
      simulated.arm.faults.add({ times: 1, fault });
      expect(await simulated.network.readNsg(web, call)).toMatchObject({ kind: 'read' });
      expect(simulated.arm.requests).toHaveLength(2);
    },
  );

  it.each([
    { fault: { kind: 'status', status: 500 }, result: { kind: 'unknown' }, requests: 2 },
    { fault: { kind: 'reset-before' }, result: { kind: 'unknown' }, requests: 2 },
    { fault: { kind: 'malformed' }, result: { kind: 'unknown' }, requests: 1 },
    { fault: { kind: 'hang' }, result: { kind: 'unknown' }, requests: 1 },
    { fault: { kind: 'forbidden' }, result: { kind: 'not-permitted' }, requests: 1 },
    { fault: { kind: 'unauthorized' }, result: { kind: 'not-permitted' }, requests: 1 },
    {
      fault: { kind: 'throttle', retryAfter: 17 },
      result: { kind: 'throttled', retryAfterSeconds: 17 },
      requests: 1,
    },
    {
      fault: { kind: 'status', status: 307, headers: { Location: '/elsewhere' } },
      result: { kind: 'unknown' },
      requests: 1,
    },
  ] as const)('answers $result.kind to a lasting $fault, after $requests requests', async (example) => {
    simulated.arm.faults.add({ fault: example.fault });
    const network = simulated.connect({ timeouts: { readMilliseconds: 1500 } });
    expect(await network.readNsg(web, call)).toMatchObject(example.result);
    expect(simulated.arm.requests).toHaveLength(example.requests);
  });

  it('finds nothing in a resource group that is not there', async () => {
    const missing = web.replace('resourceGroups/contoso', 'resourceGroups/missing');
    expect(await simulated.network.readNsg(missing, call)).toMatchObject({ kind: 'not-found' });
  });

  it('says unknown when a token does not come, however long the credential takes', async () => {
    const credential = stubCredential(() => new Promise(() => undefined));
    const network = simulated.connect({ credential, timeouts: { readMilliseconds: 50 } });
    expect(await network.readNsg(web, call)).toEqual({
      kind: 'unknown',
      message: 'No answer within 0.05 s.',
    });
    expect(simulated.arm.requests).toEqual([]);
  });

  it.each([
    `${web}/../../virtualMachines/web-1`,
    `${web}?api-version=2015-01-01&`,
    `${web}/securityRules/web`,
    ids.nic('web-1'),
    `https://attacker.example${web}`,
    web.replace('contoso', '..'),
  ])('sends nothing for %s, which is no id of an NSG', async (id) => {
    expect(await simulated.network.readNsg(id, call)).toMatchObject({ kind: 'not-found' });
    expect(simulated.arm.requests).toEqual([]);
  });
});
