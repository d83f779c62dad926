import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { World } from './client.ts';
import { NEW_NSG, rule, startWorld, SUBSCRIPTION, WEB_GROUP, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

describe('every answer', () => {
  it('carries the headers that ARM always sends', async () => {
    const { headers } = await world.send('GET', WEB_NSG);
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('pragma')).toBe('no-cache');
    expect(headers.get('expires')).toBe('-1');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-ms-routing-request-id')).toMatch(/^WESTEUROPE:20261123T090000Z:[0-9a-f-]{36}$/);
    expect(headers.get('x-ms-arm-service-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('x-ms-operation-identifier')).toMatch(/^tenantId=.+,objectId=.+\/westeurope\//);
  });

  it('repeats the correlation id that it was asked with', async () => {
    const headers = { 'x-ms-correlation-request-id': 'c0ffee00-0000-4000-8000-000000000000' };
    const answered = await world.send('GET', WEB_NSG, undefined, headers);
    expect(answered.headers.get('x-ms-correlation-request-id')).toBe('c0ffee00-0000-4000-8000-000000000000');
    expect(world.arm.requests[0]?.correlationRequestId).toBe('c0ffee00-0000-4000-8000-000000000000');
  });
});

describe('paths', () => {
  it('match in any letter case and with doubled slashes, and the id keeps its own case', async () => {
    const odd = WEB_NSG.toUpperCase()
      .replace('/SUBSCRIPTIONS', '/subscriptions')
      .replace('MICROSOFT.NETWORK/', 'Microsoft.Network//');
    const { status, body } = await world.send('GET', odd);
    expect(status).toBe(200);
    expect(body['id']).toBe(WEB_NSG);
  });

  it('ask for permissions below an empty parent path as the SDK writes it', async () => {
    const path = `${WEB_GROUP}/providers/Microsoft.Network//networkSecurityGroups/nsg-web/providers/Microsoft.Authorization/permissions`;
    const { body } = await world.send('GET', path);
    expect(body['value']).toEqual([{ actions: ['*'], notActions: [], dataActions: [], notDataActions: [] }]);
  });
});

describe('the api-version', () => {
  it('is required', async () => {
    const { status, body } = await world.send('GET', `${WEB_NSG}?x=1`);
    expect(status).toBe(400);
    expect(body['error']?.['code']).toBe('MissingApiVersionParameter');
  });

  it('must be one that could exist', async () => {
    const { status, body } = await world.send('GET', `${WEB_NSG}?api-version=2099-01-01`);
    expect(status).toBe(400);
    expect(body['error']?.['code']).toBe('NoRegisteredProviderFound');
  });
});

describe('what is not there', () => {
  it('is, for a top-level resource, the gateway’s 404 without details', async () => {
    const { status, headers, body } = await world.send('GET', NEW_NSG);
    expect(status).toBe(404);
    expect(headers.get('x-ms-failure-cause')).toBe('gateway');
    expect(body).toEqual({
      error: {
        code: 'ResourceNotFound',
        message:
          "The Resource 'Microsoft.Network/networkSecurityGroups/nsg-new' under resource group 'Contoso-Web-RG' was not " +
          'found. For more details please go to https://aka.ms/ARMResourceNotFoundFix',
      },
    });
  });

  it.each(['GET', 'DELETE'])('is the gateway’s 404 for %s of a rule below an absent NSG', async (method) => {
    const { status, body } = await world.send(method, `${NEW_NSG}/securityRules/x`);
    expect(status).toBe(404);
    expect(body['error']?.['code']).toBe('ResourceNotFound');
  });

  it('is a missing parent for a rule that is written below an absent NSG', async () => {
    const { status, body } = await world.send('PUT', `${NEW_NSG}/securityRules/x`, rule());
    expect(status).toBe(404);
    expect(body['error']?.['code']).toBe('ParentResourceNotFound');
  });

  it('is, for a rule of an existing NSG, the provider’s 404 with details', async () => {
    const { status, headers, body } = await world.send('GET', `${WEB_NSG}/securityRules/gone`);
    expect(status).toBe(404);
    expect(headers.get('x-ms-failure-cause')).toBe('service');
    expect(body['error']).toEqual({
      code: 'NotFound',
      message: `Resource ${WEB_NSG}/securityRules/gone not found.`,
      details: [],
    });
  });

  it.each(['GET', 'PUT', 'DELETE'])('is the resource group first, for %s', async (method) => {
    const path = WEB_NSG.replace('Contoso-Web-RG', 'nowhere');
    const { status, body } = await world.send(method, path, method === 'PUT' ? rule() : undefined);
    expect(status).toBe(404);
    expect(body['error']).toEqual({
      code: 'ResourceGroupNotFound',
      message: "Resource group 'nowhere' could not be found.",
    });
  });

  it('is the subscription before anything else', async () => {
    const other = SUBSCRIPTION.replace('1', '9');
    const { status, body } = await world.send('GET', WEB_NSG.replace(SUBSCRIPTION, other));
    expect(status).toBe(404);
    expect(body['error']?.['code']).toBe('SubscriptionNotFound');
  });

  it('is an invalid type for what the simulator does not have', async () => {
    const path = `${WEB_GROUP}/providers/Microsoft.Network/azureFirewalls/fw`;
    expect((await world.send('GET', path)).body['error']?.['code']).toBe('InvalidResourceType');
  });
});
