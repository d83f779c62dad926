import { afterEach, expect, it } from 'vitest';
import type { World } from './client.ts';
import { operationOf, rule, sample, startWorld, textOf, WEB_GROUP, WEB_NSG } from './client.ts';

let world: World;
afterEach(() => world.arm.close());

const RULE = `${WEB_NSG}/securityRules/DenySmtpOut`;
const LOCK = `${WEB_GROUP}/providers/Microsoft.Authorization/locks/keep`;

it('a delete lock on the group refuses DELETE of a rule, and a PUT without the rule goes through', async () => {
  world = await startWorld();
  expect((await world.send('PUT', LOCK, { properties: { level: 'CanNotDelete' } })).status).toBe(201);
  const refused = await world.send('DELETE', RULE);
  expect(refused.status).toBe(409);
  expect(refused.body['error']).toEqual({
    code: 'ScopeLocked',
    message:
      `The scope '${RULE}' cannot perform delete operation because following scope(s) are locked: '${WEB_GROUP}'. ` +
      'Please remove the lock and try again.',
  });
  const put = await world.send('PUT', WEB_NSG, { location: 'westeurope', properties: { securityRules: [] } });
  expect(put.status).toBe(200);
  expect((await world.send('GET', RULE)).status).toBe(404);
});

it('a read-only lock refuses writes too, and reading goes on', async () => {
  world = await startWorld({
    state: { ...sample(), locks: [{ name: 'ro', scope: WEB_GROUP.toLowerCase(), level: 'ReadOnly' }] },
  });
  const refused = await world.send('PUT', `${WEB_NSG}/securityRules/sp-1`, rule());
  expect([refused.status, refused.body['error']?.['code']]).toEqual([409, 'ScopeLocked']);
  expect(textOf(refused.body['error']?.['message'])).toContain('cannot perform write operation');
  expect((await world.send('GET', WEB_NSG)).status).toBe(200);
});

it('a lock can be listed below its scope and removed', async () => {
  world = await startWorld();
  await world.send('PUT', LOCK, { properties: { level: 'ReadOnly' } });
  const list = await world.send('GET', `${WEB_NSG}/providers/Microsoft.Authorization/locks`);
  expect(list.body['value']?.[0]).toMatchObject({ id: LOCK, properties: { level: 'ReadOnly' } });
  expect((await world.send('DELETE', LOCK)).status).toBe(200);
  expect((await world.send('DELETE', LOCK)).status).toBe(204);
  expect((await world.send('PATCH', WEB_NSG, { tags: {} })).status).toBe(200);
});

it('the rights in the state decide what a caller may do, and the permissions API shows them', async () => {
  const permissions = [
    { principalId: '*', scope: '/', actions: ['*/read'] },
    {
      principalId: '*',
      scope: WEB_GROUP,
      actions: ['Microsoft.Network/networkSecurityGroups/*'],
      notActions: ['*/delete'],
    },
  ];
  world = await startWorld({ state: { ...sample(), permissions } });
  const put = await world.send('PUT', `${WEB_NSG}/securityRules/sp-1`, rule());
  expect(put.status).toBe(201);
  expect((await world.send('GET', operationOf(put))).status).toBe(200);
  const refused = await world.send('DELETE', RULE);
  expect(refused.status).toBe(403);
  expect(refused.headers.get('connection')).toBe('close');
  expect(textOf(refused.body['error']?.['message'])).toContain('networkSecurityGroups/securityRules/delete');
  const elsewhere = WEB_NSG.replace('Contoso-Web-RG', 'Contoso-Network').replace('nsg-web', 'nsg-data');
  expect((await world.send('PATCH', elsewhere, { tags: {} })).status).toBe(403);
  const shown = await world.send('GET', `${WEB_NSG}/providers/Microsoft.Authorization/permissions`);
  expect(shown.body['value']).toHaveLength(2);
});

it.each([
  ['a right in a group of it', [WEB_GROUP], ['11111111-2222-3333-4444-555555555555']],
  ['a right above it', ['/'], ['11111111-2222-3333-4444-555555555555']],
  ['no right at all', [], []],
])(
  'with %s, the list of subscriptions shows as much, and counts for the tenant',
  async (_what, scopes, seen) => {
    const permissions = scopes.map((scope) => ({
      principalId: '*',
      scope,
      actions: ['*/read'],
      notActions: [],
    }));
    world = await startWorld({ state: { ...sample(), permissions } });
    const { status, headers, body } = await world.send('GET', '/subscriptions');
    expect(status).toBe(200);
    expect(
      (body['value'] as unknown as { subscriptionId: string }[]).map((one) => one.subscriptionId),
    ).toEqual(seen);
    expect(headers.get('x-ms-ratelimit-remaining-tenant-reads')).toBe('249');
    expect(headers.get('x-ms-ratelimit-remaining-subscription-reads')).toBeNull();
  },
);
