import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Arm } from '../../../src/adapters/arm/arm.ts';
import {
  ids,
  leapingClock,
  otherSubscriptionId,
  simulateArm,
  subscriptionId,
  type SimulatedArm,
} from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000001' };
const now = { opens: 'now' };

describe('what is known of Azure Resource Manager’s rates', () => {
  let simulated: SimulatedArm;
  let clock: ReturnType<typeof leapingClock>;
  let arm: Arm;
  beforeEach(async () => {
    clock = leapingClock();
    simulated = await simulateArm({ clock, settings: { operationMs: 0 } });
    arm = simulated.connectAll();
  });
  afterEach(() => simulated.arm.close());

  const standing = () => arm.budget.standing(subscriptionId);
  async function write(): Promise<string> {
    const read = await arm.network.readNsg(ids.nsg('web'), call);
    if (read.kind !== 'read') return read.kind;
    const body = { ...read.nsg.body, tags: { changed: String(clock.now().getTime()) } };
    return (await arm.network.writeNsg(read.nsg, body, call)).kind;
  }
  /** One write that costs what any does, and changes nothing: its etag is stale. */
  async function spend({ network }: Arm = arm): Promise<string> {
    const body = { location: 'westeurope', properties: {} };
    const nsg = { id: ids.nsg('solo'), etag: 'W/"stale"', provisioningState: 'Succeeded', body };
    return (await network.writeNsg(nsg, body, call)).kind;
  }
  const times = <Result>(count: number, work: () => Promise<Result>) =>
    Promise.all(Array.from({ length: count }, work));

  it('lets opens go ahead before anything is known', () => {
    expect(standing()).toEqual(now);
    expect(arm.inventory.readsLeft(subscriptionId)).toBe(150);
  });

  it('holds opens back when a fifth of the writes is left, while closes use it up', async () => {
    // Another process of the same identity: what it spends we learn from our own next answer.
    const other = simulated.connectAll();
    await times(160, () => spend(other));
    expect(standing()).toEqual(now);
    expect(await spend()).toBe('changed-meanwhile');
    expect(standing()).toEqual({ opens: 'later', retryAfterSeconds: 1 });
    expect(new Set(await times(39, () => spend()))).toEqual(new Set(['changed-meanwhile']));
    expect(await spend()).toBe('throttled');
    expect(standing()).toEqual({ opens: 'later', retryAfterSeconds: 5 });
    clock.leap(5000);
    expect(standing()).toEqual(now);
  });

  it.each([
    ['the gateway', { kind: 'throttle', retryAfter: 17 }],
    ['the network provider', { kind: 'network-throttle', retryAfter: 17 }],
  ])('holds opens back for as long as a 429 of %s says', async (_who, fault) => {
    simulated.arm.faults.add({ match: { method: 'PUT' }, times: 1, fault });
    expect(await write()).toBe('throttled');
    expect(standing()).toEqual({ opens: 'later', retryAfterSeconds: 17 });
  });

  it('does not take a 429 for a locked parent for a quota', async () => {
    simulated.arm.faults.add({ match: { method: 'PUT' }, times: 1, fault: { kind: 'retryable-429' } });
    expect(await write()).toBe('locked');
    expect(standing()).toEqual(now);
  });

  it('counts the reads of the typed clients as it counts the raw ones', async () => {
    await arm.network.resolveVirtualMachine(ids.vm('solo-1'), call);
    // Machine, interface, subnet and NSG: of 250 reads 246 are left, and lists leave 100 alone.
    expect(arm.inventory.readsLeft(subscriptionId)).toBe(146);
  });

  it('holds opens back where the reads are exhausted, for an open has to read too', async () => {
    simulated.arm.faults.add({
      match: { method: 'GET' },
      times: 1,
      fault: { kind: 'throttle', retryAfter: 9 },
    });
    expect((await arm.network.readNsg(ids.nsg('web'), call)).kind).toBe('throttled');
    expect(standing()).toEqual({ opens: 'later', retryAfterSeconds: 9 });
    expect(arm.inventory.readsLeft(subscriptionId)).toBe(0);
  });

  it('keeps subscriptions apart, in any letter case', async () => {
    simulated.arm.faults.add({
      match: { method: 'PUT' },
      times: 1,
      fault: { kind: 'throttle', retryAfter: 9 },
    });
    await write();
    expect(arm.budget.standing(otherSubscriptionId)).toEqual(now);
    expect(arm.budget.standing(subscriptionId.toUpperCase()).opens).toBe('later');
  });
});
