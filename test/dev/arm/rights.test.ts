import { UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appIdentity, people } from '../../../dev/sample/people.ts';
import type { Json, World } from './client.ts';
import { operationOf, rule, startWorld, SUBSCRIPTION, textOf, WEB_GROUP, WEB_NSG } from './client.ts';

const subscription = `/subscriptions/${SUBSCRIPTION}`;
const farm = `${subscription}/resourceGroups/Contoso-Network/providers/Microsoft.Network/applicationSecurityGroups/asg-web`;
const join = 'Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action';
const gatekeeper = '00000000-0000-4000-8000-0000000401e5';
const reader = '00000000-0000-4000-8000-0000000401e4';

let world: World;
beforeEach(async () => (world = await startWorld({ settings: { rightsFrom: 'role-assignments' } })));
afterEach(() => world.arm.close());

const as = ({ objectId }: { objectId: string }) => ({
  authorization: `Bearer ${new UnsecuredJWT({ oid: objectId }).encode()}`,
});
const send = (who: { objectId: string }, method: string, path: string, body?: unknown) =>
  world.send(method, path, body, as(who));

/** Takes a role of the app away at one scope, as an administrator does. */
function take(role: string, scope: string): void {
  world.arm.access.roleAssignments = world.arm.access.roleAssignments.filter(
    (one) => one.role !== role || one.scope !== scope,
  );
}

describe('callers who may do what their roles give them', () => {
  it('read and write where a role says so, and are refused elsewhere in the words of ARM', async () => {
    expect((await send(appIdentity, 'GET', WEB_NSG)).status).toBe(200);
    expect((await send(people.frank, 'DELETE', `${WEB_NSG}/securityRules/DenySmtpOut`)).status).toBe(202);

    const refused = await send(appIdentity, 'DELETE', WEB_NSG);
    expect([refused.status, refused.headers.get('x-ms-failure-cause')]).toEqual([403, 'gateway']);
    expect(refused.body['error']).toEqual({
      code: 'AuthorizationFailed',
      message:
        `The client '${appIdentity.objectId}' with object id '${appIdentity.objectId}' does not have authorization to ` +
        `perform action 'Microsoft.Network/networkSecurityGroups/delete' over scope '${WEB_NSG}' or the scope is ` +
        'invalid. If access was recently granted, please refresh your credentials.',
    });
  });

  it('have those of their groups, and of nobody else', async () => {
    const machine = `${WEB_GROUP}/providers/Microsoft.Compute/virtualMachines/vm-web`;
    expect((await send(people.carol, 'GET', machine)).status).toBe(200);
    expect((await send(people.carol, 'GET', WEB_NSG)).status).toBe(403);
    expect((await world.send('GET', machine)).status).toBe(403);
  });

  it('have nothing by an assignment with a condition', async () => {
    for (const one of world.arm.access.roleAssignments) {
      if (one.principalId === people.frank.objectId) one.condition = "@Resource[x] StringEquals 'y'";
    }
    expect((await send(people.frank, 'GET', WEB_NSG)).status).toBe(403);
  });

  it('see these rights, each with its scope’s, when they ask for their own', async () => {
    const path = `${WEB_NSG}/providers/Microsoft.Authorization/permissions`;
    const shown = (await send(appIdentity, 'GET', path)).body['value'] as unknown as { actions: string[] }[];
    expect(shown.map(({ actions }) => actions.length)).toEqual([13, 4]);

    take(gatekeeper, WEB_GROUP);
    const left = (await send(appIdentity, 'GET', path)).body['value'] as unknown as unknown[];
    expect(left).toHaveLength(1);
  });

  it('may not write an NSG or a rule that names an application security group without the right to join that', async () => {
    take(gatekeeper, `${subscription}/resourceGroups/Contoso-Network`);
    const nsg = (await send(appIdentity, 'GET', WEB_NSG)).body;
    const refused = await send(appIdentity, 'PUT', WEB_NSG, nsg);

    expect([refused.status, refused.headers.get('x-ms-failure-cause')]).toEqual([403, 'gateway']);
    expect(refused.body['error']).toEqual({
      code: 'LinkedAuthorizationFailed',
      message:
        `The client '${appIdentity.objectId}' with object id '${appIdentity.objectId}' has permission to perform action ` +
        `'Microsoft.Network/networkSecurityGroups/write' on scope '${WEB_NSG}'; however, it does not have permission to ` +
        `perform action '${join}' on the linked scope(s) '${farm}' or the linked scope(s) are invalid.`,
    });

    const own = `${WEB_NSG}/securityRules/own`;
    const naming = rule({ sourceAddressPrefix: undefined, sourceApplicationSecurityGroups: [{ id: farm }] });
    expect((await send(appIdentity, 'PUT', own, naming)).body['error']?.['code']).toBe(
      'LinkedAuthorizationFailed',
    );
    expect((await send(appIdentity, 'PUT', own, rule())).status).toBe(201);
    expect((await send(appIdentity, 'DELETE', own)).status).toBe(202);
    expect((await send(people.frank, 'PUT', own, naming)).status).toBe(201);
  });

  it('ask for the end of a write with a right in the resource group of what was written, or above', async () => {
    const operation = operationOf(await send(appIdentity, 'PUT', `${WEB_NSG}/securityRules/own`, rule()));
    expect((await send(appIdentity, 'GET', operation)).status).toBe(200);

    const assigned = world.arm.access.roleAssignments.find(({ role }) => role === reader);
    const give = (scope: string) => {
      if (assigned !== undefined) assigned.scope = scope;
    };
    give(WEB_GROUP);
    expect((await send(appIdentity, 'GET', operation)).status).toBe(200);
    give(WEB_NSG);
    const { status, body } = await send(appIdentity, 'GET', operation);
    expect([status, body['error']?.['code']]).toEqual([403, 'AuthorizationFailed']);
    expect(textOf(body['error']?.['message'])).toContain(
      `locations/operations/read' over scope '${subscription}'`,
    );
  });
});

it('what callers may do is a setting that can be changed while it runs', async () => {
  const change = (rightsFrom: string) => world.send('PATCH', '/_sim/settings?', { rightsFrom });
  const read = async (): Promise<[number, Json | undefined]> => {
    const { status, body } = await world.send('GET', WEB_NSG);
    return [status, body['error']?.['code']];
  };
  expect(await read()).toEqual([403, 'AuthorizationFailed']);
  expect((await change('permissions')).status).toBe(200);
  expect(await read()).toEqual([200, undefined]);
  expect((await change('nobody')).status).toBe(400);
});
