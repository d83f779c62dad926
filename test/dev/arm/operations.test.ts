import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { World } from './client.ts';
import { operationOf, rule, startWorld, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

const RULE = `${WEB_NSG}/securityRules/sp-1`;
const OTHER = `${WEB_NSG}/securityRules/sp-2`;

async function stateOf(path: string): Promise<unknown> {
  return (await world.send('GET', path)).body['properties']?.['provisioningState'];
}

describe('a poll', () => {
  it('is 200 with the status alone, whatever the status is', async () => {
    const url = operationOf(await world.send('PUT', RULE, rule()));
    const first = await world.send('GET', url);
    expect([first.status, first.body]).toEqual([200, { status: 'InProgress' }]);
    world.pass(1000);
    const last = await world.send('GET', url);
    expect([last.status, last.body]).toEqual([200, { status: 'Succeeded' }]);
    expect(last.headers.get('retry-after')).toBeNull();
  });

  it('asks for growing patience: 1, 2, 4, 8, 16, 16', async () => {
    const url = operationOf(await world.send('PUT', RULE, rule()));
    const waits: unknown[] = [];
    for (let poll = 0; poll < 6; poll += 1)
      waits.push((await world.send('GET', url)).headers.get('retry-after'));
    expect(waits).toEqual(['1', '2', '4', '8', '16', '16']);
  });

  it('can leave Retry-After out, for fast tests', async () => {
    world.arm.settings.pollRetryAfter = 'none';
    const url = operationOf(await world.send('PUT', RULE, rule()));
    expect((await world.send('GET', url)).headers.get('retry-after')).toBeNull();
  });

  it('can ask for one and the same patience, from the accepted write on', async () => {
    world.arm.settings.pollRetryAfter = 10;
    const accepted = await world.send('PUT', RULE, rule());
    const polled = await world.send('GET', operationOf(accepted));
    expect([accepted, polled].map(({ headers }) => headers.get('retry-after'))).toEqual(['10', '10']);
  });

  it('has a signed URL of more than 3 KB that may not be cut or rebuilt', async () => {
    const url = operationOf(await world.send('PUT', RULE, rule()));
    expect(url.length).toBeGreaterThan(3000);
    expect(url).toMatch(
      /\/providers\/Microsoft\.Network\/locations\/westeurope\/operations\/[0-9a-f-]{36}\?/,
    );
    expect((await world.send('GET', url.slice(0, -10))).status).toBe(403);
    expect((await world.send('GET', url.replace(/&t=.*/, ''))).status).toBe(403);
  });
});

describe('the states of NSG and rules', () => {
  it('go from Updating to Succeeded when the operation is due', async () => {
    await world.send('PUT', RULE, rule());
    expect([await stateOf(RULE), await stateOf(WEB_NSG)]).toEqual(['Updating', 'Updating']);
    world.pass(999);
    expect(await stateOf(WEB_NSG)).toBe('Updating');
    world.pass(1);
    expect([await stateOf(RULE), await stateOf(WEB_NSG)]).toEqual(['Succeeded', 'Succeeded']);
  });

  it('are shared by the default rules and not by the other rules', async () => {
    await world.send('PUT', RULE, rule());
    expect(await stateOf(`${WEB_NSG}/defaultSecurityRules/DenyAllInBound`)).toBe('Updating');
    expect(await stateOf(`${WEB_NSG}/securityRules/DenyEverythingElse`)).toBe('Succeeded');
  });
});

describe('a second write while the first is Updating', () => {
  it('is accepted and cancels the first, whose rule stays', async () => {
    const first = operationOf(await world.send('PUT', RULE, rule()));
    const second = operationOf(await world.send('PUT', OTHER, rule({ priority: 101 })));
    const [one, two] = [first, second].map((url) => /operations\/([0-9a-f-]+)/.exec(url)?.[1]);
    const poll = await world.send('GET', first);
    expect(poll.status).toBe(200);
    expect(poll.body).toEqual({
      status: 'Canceled',
      error: {
        code: 'Canceled',
        message: 'Operation was canceled.',
        details: [
          {
            code: 'CanceledAndSupersededDueToAnotherOperation',
            message:
              `Operation PutSecurityRuleOperation (${one ?? ''}) was canceled and superseded by ` +
              `operation PutSecurityRuleOperation (${two ?? ''}).`,
          },
        ],
      },
    });
    world.pass(1000);
    expect((await world.send('GET', second)).body).toEqual({ status: 'Succeeded' });
    expect([await stateOf(RULE), await stateOf(OTHER)]).toEqual(['Succeeded', 'Succeeded']);
  });

  it('does not touch an operation on another NSG', async () => {
    const path = WEB_NSG.replace('nsg-web', 'nsg-new');
    const first = operationOf(await world.send('PUT', path, { location: 'westeurope' }));
    await world.send('PUT', RULE, rule());
    expect((await world.send('GET', first)).body).toEqual({ status: 'InProgress' });
  });

  it('does nothing to the first when that has already succeeded', async () => {
    const first = operationOf(await world.send('PUT', RULE, rule()));
    world.pass(1000);
    await world.send('PUT', OTHER, rule({ priority: 101 }));
    expect((await world.send('GET', first)).body).toEqual({ status: 'Succeeded' });
  });
});

describe('the synchronous part of a write', () => {
  it('refuses whoever comes meanwhile with the provider’s retryable 429', async () => {
    world.arm.settings.criticalSectionMs = 1000;
    const both = await Promise.all([
      world.send('PUT', RULE, rule()),
      world.send('PUT', OTHER, rule({ priority: 101 })),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 429]);
    const refused = both.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).toBe('14');
    expect(refused?.headers.get('x-ms-failure-cause')).toBe('service');
    expect(refused?.body['error']?.['details']?.[0]?.['code']).toBe('RetryableErrorDueToAnotherOperation');
  });
});
