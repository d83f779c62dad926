import { gatewayThrottled, providerThrottled } from './errors.ts';

export type CallKind = 'read' | 'write' | 'delete';

const BUCKETS: Record<CallKind, { capacity: number; perSecond: number }> = {
  read: { capacity: 250, perSecond: 25 },
  write: { capacity: 200, perSecond: 10 },
  delete: { capacity: 200, perSecond: 10 },
};
/** The bucket that all principals of a subscription share is this many times larger. */
const GLOBAL_FACTOR = 15;
const NETWORK_WINDOW_MS = 300_000;
const NETWORK_CALLS = { read: 10_000, change: 1000 };

export interface Throttle {
  /**
   * Counts one call, of the tenant where there is no subscription; returns the rate headers of its answer. Throws 429: the gateway's when the principal's or the
   * subscription's bucket is empty, the network provider's when its five-minute window is full.
   */
  take(
    call: { kind: CallKind; subscriptionId: string | undefined; objectId: string; network: boolean },
    now: number,
  ): Record<string, string>;
}

/** Token buckets as ARM's since 2024, per subscription and principal, and the network provider's own window. */
export function makeThrottle(): Throttle {
  const buckets = new Map<string, { tokens: number; at: number }>();
  const windows = new Map<string, { calls: number; since: number }>();

  function take(
    key: string,
    capacity: number,
    perSecond: number,
    now: number,
  ): { left: number; waitS: number } {
    const bucket = buckets.get(key) ?? { tokens: capacity, at: now };
    const tokens = Math.min(capacity, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    const taken = tokens >= 1;
    buckets.set(key, { tokens: taken ? tokens - 1 : tokens, at: now });
    return {
      left: Math.floor(tokens - 1),
      waitS: taken ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond)),
    };
  }

  function takeNetwork(kind: CallKind, subscriptionId: string, now: number): void {
    const change = kind === 'read' ? 'read' : 'change';
    const key = `${subscriptionId} ${change}`;
    let window = windows.get(key);
    if (!window || now - window.since >= NETWORK_WINDOW_MS) window = { calls: 0, since: now };
    windows.set(key, window);
    if (window.calls >= NETWORK_CALLS[change]) {
      throw providerThrottled(subscriptionId, Math.ceil((window.since + NETWORK_WINDOW_MS - now) / 1000));
    }
    window.calls += 1;
  }

  return {
    take({ kind, subscriptionId = 'tenant', objectId, network }, now) {
      const { capacity, perSecond } = BUCKETS[kind];
      const own = take(`${subscriptionId} ${objectId} ${kind}`, capacity, perSecond, now);
      const global = take(
        `${subscriptionId} ${kind}`,
        capacity * GLOBAL_FACTOR,
        perSecond * GLOBAL_FACTOR,
        now,
      );
      const waitS = Math.max(own.waitS, global.waitS);
      if (waitS > 0) throw gatewayThrottled(kind, subscriptionId, objectId, waitS);
      if (network) takeNetwork(kind, subscriptionId, now);
      if (subscriptionId === 'tenant')
        return { [`x-ms-ratelimit-remaining-tenant-${kind}s`]: String(own.left) };
      return {
        [`x-ms-ratelimit-remaining-subscription-${kind}s`]: String(own.left),
        [`x-ms-ratelimit-remaining-subscription-global-${kind}s`]: String(global.left),
      };
    },
  };
}
