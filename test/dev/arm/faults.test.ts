import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../../dev/arm/faults.ts';
import type { World } from './client.ts';
import { operationOf, rule, startWorld, textOf, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

const RULE = `${WEB_NSG}/securityRules/sp-1`;
const put = () => world.send('PUT', RULE, rule());

function once(fault: FaultSpec['fault'], match: FaultSpec['match'] = { method: 'PUT' }): void {
  world.arm.faults.add({ match, times: 1, fault });
}

async function exists(): Promise<boolean> {
  return (await world.send('GET', RULE)).status === 200;
}

describe('which request is hit', () => {
  it('is chosen by method and path', async () => {
    once({ kind: 'status', status: 503 }, { method: 'GET', path: 'securityRules/sp-1$' });
    expect((await world.send('GET', WEB_NSG)).status).toBe(200);
    expect((await put()).status).toBe(201);
    expect(
      (await world.send('GET', RULE.toUpperCase().replace('SUBSCRIPTIONS', 'subscriptions'))).status,
    ).toBe(503);
    expect((await world.send('GET', RULE)).status).toBe(200);
  });

  it('is counted: skip lets some pass, times ends it', async () => {
    world.arm.faults.add({ skip: 1, times: 2, fault: { kind: 'status', status: 500 } });
    const statuses: number[] = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await world.send('GET', WEB_NSG)).status);
    expect(statuses).toEqual([200, 500, 500, 200]);
    expect(world.arm.faults.list()).toEqual([]);
  });

  it('is written in the log of requests', async () => {
    once({ kind: 'status', status: 503 });
    await put();
    expect(world.arm.requests).toMatchObject([{ method: 'PUT', path: RULE, status: 503, fault: 'status' }]);
  });
});

describe('a connection', () => {
  it('is reset before anything happened', async () => {
    once({ kind: 'reset-before' });
    await expect(put()).rejects.toThrow('fetch failed');
    expect(await exists()).toBe(false);
  });

  it('is reset after the write was committed', async () => {
    once({ kind: 'reset-after-commit' });
    await expect(put()).rejects.toThrow('fetch failed');
    expect(await exists()).toBe(true);
  });

  it.each([
    ['before', false],
    ['after', true],
  ] as const)('hangs %s the write', async (when, committed) => {
    once({ kind: 'hang', when });
    const stop = new AbortController();
    const answer = fetch(`${world.arm.url}${RULE}?api-version=2025-05-01`, {
      method: 'PUT',
      headers: { authorization: 'Bearer x' },
      body: JSON.stringify(rule()),
      signal: stop.signal,
    });
    while (world.arm.requests[0]?.fault !== 'hang') await sleep(5);
    expect(await Promise.race([answer, sleep(50, 'nothing')])).toBe('nothing');
    stop.abort();
    await expect(answer).rejects.toThrow(/abort/);
    expect(await exists()).toBe(committed);
  });

  it('is delayed after the write, which others see meanwhile', async () => {
    once({ kind: 'delay', ms: 1500, when: 'after' });
    const slow = put();
    const first = await Promise.race([slow.then(() => 'answer'), seen().then(() => 'seen')]);
    expect(first).toBe('seen');
    expect((await slow).status).toBe(201);
  });

  async function seen(): Promise<void> {
    while (!(await exists())) await sleep(5);
  }

  it('carries half a JSON text', async () => {
    once({ kind: 'malformed' }, { method: 'GET' });
    await expect(world.send('GET', WEB_NSG)).rejects.toThrow(SyntaxError);
  });
});

describe('an accepted operation', () => {
  it('fails, and NSG and rule say so', async () => {
    once({ kind: 'lro-failed' });
    const url = operationOf(await put());
    world.pass(1000);
    expect((await world.send('GET', url)).body).toEqual({
      status: 'Failed',
      error: { code: 'InternalServerError', message: 'An error occurred.', details: [] },
    });
    expect((await world.send('GET', RULE)).body['properties']?.['provisioningState']).toBe('Failed');
    expect((await world.send('GET', WEB_NSG)).body['properties']?.['provisioningState']).toBe('Failed');
  });

  it('that failed is cured by writing the same content again', async () => {
    once({ kind: 'lro-failed' });
    await put();
    world.pass(1000);
    const { body } = await world.send('GET', WEB_NSG);
    const again = await world.send('PUT', WEB_NSG, body);
    expect(again.body['properties']?.['provisioningState']).toBe('Updating');
    world.pass(1000);
    expect((await world.send('GET', RULE)).body['properties']?.['provisioningState']).toBe('Succeeded');
  });

  it('is canceled', async () => {
    once({ kind: 'lro-canceled' });
    const url = operationOf(await put());
    world.pass(1000);
    expect((await world.send('GET', url)).body['status']).toBe('Canceled');
  });

  it('is superseded by somebody unseen, and the rule stays', async () => {
    once({ kind: 'supersede' });
    const { body } = await world.send('GET', operationOf(await put()));
    expect(body['error']?.['details']?.[0]?.['code']).toBe('CanceledAndSupersededDueToAnotherOperation');
    world.pass(1000);
    expect((await world.send('GET', RULE)).body['properties']?.['provisioningState']).toBe('Succeeded');
  });
});

