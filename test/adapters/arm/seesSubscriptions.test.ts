import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shownCode } from '../../../src/core/health.ts';
import { ids, intercepting, simulateArm, stubCredential, type SimulatedArm } from './simulatedArm.ts';

const call = { correlationId: 'c0ffee00-0000-4000-8000-000000000001' };
const subscriptions = { method: 'GET', path: '^/subscriptions$' };

let simulated: SimulatedArm;
beforeAll(async () => {
  simulated = await simulateArm();
});
afterAll(() => simulated.arm.close());

describe('the check of Azure Resource Manager', () => {
  it('is well where it lists a subscription, by one read under the id of the call', async () => {
    const before = simulated.arm.requests.length;
    expect(await simulated.connectAll().health.seesSubscriptions(call)).toEqual({ status: 'ok' });

    const made = simulated.arm.requests.slice(before);
    expect(made).toMatchObject([{ method: 'GET', path: '/subscriptions' }]);
  });

  it('says what Azure answered, in its code and not in its words', async () => {
    const { arm, connectAll } = simulated;
    arm.faults.add({
      match: subscriptions,
      times: 2,
      fault: { kind: 'status', status: 503, code: 'ServiceUnavailable' },
    });

    expect(await connectAll().health.seesSubscriptions(call)).toMatchObject({
      status: 'failing',
      reason: 'Azure Resource Manager answered 503 ServiceUnavailable.',
      cause: expect.any(String) as string,
    });
  });

  it('fails where the app gets no token, without the words of the library', async () => {
    const credential = stubCredential(() =>
      Promise.reject(new Error('ManagedIdentityCredential: secret words')),
    );

    expect(await simulated.connectAll({ credential }).health.seesSubscriptions(call)).toMatchObject({
      status: 'failing',
      reason: 'Azure Resource Manager did not answer, or the app got no token for it.',
      cause: expect.stringContaining('secret words') as string,
    });
  });

  it.each([
    ['no subscription', '{"value":[]}', "The app's identity sees no subscription: it has no role in any."],
    ['no list', '<html>', 'Azure Resource Manager answered with something that is no list.'],
  ])('fails where the answer has %s', async (_what, bodyAsText, reason) => {
    const httpClient = intercepting(simulated.httpClient, async (_request, forward) => ({
      ...(await forward()),
      bodyAsText,
    }));

    const verdict = await simulated.connectAll({ httpClient }).health.seesSubscriptions(call);
    expect(verdict).toEqual({ status: 'failing', reason });
  });

  it('is well without a subscription where the app is told to read groups alone', async () => {
    const httpClient = intercepting(simulated.httpClient, async (_request, forward) => ({
      ...(await forward()),
      bodyAsText: '{"value":[]}',
    }));
    const readerGroups = [ids.nsg('web').replace(/\/providers\/.*/, '')];

    const { health } = simulated.connectAll({ httpClient, readerGroups });
    expect(await health.seesSubscriptions(call)).toEqual({ status: 'ok' });
  });

  it('shows nothing that is no code', () => {
    expect(['AuthorizationFailed', '<b>', 'a b', '', undefined, 'x'.repeat(65)].map(shownCode)).toEqual([
      ' AuthorizationFailed',
      ...['', '', '', '', ''],
    ]);
  });
});
