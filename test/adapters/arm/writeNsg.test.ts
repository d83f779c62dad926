import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Network, NsgDocument } from '../../../src/core/network.ts';
import { withRule } from '../../contracts/network.ts';
import {
  ids,
  intercepting,
  leapingClock,
  simulateArm,
  stubCredential,
  type SimulatedArm,
  type SimulatedFault,
} from './simulatedArm.ts';

const call = { correlationId: '5a11f0a7-0000-4000-8000-000000000003' };

describe('writeNsg', () => {
  let simulated: SimulatedArm;
  let clock: ReturnType<typeof leapingClock>;
  let nsg: NsgDocument;
  beforeEach(async () => {
    clock = leapingClock();
    simulated = await simulateArm({ clock, settings: { operationMs: 500 } });
    const read = await simulated.network.readNsg(ids.nsg('web'), call);
    if (read.kind !== 'read') throw new Error('not read');
    nsg = read.nsg;
    simulated.arm.requests.length = 0;
  });
  afterEach(() => simulated.arm.close());

  const write = (network: Network = simulated.network, options = {}) =>
    network.writeNsg(nsg, withRule(nsg.body, 100), { ...call, ...options });
  const sent = (method: string) => simulated.arm.requests.filter((request) => request.method === method);
  const faultPolls = (fault: SimulatedFault, times?: number) =>
    simulated.arm.faults.add({
      match: { path: '/operations/' },
      fault,
      ...(times === undefined ? {} : { times }),
    });

  it('sends one PUT with the etag, and the correlation id with it and with every poll', async () => {
    expect(await write()).toEqual({ kind: 'settled' });
    expect(sent('PUT')).toMatchObject([{ ifMatch: nsg.etag }]);
    expect(sent('GET').length).toBeGreaterThan(0);
    for (const request of simulated.arm.requests) {
      expect(request.correlationRequestId).toBe(call.correlationId);
    }
  });

  it.each<{ fault: SimulatedFault; kind: string }>([
    { fault: { kind: 'throttle', retryAfter: 1 }, kind: 'throttled' },
    { fault: { kind: 'network-throttle', retryAfter: 1 }, kind: 'throttled' },
    { fault: { kind: 'retryable-429', retryAfter: 1 }, kind: 'locked' },
    { fault: { kind: 'status', status: 500 }, kind: 'unknown' },
    { fault: { kind: 'status', status: 503, headers: { 'Retry-After': '1' } }, kind: 'unknown' },
    { fault: { kind: 'status', status: 408 }, kind: 'unknown' },
    { fault: { kind: 'status', status: 307, headers: { Location: '/again' } }, kind: 'unknown' },
    { fault: { kind: 'reset-before' }, kind: 'unknown' },
    { fault: { kind: 'reset-after-commit' }, kind: 'unknown' },
    { fault: { kind: 'hang' }, kind: 'unknown' },
    { fault: { kind: 'unauthorized' }, kind: 'not-permitted' },
    { fault: { kind: 'policy' }, kind: 'not-permitted' },
    { fault: { kind: 'status', status: 409, code: 'AnotherOperationInProgress' }, kind: 'locked' },
    { fault: { kind: 'status', status: 409, code: 'InvalidResourceLocation' }, kind: 'refused' },
    { fault: { kind: 'status', status: 404, code: 'ResourceNotFound' }, kind: 'not-found' },
  ])('sends one PUT and answers $kind to $fault', async ({ fault, kind }) => {
    simulated.arm.faults.add({ match: { method: 'PUT' }, fault });
    const network = simulated.connect({ timeouts: { writeMilliseconds: 1500 } });
    expect(await write(network)).toMatchObject({ kind });
    expect(sent('PUT')).toHaveLength(1);
  });

  it('sends the PUT again only when the gateway has refused its token and asks for a better one', async () => {
    const claims = Buffer.from('{"access_token":{}}').toString('base64');
    const challenge = `Bearer error="insufficient_claims", claims="${claims}"`;
    const fault = { kind: 'status', status: 401, headers: { 'WWW-Authenticate': challenge } } as const;
    simulated.arm.faults.add({ match: { method: 'PUT' }, times: 1, fault });
    const credential = stubCredential();
    expect(await write(simulated.connect({ credential }))).toEqual({ kind: 'settled' });
    expect(sent('PUT')).toMatchObject([{ status: 401 }, { status: 200 }]);
    expect(credential.asked).toHaveLength(2);
  });

  it('tells a referenced resource that is not ready from a quota', async () => {
    const details = [{ code: 'ReferencedResourceNotProvisioned', message: 'Not in Succeeded state.' }];
    const fault = { kind: 'status', status: 429, code: 'RetryableError', details } as const;
    simulated.arm.faults.add({ match: { method: 'PUT' }, fault });
    expect(await write()).toMatchObject({ kind: 'locked', retryAfterSeconds: 1 });
  });

  it('sends nothing when the instant passes while the token is fetched', async () => {
    const credential = stubCredential(() => {
      clock.leap(5001);
      return Promise.resolve();
    });
    const notAfter = new Date(clock.now().getTime() + 5000);
    expect(await write(simulated.connect({ credential }), { notAfter })).toEqual({ kind: 'too-late' });
    expect(credential.asked).toHaveLength(1);
    expect(simulated.arm.requests).toEqual([]);
  });

  it('follows an accepted write beyond the instant after which it would not have been sent', async () => {
    const notAfter = new Date(clock.now().getTime() + 100);
    expect(await write(simulated.network, { notAfter })).toEqual({ kind: 'settled' });
  });

  it('knows the end of an operation a fifth of its time late at most, whatever Retry-After says', async () => {
    expect(await write()).toEqual({ kind: 'settled' });
    const waited = clock.waits.reduce((sum, wait) => sum + wait, 0);
    expect(clock.waits[0]).toBe(150);
    expect(waited).toBeGreaterThanOrEqual(500);
    expect(waited).toBeLessThanOrEqual(600);
    expect(sent('GET').length).toBeLessThanOrEqual(8);
  });

  it('does not obey a Retry-After of 10 on a running operation', async () => {
    faultPolls({ kind: 'status', status: 200, headers: { 'Retry-After': '10' } }, 3);
    expect(await write()).toEqual({ kind: 'settled' });
    expect(Math.max(...clock.waits)).toBeLessThan(1000);
  });

  it('polls less often when reads run out, which others need before they write', async () => {
    const headers = { 'x-ms-ratelimit-remaining-subscription-reads': '40' };
    faultPolls({ kind: 'status', status: 200, headers, body: { status: 'InProgress' } }, 1);
    expect(await write()).toEqual({ kind: 'settled' });
    expect(clock.waits).toEqual([150, 3000]);
  });

  it('gives up an operation that does not end after 30 s and a bounded number of polls', async () => {
    simulated.arm.settings.operationMs = 3_600_000;
    expect(await write()).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('30 s') as string,
    });
    expect(Math.max(...clock.waits)).toBe(1000);
    expect(sent('GET').length).toBeLessThanOrEqual(46);
    expect(sent('PUT')).toHaveLength(1);
  });

  it.each<SimulatedFault>([
    { kind: 'status', status: 500 },
    { kind: 'reset-before' },
    { kind: 'malformed' },
    { kind: 'throttle', retryAfter: 3 },
  ])('polls on after %o', async (fault) => {
    faultPolls(fault, 2);
    expect(await write()).toEqual({ kind: 'settled' });
  });

  it('waits as long as a throttled poll asks', async () => {
    faultPolls({ kind: 'throttle', retryAfter: 3 }, 1);
    await write();
    expect(clock.waits).toContain(3000);
    expect(sent('GET')).toHaveLength(2);
  });

  it('does not say how an operation ended that Azure no longer knows', async () => {
    faultPolls({ kind: 'status', status: 404, code: 'OperationNotFound' });
    expect(await write()).toMatchObject({ kind: 'unknown' });
  });

  it.each([
    ['Failed', 'SecurityRuleConflict', 'refused'],
    ['Failed', 'InternalServerError', 'unknown'],
    ['Failed', 'RetryableError', 'unknown'],
    ['Failed', undefined, 'unknown'],
    ['Canceled', 'SecurityRuleConflict', 'unknown'],
  ])('judges an operation that ended as %s with %s as %s', async (status, code, kind) => {
    const httpClient = intercepting(simulated.httpClient, async (request, forward) => {
      const response = await forward();
      const error = code === undefined ? {} : { error: { code, message: 'It failed.' } };
      return request.url.includes('/operations/')
        ? { ...response, bodyAsText: JSON.stringify({ status, ...error }) }
        : response;
    });
    expect(await write(simulated.connect({ httpClient }))).toMatchObject({ kind });
  });

  it.each(['https://attacker.example/operations/1', 'http://127.0.0.1/operations/1', 'nonsense'])(
    'sends no token to %s when an answer names it as the operation',
    async (url) => {
      const urls: string[] = [];
      const httpClient = intercepting(simulated.httpClient, async (request, forward) => {
        urls.push(request.url);
        const response = await forward();
        response.headers.set('Azure-AsyncOperation', url);
        return response;
      });
      expect(await write(simulated.connect({ httpClient }))).toMatchObject({ kind: 'unknown' });
      expect(urls).toHaveLength(1);
    },
  );

  it('takes an accepted write without an operation as settled', async () => {
    const httpClient = intercepting(simulated.httpClient, async (_, forward) => {
      const response = await forward();
      response.headers.delete('Azure-AsyncOperation');
      return response;
    });
    expect(await write(simulated.connect({ httpClient }))).toEqual({ kind: 'settled' });
    expect(sent('GET')).toEqual([]);
  });

  it.each(['', '*'])(
    'refuses to write with the etag "%s", which would overwrite anything (I3)',
    async (etag) => {
      const unguarded = { ...nsg, etag };
      await expect(simulated.network.writeNsg(unguarded, nsg.body, call)).rejects.toThrow('etag');
      expect(simulated.arm.requests).toEqual([]);
    },
  );
});