describe('a refusal', () => {
  it.each([
    ['412', 412, 'PreconditionFailed'],
    ['retryable-429', 429, 'RetryableError'],
    ['throttle', 429, 'SubscriptionRequestsThrottled'],
    ['network-throttle', 429, 'RetryableError'],
    ['unauthorized', 401, 'InvalidAuthenticationToken'],
    ['forbidden', 403, 'AuthorizationFailed'],
    ['policy', 403, 'RequestDisallowedByPolicy'],
    ['locked', 409, 'ScopeLocked'],
  ] as const)('%s is %i %s and writes nothing', async (kind, status, code) => {
    once({ kind });
    const answered = await put();
    expect([answered.status, answered.body['error']?.['code']]).toEqual([status, code]);
    expect(answered.headers.get('retry-after') === null).toBe(status !== 429);
    expect(await exists()).toBe(false);
  });

  it('can be a challenge for new claims', async () => {
    once({ kind: 'claims' });
    const challenge = (await put()).headers.get('www-authenticate') ?? '';
    const claims = /error="insufficient_claims", claims="([^"]+)"/.exec(challenge)?.[1] ?? '';
    expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toHaveProperty('access_token');
  });

  it('can be a page that is not JSON', async () => {
    const headers = { 'content-type': 'text/html', 'retry-after': '7' };
    once({ kind: 'status', status: 502, headers, body: '<h1>Bad gateway</h1>' }, { method: 'GET' });
    const init = { headers: { authorization: 'Bearer x' } };
    const response = await fetch(`${world.arm.url}${WEB_NSG}?api-version=2025-05-01`, init);
    expect([
      response.status,
      response.headers.get('content-type'),
      response.headers.get('retry-after'),
    ]).toEqual([502, 'text/html', '7']);
    expect(await response.text()).toBe('<h1>Bad gateway</h1>');
  });

  it('names the action that was not authorised', async () => {
    once({ kind: 'forbidden' });
    const message = textOf((await put()).body['error']?.['message']);
    expect(message).toContain("perform action 'Microsoft.Network/networkSecurityGroups/securityRules/write'");
    expect(message).toContain(`over scope '${RULE}'`);
  });
});

describe('over HTTP', () => {
  const sim = (path: string, init?: RequestInit) => fetch(`${world.arm.url}/_sim/${path}`, init);

  it('faults are switched on, listed and off without a token', async () => {
    const spec: FaultSpec = {
      match: { method: 'PUT', path: 'networkSecurityGroups' },
      fault: { kind: 'policy' },
    };
    const made = await sim('faults', { method: 'POST', body: JSON.stringify(spec) });
    expect(made.status).toBe(201);
    expect((await put()).status).toBe(403);
    expect(await (await sim('faults')).json()).toMatchObject([{ hits: 1, fault: { kind: 'policy' } }]);
    expect((await sim('faults', { method: 'DELETE' })).status).toBe(204);
    expect((await put()).status).toBe(201);
  });

  it('one fault of several can be removed', async () => {
    const body = JSON.stringify({ fault: { kind: 'policy' } });
    const { id } = (await (await sim('faults', { method: 'POST', body })).json()) as { id: string };
    await sim('faults', { method: 'POST', body });
    expect((await sim(`faults/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(world.arm.faults.list()).toHaveLength(1);
  });

  it('a fault that is none is refused with the reason', async () => {
    const body = JSON.stringify({ fault: { kind: 'delay' } });
    const answered = await sim('faults', { method: 'POST', body });
    expect(answered.status).toBe(400);
    expect(await answered.text()).toContain('fault.ms');
  });

  it('settings, state and requests can be read and changed', async () => {
    await sim('settings', { method: 'PATCH', body: JSON.stringify({ operationMs: 5 }) });
    await put();
    world.pass(5);
    const state = (await (await sim('state')).json()) as { resources: unknown[] };
    expect(JSON.stringify(state.resources)).toContain('sp-1');
    const requests = (await (await sim('requests')).json()) as unknown[];
    expect(requests).toMatchObject([{ method: 'PUT', path: RULE, apiVersion: '2025-05-01', status: 201 }]);
    await sim('requests', { method: 'DELETE' });
    expect(world.arm.requests).toEqual([]);
    expect(
      (await sim('state', { method: 'PUT', body: JSON.stringify({ ...state, resources: [] }) })).status,
    ).toBe(204);
    expect((await world.send('GET', WEB_NSG)).status).toBe(404);
  });
});
