import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeThrottle } from '../../../dev/arm/throttle.ts';
import type { World } from './client.ts';
import { startWorld, SUBSCRIPTION, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

const get = () => world.send('GET', WEB_NSG);
const RULE = `${WEB_NSG}/securityRules/none`;

async function empty(bucket: () => Promise<unknown>, size: number): Promise<void> {
  for (let sent = 0; sent < size; sent += 25) await Promise.all(Array.from({ length: 25 }, bucket));
}

it('reads come from a bucket of 250 that refills by 25 a second', async () => {
  expect((await get()).headers.get('x-ms-ratelimit-remaining-subscription-reads')).toBe('249');
  await empty(get, 225);
  for (let rest = 0; rest < 24; rest += 1) await get();
  const refused = await get();
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('x-ms-failure-cause')).toBe('gateway');
  expect(refused.body).toEqual({
    error: {
      code: 'SubscriptionRequestsThrottled',
      message:
        `Number of 'read' requests for subscription '${SUBSCRIPTION}' actor ` +
        "'00000000-0000-0000-0000-000000000000' exceeded. Please try again after '1' seconds.",
    },
  });
  world.pass(1000);
  expect((await get()).headers.get('x-ms-ratelimit-remaining-subscription-reads')).toBe('24');
});

it('writes and deletes have buckets of 200 of their own, and a shared one 15 times as large', async () => {
  const write = await world.send('PATCH', WEB_NSG, { tags: {} });
  expect(write.headers.get('x-ms-ratelimit-remaining-subscription-writes')).toBe('199');
  expect(write.headers.get('x-ms-ratelimit-remaining-subscription-global-writes')).toBe('2999');
  const removed = await world.send('DELETE', RULE);
  expect(removed.headers.get('x-ms-ratelimit-remaining-subscription-deletes')).toBe('199');
});

it('another principal has a bucket of its own', () => {
  const throttle = makeThrottle();
  const call = { kind: 'read', subscriptionId: SUBSCRIPTION, network: false } as const;
  for (let sent = 0; sent < 250; sent += 1) throttle.take({ ...call, objectId: 'a' }, 0);
  expect(() => throttle.take({ ...call, objectId: 'a' }, 0)).toThrow(/'read' requests/);
  expect(() => throttle.take({ ...call, objectId: 'b' }, 0)).not.toThrow();
});

it('the network provider ends at 1000 writes and deletes in five minutes, in its own words', () => {
  const throttle = makeThrottle();
  const call = { subscriptionId: SUBSCRIPTION, objectId: 'a', network: true } as const;
  let now = 0;
  for (let sent = 0; sent < 1000; sent += 1) {
    throttle.take({ ...call, kind: sent % 2 === 0 ? 'write' : 'delete' }, now);
    now += 100;
  }
  expect(() => throttle.take({ ...call, kind: 'write' }, now)).toThrow('A retryable error occurred.');
  expect(() => throttle.take({ ...call, kind: 'write', network: false }, now)).not.toThrow();
  expect(() => throttle.take({ ...call, kind: 'write' }, 300_000)).not.toThrow();
});

it('machines show the compute provider’s own count', async () => {
  const path = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines`;
  const { headers } = await world.send('GET', path);
  expect(headers.get('x-ms-ratelimit-remaining-resource')).toMatch(
    /^Microsoft\.Compute\/LowCostGet3Min;\d+$/,
  );
});

it('can be switched off', async () => {
  world.arm.settings.throttling = false;
  expect((await get()).headers.get('x-ms-ratelimit-remaining-subscription-reads')).toBeNull();
});
