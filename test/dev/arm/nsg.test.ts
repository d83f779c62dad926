import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json, World } from './client.ts';
import { names, NEW_NSG, operationOf, rule, startWorld, textOf, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

const empty = { location: 'westeurope', properties: {} };

async function rulesOf(nsg: string): Promise<unknown[]> {
  const { body } = await world.send('GET', nsg);
  return names(body['properties']?.['securityRules'] as Json);
}

describe('PUT of an NSG', () => {
  it('creates with 201, Updating, six default rules, and no ETag header', async () => {
    const { status, headers, body } = await world.send('PUT', NEW_NSG, empty);
    expect(status).toBe(201);
    expect(headers.get('azure-asyncoperation')).toContain('/operations/');
    expect(headers.get('azure-asyncnotification')).toBe('Enabled');
    expect(headers.get('retry-after')).toBe('1');
    expect(headers.get('etag')).toBeNull();
    expect(Object.keys(body)).toEqual(['name', 'id', 'etag', 'type', 'location', 'properties']);
    expect(body['properties']?.['provisioningState']).toBe('Updating');
    expect(names(body['properties']?.['defaultSecurityRules'] as Json)).toEqual([
      'AllowVnetInBound',
      'AllowAzureLoadBalancerInBound',
      'DenyAllInBound',
      'AllowVnetOutBound',
      'AllowInternetOutBound',
      'DenyAllOutBound',
    ]);
  });

  it('answers 200 and Succeeded at once, without Retry-After, when only tags change', async () => {
    const before = await world.send('GET', WEB_NSG);
    const put = await world.send('PUT', WEB_NSG, { ...before.body, tags: { env: 'other' } });
    expect(put.status).toBe(200);
    expect(put.headers.get('retry-after')).toBeNull();
    expect(operationOf(put)).toContain('/operations/');
    expect(put.body['properties']?.['provisioningState']).toBe('Succeeded');
    const after = await world.send('GET', WEB_NSG);
    expect(after.body['etag']).toBe(put.body['etag']);
    expect(after.body['etag']).not.toBe(before.body['etag']);
    expect(after.body['tags']).toEqual({ env: 'other' });
  });

  it('replaces the rules: those that the body omits are gone', async () => {
    const only = { name: 'only', ...rule() };
    const put = await world.send('PUT', WEB_NSG, { ...empty, properties: { securityRules: [only] } });
    expect(put.status).toBe(200);
    expect(put.body['properties']?.['provisioningState']).toBe('Updating');
    expect(await rulesOf(WEB_NSG)).toEqual(['only']);
  });

  it('clears the rules when the body has no list of them', async () => {
    await world.send('PUT', WEB_NSG, empty);
    expect(await rulesOf(WEB_NSG)).toEqual([]);
  });

  it('ignores what is read-only in the body', async () => {
    const { body: before } = await world.send('GET', WEB_NSG);
    const lies = {
      provisioningState: 'Failed',
      resourceGuid: 'x',
      defaultSecurityRules: [],
      networkInterfaces: [],
    };
    await world.send('PUT', WEB_NSG, {
      ...empty,
      id: '/x',
      etag: 'x',
      type: 'x/y',
      properties: { ...lies, securityRules: [{ ...rule(), name: 'a', id: '/y', etag: 'y' }] },
    });
    world.pass(1000);
    const { body } = await world.send('GET', WEB_NSG);
    expect(body['id']).toBe(WEB_NSG);
    expect(body['type']).toBe('Microsoft.Network/networkSecurityGroups');
    expect(body['properties']?.['provisioningState']).toBe('Succeeded');
    expect(body['properties']?.['resourceGuid']).toBe(before['properties']?.['resourceGuid']);
    expect(body['properties']?.['networkInterfaces']).toEqual(before['properties']?.['networkInterfaces']);
    expect(body['properties']?.['securityRules']?.[0]?.['id']).toBe(`${WEB_NSG}/securityRules/a`);
  });

  it('keeps properties that it does not know, as JSON values, at both levels', async () => {
    const future = { list: [1, 2.5, null], nested: { on: false } };
    const futureRule = { name: 'a', ...rule({ futureRule: future, futureNull: null }), newTop: [true] };
    await world.send('PUT', NEW_NSG, {
      ...empty,
      newTop: 'x',
      properties: { futureNsg: future, securityRules: [futureRule] },
    });
    const { body } = await world.send('GET', NEW_NSG);
    expect(body['newTop']).toBe('x');
    expect(body['properties']?.['futureNsg']).toEqual(future);
    const [shown] = body['properties']?.['securityRules'] as unknown as Json[];
    expect(shown?.['properties']?.['futureRule']).toEqual(future);
    expect(shown?.['properties']?.['futureNull']).toBeNull();
    expect(shown?.['newTop']).toEqual([true]);
  });

  it('loses a property that the body leaves out', async () => {
    await world.send('PUT', NEW_NSG, { ...empty, properties: { futureNsg: 1 } });
    await world.send('PUT', NEW_NSG, empty);
    const { body } = await world.send('GET', NEW_NSG);
    expect(body['properties']).not.toHaveProperty('futureNsg');
  });

  it('needs a location, and cannot move', async () => {
    expect((await world.send('PUT', NEW_NSG, {})).body['error']?.['code']).toBe('LocationRequired');
    const moved = await world.send('PUT', WEB_NSG, { location: 'northeurope' });
    expect([moved.status, moved.body['error']?.['code']]).toEqual([409, 'InvalidResourceLocation']);
  });
});

describe('PATCH of an NSG', () => {
  it('replaces the tags at once and nothing else', async () => {
    const before = await rulesOf(WEB_NSG);
    const { status, body } = await world.send('PATCH', WEB_NSG, { tags: { a: 'b' } });
    expect(status).toBe(200);
    expect(body['tags']).toEqual({ a: 'b' });
    expect(body['properties']?.['provisioningState']).toBe('Succeeded');
    expect(await rulesOf(WEB_NSG)).toEqual(before);
  });
});

describe('DELETE of an NSG', () => {
  it('is refused while an interface uses it', async () => {
    const { status, body } = await world.send('DELETE', WEB_NSG);
    expect([status, body['error']?.['code']]).toEqual([400, 'InUseNetworkSecurityGroupCannotBeDeleted']);
    expect(textOf(body['error']?.['message'])).toContain('networkInterfaces/vm-web-nic');
  });

  it('is 202, empty, with operation and result URLs; the NSG goes when the operation ends', async () => {
    await world.send('PUT', NEW_NSG, empty);
    world.pass(1000);
    const { status, headers, text } = await world.send('DELETE', NEW_NSG);
    expect([status, text, headers.get('content-length')]).toEqual([202, '', '0']);
    const operation = headers.get('azure-asyncoperation') ?? '';
    expect(headers.get('location')).toBe(operation.replace('/operations/', '/operationResults/'));
    expect(headers.get('retry-after')).toBe('1');
    expect((await world.send('GET', NEW_NSG)).body['properties']?.['provisioningState']).toBe('Deleting');
    world.pass(1000);
    expect((await world.send('GET', NEW_NSG)).status).toBe(404);
  });

  it('is 204 when it is not there', async () => {
    expect((await world.send('DELETE', NEW_NSG)).status).toBe(204);
  });
});
