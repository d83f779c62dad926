import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallOptions, JsonObject, Network, NsgDocument } from '../../../src/core/network.ts';
import {
  ids,
  intercepting,
  leapingClock,
  simulateArm,
  stubCredential,
  type SimulatedArm,
} from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000006' };
const rule: JsonObject = {
  name: 'mail',
  properties: {
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: '25',
    sourceAddressPrefix: '203.0.113.7/32',
    destinationAddressPrefix: '10.1.0.4/32',
    access: 'Deny',
    priority: 310,
    direction: 'Inbound',
  },
};

describe.each(['DELETE', 'PUT'] as const)('a %s of one rule', (method) => {
  let simulated: SimulatedArm;
  let clock: ReturnType<typeof leapingClock>;
  let nsg: NsgDocument;
  beforeEach(async () => {
    clock = leapingClock();
    simulated = await simulateArm({ clock, settings: { operationMs: 500 } });
    const read = await simulated.network.readNsg(ids.nsg('web'), call);
    if (read.kind !== 'read') throw new Error('It was not read.');
    nsg = read.nsg;
    simulated.arm.requests.length = 0;
  });
  afterEach(() => simulated.arm.close());

  const write = (network: Network = simulated.network, options: Partial<CallOptions> = {}) =>
    method === 'DELETE'
      ? network.deleteRule(nsg, 'mail', { ...call, ...options })
      : network.writeRule(nsg, rule, { ...call, ...options });
  const sent = () => simulated.arm.requests.filter((request) => request.method === method);

  it('is sent once to the rule, without a precondition, and followed to its end', async () => {
    expect(await write()).toEqual({ kind: 'settled' });

    expect(sent()).toMatchObject([{ path: `${ids.nsg('web')}/securityRules/mail` }]);
    expect(sent()[0]?.ifMatch).toBeUndefined();
    expect(clock.waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThanOrEqual(500);
    for (const request of simulated.arm.requests) {
      expect(request.correlationRequestId).toBe(call.correlationId);
    }
  });

  it('is not repeated when its answer is lost', async () => {
    simulated.arm.faults.add({ match: { method }, fault: { kind: 'reset-after-commit' } });

    expect(await write()).toMatchObject({ kind: 'unknown' });
    expect(sent()).toHaveLength(1);
  });

  it('is not sent when the instant passes while the token is fetched', async () => {
    const credential = stubCredential(() => {
      clock.leap(5001);
      return Promise.resolve();
    });
    const notAfter = new Date(clock.now().getTime() + 5000);

    expect(await write(simulated.connect({ credential }), { notAfter })).toEqual({ kind: 'too-late' });
    expect(simulated.arm.requests).toEqual([]);
  });

  it('sends no token elsewhere when an answer names another origin for the operation', async () => {
    const urls: string[] = [];
    const httpClient = intercepting(simulated.httpClient, async (request, forward) => {
      urls.push(request.url);
      const response = await forward();
      response.headers.set('Azure-AsyncOperation', 'https://attacker.example/operations/1');
      return response;
    });

    expect(await write(simulated.connect({ httpClient }))).toMatchObject({ kind: 'unknown' });
    expect(urls).toHaveLength(1);
  });

  it('finds nothing at an id that is not one of an NSG, and sends nothing', async () => {
    nsg = { ...nsg, id: `${ids.nsg('web')}/securityRules/mail/providers/Microsoft.Authorization` };

    expect(await write()).toMatchObject({ kind: 'not-found' });
    expect(simulated.arm.requests).toEqual([]);
  });
});
