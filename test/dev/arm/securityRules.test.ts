import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { World } from './client.ts';
import { names, operationOf, rule, startWorld, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

const RULE = `${WEB_NSG}/securityRules/sp-1`;

describe('PUT of a rule', () => {
  it('creates with 201 and Updating; the etag is in the body only', async () => {
    const { status, headers, body } = await world.send('PUT', RULE, rule());
    expect(status).toBe(201);
    expect(headers.get('azure-asyncnotification')).toBe('Enabled');
    expect(headers.get('retry-after')).toBe('1');
    expect(headers.get('etag')).toBeNull();
    expect(body['etag']).toMatch(/^W\/"[0-9a-f-]{36}"$/);
    expect(body['properties']?.['provisioningState']).toBe('Updating');
  });

  it('updates with 200', async () => {
    await world.send('PUT', RULE, rule());
    const { status, headers, body } = await world.send('PUT', RULE, rule({ priority: 101 }));
    expect([status, headers.get('retry-after')]).toEqual([200, '1']);
    expect(body['properties']?.['priority']).toBe(101);
  });

  it('shows properties in Azure’s order, plural lists always, unsent singular fields never', async () => {
    const sent = rule({ sourceAddressPrefixes: ['203.0.113.7', '198.51.100.0/24'] });
    delete sent.properties['sourceAddressPrefix'];
    await world.send('PUT', RULE, sent);
    const { body } = await world.send('GET', RULE);
    expect(Object.keys(body)).toEqual(['name', 'id', 'etag', 'type', 'properties']);
    expect(Object.keys(body['properties'] as object)).toEqual([
      'provisioningState',
      'protocol',
      'sourcePortRange',
      'destinationPortRange',
      'destinationAddressPrefix',
      'access',
      'priority',
      'direction',
      'sourcePortRanges',
      'destinationPortRanges',
      'sourceAddressPrefixes',
      'destinationAddressPrefixes',
    ]);
    expect(body['properties']?.['destinationAddressPrefixes']).toEqual([]);
  });

  it('gives access and direction Azure’s casing and leaves the protocol’s alone', async () => {
    await world.send('PUT', RULE, rule({ access: 'allow', direction: 'inbound', protocol: 'TCP' }));
    const { body } = await world.send('GET', RULE);
    expect(body['properties']).toMatchObject({ access: 'Allow', direction: 'Inbound', protocol: 'TCP' });
  });

  it('ignores If-Match, about which nothing is known on a rule', async () => {
    expect((await world.send('PUT', RULE, rule(), { 'if-match': 'invalid' })).status).toBe(201);
  });

  it('leaves the other rules as they are', async () => {
    const before = await world.send('GET', `${WEB_NSG}/securityRules`);
    await world.send('PUT', RULE, rule());
    const after = await world.send('GET', `${WEB_NSG}/securityRules`);
    const expected = [...names(before.body['value'] ?? {}), 'sp-1'];
    expect(names(after.body['value'] ?? {})).toEqual(expected);
  });
});

describe('DELETE of a rule', () => {
  it('is 202, empty, and takes the rule away', async () => {
    await world.send('PUT', RULE, rule());
    world.pass(1000);
    const deleted = await world.send('DELETE', RULE);
    expect([deleted.status, deleted.text]).toEqual([202, '']);
    expect(deleted.headers.get('location')).toContain('/operationResults/');
    world.pass(1000);
    expect((await world.send('GET', operationOf(deleted))).body).toEqual({ status: 'Succeeded' });
    expect((await world.send('GET', deleted.headers.get('location') ?? '')).status).toBe(204);
    expect((await world.send('GET', RULE)).status).toBe(404);
  });

  it('is 204 for a rule that is not there', async () => {
    expect((await world.send('DELETE', RULE)).status).toBe(204);
  });
});

describe('default rules', () => {
  it('can be read and carry the NSG’s etag', async () => {
    const nsg = await world.send('GET', WEB_NSG);
    const one = await world.send('GET', `${WEB_NSG}/defaultSecurityRules/DenyAllInBound`);
    expect(one.body['etag']).toBe(nsg.body['etag']);
    expect(one.body['properties']).toMatchObject({ priority: 65500, access: 'Deny', protocol: '*' });
    const list = await world.send('GET', `${WEB_NSG}/defaultSecurityRules`);
    expect(names(list.body['value'] ?? {})).toHaveLength(6);
  });

  it('cannot be written', async () => {
    const path = `${WEB_NSG}/defaultSecurityRules/DenyAllInBound`;
    expect((await world.send('PUT', path, rule())).status).toBe(405);
  });
});
