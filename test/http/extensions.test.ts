import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApiWorld, type ApiWorld } from '../support/apiWorld.ts';
import { demand, oneApprover } from '../support/approvals.ts';
import { idOf, minutes, vmId } from '../support/grantWorld.ts';
import type { Answered } from '../support/httpCalls.ts';
import { alice, bob, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

let issuer: TokenIssuer;
let api: ApiWorld;
let id: string;

const as = async (who: { objectId: string }, roles: string[] = []) => ({
  authorization: `Bearer ${await issuer.sign({ oid: who.objectId, roles })}`,
});

/** Posts to the route of this name as Alice, unless the headers say otherwise. */
async function post(name: string, body: unknown, headers: Record<string, string> = {}, request = id) {
  const operation = api.operation(name);
  const path = operation.path === undefined ? {} : { path: { id: request } };
  return api.send(operation, { ...path, body }, { ...(await as(alice)), ...headers });
}
const extend = (body: unknown, headers?: Record<string, string>, request?: string) =>
  post('extendAccessRequest', body, headers, request);

const more = { duration: 'PT30M', justification: 'It takes longer' };

function errorsOf(answer: Answered): unknown {
  return (answer.json['errors'] as { field?: string; code: string }[]).map(
    ({ field, code }) => `${field ?? ''} ${code}`,
  );
}

beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  api = await createApiWorld(issuer);
  const virtualMachines = [{ id: vmId, ports: [{ number: 22 }] }];
  const made = await post('createAccessRequest', { virtualMachines, duration: 'PT1H', justification: 'x' });
  id = made.json['id'] as string;
  await api.world.runUntil(minutes(10), api.process);
});

describe('POST /api/access-requests/{id}/extend', () => {
  it('answers 200 with the new end', async () => {
    const answer = await extend(more);

    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ id, state: 'active', duration: 'PT1H30M' });
    expect(answer.json['end']).toBe((await api.world.request(id)).end);
  });

  it('answers the same to the same key, and 409 to the key with another body', async () => {
    const key = { 'idempotency-key': 'more-1' };
    const first = await extend(more, key);
    const second = await extend(more, key);
    const other = await extend({ ...more, duration: 'PT31M' }, key);

    expect([second.status, second.json['end']]).toEqual([200, first.json['end']]);
    expect(other).toMatchObject({ status: 409, json: { code: 'idempotency-key-reused' } });
  });

  it.each([
    ['a negative duration', { duration: '-PT1H' }, ['duration duration-malformed']],
    ['a duration with a negative part', { duration: 'PT-1H' }, ['duration duration-malformed']],
    ['no duration at all', { duration: 'PT0S' }, ['duration duration-malformed']],
    ['a duration beyond seven days', { duration: 'P8D' }, ['duration duration-malformed']],
    ['a duration of a thousand years', { duration: 'P365000D' }, ['duration duration-malformed']],
    ['a number as duration', { duration: 3600 }, ['duration wrong-type']],
    ['a justification of blanks', { justification: '  ' }, ['justification empty']],
    ['a justification of two lines', { justification: 'a\nb' }, ['justification unfit-characters']],
    ['a forged end', { end: '2027-01-01T00:00:00Z' }, ['end unknown']],
    ['a forged priority', { priority: 100 }, ['priority unknown']],
    ['a forged id', { id: idOf(9) }, ['id unknown']],
    ['a forged requester', { requester: bob }, ['requester unknown']],
    ['a forged state', { state: 'active' }, ['state unknown']],
    ['a forged version', { version: 99 }, ['version unknown']],
  ])('refuses %s by its field and changes nothing', async (_case, forged, errors) => {
    const before = await api.world.request(id);

    const answer = await extend({ ...more, ...forged });

    expect([answer.status, answer.json['code']]).toEqual([400, 'body-invalid']);
    expect(errorsOf(answer)).toEqual(errors);
    expect(await api.world.request(id)).toEqual(before);
  });

  it("answers alike to extending somebody else's, with whatever role, an absent and a malformed one", async () => {
    const before = await api.world.request(id);
    const answers = [
      await extend(more, await as(bob)),
      await extend(more, await as(bob, ['Sallyport.Administrator', 'Sallyport.Approver'])),
      await extend(more, {}, 'f'.repeat(32)),
      await extend(more, {}, '../audit'),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 404, json: { code: 'request-not-found' } });
    }
    expect(await api.world.request(id)).toEqual(before);
  });

  it('refuses to extend a finished one', async () => {
    await post('revokeAccessRequest', undefined);
    await api.world.runUntil(minutes(12), api.process);
    expect((await api.world.request(id)).state).toBe('closed');

    expect(await extend(more)).toMatchObject({ status: 409, json: { code: 'not-running' } });
  });

  it('refuses what goes beyond the maximum, with what is left', async () => {
    const answer = await extend({ ...more, duration: 'PT2H1S' });

    expect(answer).toMatchObject({ status: 400, json: { code: 'duration-exceeds-policy' } });
    expect(answer.json['errors']).toMatchObject([{ field: 'duration', allowed: 'PT2H' }]);
  });
});

describe('POST /api/access-requests/{id}/revoke', () => {
  it('is for approvers of the request too, and for nobody else who may see it', async () => {
    const approver = await as(bob, ['Sallyport.Approver']);
    expect((await post('revokeAccessRequest', undefined, approver)).status).toBe(404);
    await demand(api.world, { approval: oneApprover });
    expect((await extend(more)).json['extension']).toMatchObject({
      approval: { needed: [{ approvers: 1 }] },
    });
    const auditor = await as(bob, ['Sallyport.Auditor']);
    expect(await post('revokeAccessRequest', undefined, auditor)).toMatchObject({
      status: 403,
      json: { code: 'role-missing' },
    });

    expect((await post('revokeAccessRequest', undefined, approver)).status).toBe(200);

    const closing = (await api.world.audit(id)).find(({ event }) => event === 'request.closing');
    expect(closing).toMatchObject({ actor: bob.objectId, reasons: [{ code: 'revoked' }] });
  });

  it('is for whoever has approved an extension by a group, and for no other member of it', async () => {
    const group = '0000000a-0000-4000-8000-00000000000a';
    const carol = { objectId: '00000000-0000-4000-8000-0000000ca201' };
    for (const { objectId } of [bob, carol]) api.world.authorization.join(objectId, group, vmId);
    await demand(api.world, { approval: { approvers: 1, groups: [group] } });
    expect((await extend(more)).status).toBe(202);
    const yes = { decision: 'approve', comment: 'Agreed' };
    expect((await post('decideAccessRequest', yes, await as(bob))).status).toBe(200);

    expect((await post('revokeAccessRequest', undefined, await as(carol))).status).toBe(404);
    expect(await post('revokeAccessRequest', undefined, await as(bob))).toMatchObject({
      ...{ status: 200, json: { state: 'closing' } },
    });
  });
});
