import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDecisionHandlers } from '../../../src/http/decisions.ts';
import { idOf, minutes, vmId } from '../../support/grantWorld.ts';
import { call, surroundings } from '../../support/httpCalls.ts';
import { createJitWorld } from '../../support/jitWorld.ts';
import type { JitWorld } from '../../support/jitWorld.ts';
import { alice, bob, startTokenIssuer } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';

const group = vmId.replace(/^\//, '').replace(/\/providers.*/, '');
const policy = `${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
const database = '0000000a-0000-4000-8000-00000000000a';
const id = idOf(1);

let issuer: TokenIssuer;
let jit: JitWorld;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  jit = await createJitWorld(issuer);
  const ports = [
    {
      number: 22,
      protocol: 'TCP',
      allowedSourceAddressPrefix: '203.0.113.0/24',
      maxRequestAccessDuration: 'PT3H',
    },
  ];
  const conditions = { approval: { approvers: 1, groups: [database] } };
  const properties = { virtualMachines: [{ id: vmId, ports }], sallyport: { conditions } };
  expect((await jit.ask('PUT', policy, { properties })).status).toBe(200);
  const virtualMachines = [{ id: vmId, ports: [{ number: 22, duration: 'PT1H' }] }];
  expect((await jit.ask('POST', `${policy}/initiate`, { virtualMachines })).status).toBe(202);
});

async function decide(who: { objectId: string }, decision: 'approve' | 'deny', ...roles: string[]) {
  const handlers = createDecisionHandlers({ ...surroundings(issuer), service: () => jit.process.service });
  const token = await issuer.sign({ oid: who.objectId, roles, scp: 'access_as_user' });
  return jit.world.clock.run(
    call(handlers.decide, {
      method: 'POST',
      path: `/api/access-requests/${id}/decision`,
      params: { id },
      headers: { authorization: `Bearer ${token}` },
      body: { decision, comment: 'Agreed' },
    }),
  );
}

describe('what was initiated by Microsoft’s API and waits for approval', () => {
  it('is opened by an approver', async () => {
    expect(await decide(bob, 'approve', 'Sallyport.Approver')).toMatchObject({
      status: 200,
      json: { state: 'opening' },
    });
  });

  it('is not approved by whoever initiated it, with whatever role', async () => {
    const roles = ['Sallyport.Approver', 'Sallyport.Administrator', 'Sallyport.BreakGlass'];

    expect(await decide(alice, 'approve', ...roles)).toMatchObject({
      status: 403,
      json: { code: 'own-request' },
    });
    expect((await jit.world.request(id)).state).toBe('pending');
  });

  it('is not approved any more once it is finished', async () => {
    await decide(bob, 'deny', 'Sallyport.Approver');
    await jit.world.runUntil(minutes(3), jit.process);
    const before = await jit.world.request(id);

    expect(await decide(bob, 'approve', 'Sallyport.Approver')).toMatchObject({
      status: 409,
      json: { code: 'not-pending' },
    });
    expect(await jit.world.request(id)).toEqual(before);
    expect(jit.world.ownedRules()).toEqual([]);
  });

  it('is not decided by somebody whose role was just removed', async () => {
    jit.world.authorization.join(bob.objectId, database, vmId);
    jit.world.authorization.leave(bob.objectId, database);

    expect(await decide(bob, 'approve')).toMatchObject({ status: 404, json: { code: 'request-not-found' } });
    expect((await jit.world.request(id)).state).toBe('pending');
  });

  it('is not opened where whoever initiated it has lost the right by then', async () => {
    jit.world.authorization.deny({ objectId: alice.objectId });

    expect(await decide(bob, 'approve', 'Sallyport.Approver')).toMatchObject({
      status: 403,
      json: { code: 'not-authorized' },
    });
    expect((await jit.world.request(id)).state).toBe('denied');
    expect(jit.world.ownedRules()).toEqual([]);
  });
});

describe('deleting a policy of Microsoft’s API', () => {
  it('denies what still waits, once somebody approves it', async () => {
    expect((await jit.ask('DELETE', policy)).status).toBe(200);

    expect((await decide(bob, 'approve', 'Sallyport.Approver')).status).toBe(403);
    expect((await jit.world.request(id)).state).toBe('denied');
  });

  it('leaves open what is open, until its end', async () => {
    await decide(bob, 'approve', 'Sallyport.Approver');
    await jit.world.runUntil(minutes(5), jit.process);
    expect((await jit.ask('DELETE', policy)).status).toBe(200);

    await jit.world.runUntil(minutes(58), jit.process);
    expect((await jit.world.request(id)).state).toBe('active');
    await jit.world.runUntil(minutes(63), jit.process);
    expect((await jit.world.request(id)).state).toBe('closed');
    expect(jit.world.ownedRules()).toEqual([]);
  });
});
