import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SecurityAdminRules } from '../../../src/core/securityAdminRule.ts';
import { adminRule } from '../../support/memoryAdminRules.ts';
import { ids, leapingClock, simulateArm, world, type SimulatedArm } from './simulatedArm.ts';

const correlationId = '5a11f0a7-0000-4000-8000-000000000001';
const networkId = ids.subnet('a', 'web').replace(/\/subnets\/web$/, '');
const action = 'Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action';
const path = '/listNetworkManagerEffectiveSecurityAdminRules$';

/** On the wire, as the state of the simulator takes them. */
const ruleNamed = (name: string) => {
  const { id, kind, properties } = adminRule(name, 'Deny', { destinationPortRanges: ['22'] });
  return { id, kind, properties };
};

describe('the security admin rules of a network, over https', () => {
  let simulated: SimulatedArm;
  let clock: ReturnType<typeof leapingClock>;
  let adminRules: SecurityAdminRules;

  async function begin(state: object = {}, settings: { pageSize?: number } = {}): Promise<void> {
    clock = leapingClock();
    const rules = ['one', 'two', 'three'].map(ruleNamed);
    simulated = await simulateArm({
      clock,
      state: { ...world, securityAdminRules: [{ virtualNetworkId: networkId, rules }], ...state },
      settings,
    });
    adminRules = simulated.connectAll().securityAdminRules;
  }
  const ask = (id = networkId) => adminRules.ofNetwork(id, { correlationId });
  const fail = (fault: { kind: string; [setting: string]: unknown }, times?: number) =>
    simulated.arm.faults.add({ match: { path }, fault, ...(times === undefined ? {} : { times }) });
  const calls = () => simulated.arm.requests.filter((request) => new RegExp(path).test(request.path));

  beforeEach(() => begin());
  afterEach(() => simulated.arm.close());

  it('are read whole, with what names them', async () => {
    expect(await ask()).toEqual({
      kind: 'read',
      rules: ['one', 'two', 'three'].map((name) =>
        adminRule(name, 'Deny', { destinationPortRanges: ['22'] }),
      ),
    });
    expect(calls()).toMatchObject([
      { method: 'POST', apiVersion: '2025-05-01', status: 200, correlationRequestId: correlationId },
    ]);
  });

  it('are read page after page', async () => {
    await simulated.arm.close();
    await begin({}, { pageSize: 2 });
    const answer = await ask();
    expect(answer.kind === 'read' && answer.rules.map(({ name }) => name)).toEqual(['one', 'two', 'three']);
    expect(calls()).toHaveLength(2);
  });

  it('are none where no network manager speaks of the network', async () => {
    await simulated.arm.close();
    await begin({ securityAdminRules: [] });
    expect(await ask()).toEqual({ kind: 'read', rules: [] });
  });

  it('are asked for once in a minute, by whomever and however the id is written', async () => {
    await Promise.all([ask(), ask(networkId.toUpperCase().replace('/SUBSCRIPTIONS/', '/subscriptions/'))]);
    clock.leap(59_000);
    await ask();
    expect(calls()).toHaveLength(1);
    clock.leap(1_000);
    await ask();
    expect(calls()).toHaveLength(2);
  });

  it('are not checked without the right to read them, and the right is named', async () => {
    await simulated.arm.close();
    const permissions = [{ principalId: '*', scope: '/', actions: ['*'], notActions: [action] }];
    await begin({ permissions });
    const answer = await ask();
    expect(answer).toMatchObject({ kind: 'not-checked', cause: 'not-permitted' });
    expect(answer.kind === 'not-checked' && answer.message).toContain(action);
    await ask();
    // A right that is missing is missing for the minute.
    expect(calls().map(({ status }) => status)).toEqual([403]);
  });

  it.each([
    ['the network is gone', 404, () => ask(`${networkId}-2`), undefined],
    ['Azure limits our calls', 429, () => ask(), { kind: 'throttle', retryAfter: 17 }],
    ['Azure does not know the action at this version', 400, () => ask(), { kind: 'status', status: 400 }],
  ])('are not checked where %s, and asked for again', async (_what, status, again, fault) => {
    if (fault !== undefined) fail(fault);
    expect(await again()).toMatchObject({ kind: 'not-checked', cause: 'unreadable' });
    await again();
    expect(calls().map((request) => request.status)).toEqual([status, status]);
  });

  it('are not checked where no answer comes, or one that is no list', async () => {
    fail({ kind: 'reset-before' }, 2);
    expect(await ask()).toMatchObject({ kind: 'not-checked', cause: 'unreadable' });
    fail({ kind: 'malformed' }, 1);
    expect(await ask()).toMatchObject({ kind: 'not-checked', cause: 'unreadable' });
    expect(await ask()).toMatchObject({ kind: 'read' });
  });

  it('are asked of nothing that is no virtual network', async () => {
    expect(await ask(ids.nsg('web'))).toMatchObject({ kind: 'not-checked', cause: 'unreadable' });
    expect(simulated.arm.requests).toEqual([]);
  });
});
