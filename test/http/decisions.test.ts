import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { demand, oneApprover } from '../support/approvals.ts';
import { createApiWorld, undescribedPart, type ApiWorld, type Sent } from '../support/apiWorld.ts';
import { vmId } from '../support/grantWorld.ts';
import type { Answered } from '../support/httpCalls.ts';
import { alice, bob, startTokenIssuer, type TokenIssuer } from '../support/tokenIssuer.ts';

const database = '0000000a-0000-4000-8000-00000000000a';
const body = {
  virtualMachines: [{ id: vmId, ports: [{ number: 22 }] }],
  duration: 'PT1H',
  justification: 'Ticket 4711',
};

let issuer: TokenIssuer;
let api: ApiWorld;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  api = await createApiWorld(issuer);
  await demand(api.world, { approval: oneApprover });
});

async function send(
  name: string,
  what: Pick<Sent, 'path' | 'query' | 'body' | 'headers'>,
  who: { objectId: string } = alice,
  ...roles: string[]
): Promise<Answered> {
  const operation = api.operation(name);
  const token = await issuer.sign({ oid: who.objectId, roles, scp: 'access_as_user' });
  const answer = await api.send(operation, what, { authorization: `Bearer ${token}` });
  expect(undescribedPart(operation, answer)).toBeUndefined();
  return answer;
}

async function asked(changes: object = {}): Promise<string> {
  const answer = await send('createAccessRequest', { body: { ...body, ...changes } });
  expect(answer.status, answer.text).toBe(202);
  return answer.json['id'] as string;
}

const decide = (id: string, decision: unknown, who = bob, ...roles: string[]) =>
  send('decideAccessRequest', { path: { id }, body: decision }, who, ...roles);
const carol = { objectId: '00000000-0000-4000-8000-0000000ca201' };
const yes = { decision: 'approve', comment: 'Agreed' };

describe('POST /api/access-requests/{id}/decision', () => {
  it('opens what an approver approves, and shows who did', async () => {
    const id = await asked();
    const waiting = await send('getAccessRequest', { path: { id } });
    expect(waiting.json).toMatchObject({
      state: 'pending',
      approval: { needed: [{ approvers: 1, groups: [], given: 0 }], given: [] },
    });
    expect(Object.keys(waiting.json)).not.toEqual(expect.arrayContaining(['start']));
    expect(waiting.json).not.toHaveProperty('end');

    const answer = await decide(id, yes, bob, 'Sallyport.Approver');

    expect(answer).toMatchObject({
      status: 200,
      json: {
        state: 'opening',
        approval: {
          needed: [{ given: 1 }],
          given: [{ by: { objectId: bob.objectId }, comment: 'Agreed' }],
        },
      },
    });
    expect(answer.json).toHaveProperty('end');
  });

  it('records who was refused, in a partition of its own, as far as their quota goes', async () => {
    const id = await asked();
    const sent = { decision: 'approve', comment: 'Let me' };
    for (let time = 0; time < 21; time += 1) {
      expect((await decide(id, sent, bob, 'Sallyport.Auditor')).json['code']).toBe('not-an-approver');
    }

    const november = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' };
    const { records } = await api.world.stores.audit.query({ ...november, requesterId: alice.objectId });
    const refused = records.filter(({ event }) => event === 'request.decision-refused');
    expect(refused).toHaveLength(20);
    expect(new Set(refused.map(({ partition }) => partition)).size).toBe(20);
    expect(refused[0]).toMatchObject({
      ...{ actor: bob.objectId, requester: { objectId: alice.objectId }, virtualMachines: [{ id: vmId }] },
      details: { requestId: id, wanted: 'approve', code: 'not-an-approver', comment: 'Let me' },
    });
    expect((await api.world.audit(id)).map(({ event }) => event)).toEqual(['request.pending']);
  });

  it('refuses approving one’s own', async () => {
    const id = await asked();

    expect(await decide(id, yes, alice, 'Sallyport.Approver')).toMatchObject({
      ...{ status: 403, json: { code: 'own-request' } },
    });
  });

  it('refuses a finished request', async () => {
    const id = await asked();
    expect((await decide(id, { ...yes, decision: 'deny' }, bob, 'Sallyport.Approver')).json).toMatchObject({
      ...{ state: 'denied', reason: { code: 'denied-by-approver' } },
    });

    expect(await decide(id, yes, bob, 'Sallyport.Approver')).toMatchObject({
      ...{ status: 409, json: { code: 'not-pending' } },
    });
  });

  it('refuses deciding with a role that was just removed', async () => {
    await demand(api.world, { approval: { approvers: 1, groups: [database] } });
    const id = await asked();
    api.world.authorization.join(bob.objectId, database, vmId);
    expect((await send('getAccessRequest', { path: { id } }, bob)).status).toBe(200);
    api.world.authorization.leave(bob.objectId, database);

    // What nobody may decide is not there for them at all.
    expect(await decide(id, yes, bob)).toMatchObject({ status: 404, json: { code: 'request-not-found' } });
    expect((await send('getAccessRequest', { path: { id } })).json).toMatchObject({ state: 'pending' });
  });

  it('tells the approver what is against it by now', async () => {
    const id = await asked();
    api.world.authorization.deny({ objectId: alice.objectId });

    expect(await decide(id, yes, bob, 'Sallyport.Approver')).toMatchObject({
      ...{ status: 403, json: { code: 'not-authorized' } },
    });
    expect((await send('getAccessRequest', { path: { id } })).json).toMatchObject({ state: 'denied' });
  });

  it.each<[string, unknown, string]>([
    ['no decision', { comment: 'Agreed' }, 'decision'],
    ['a decision of its own', { decision: 'maybe', comment: 'Agreed' }, 'decision'],
    ['no comment', { decision: 'approve' }, 'comment'],
    ['an empty comment', { decision: 'approve', comment: ' ' }, 'comment'],
    ['a comment of two lines', { decision: 'approve', comment: 'a\nb' }, 'comment'],
    ['a comment without end', { decision: 'deny', comment: 'x'.repeat(1001) }, 'comment'],
    ['somebody else as approver', { ...yes, by: alice.objectId }, 'by'],
    ['a list', [yes], ''],
  ])('refuses a body with %s', async (_what, sent, field) => {
    const id = await asked();

    const answer = await decide(id, sent, bob, 'Sallyport.Approver');

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-invalid' } });
    const errors = answer.json['errors'] as { field?: string }[];
    expect(errors[0]?.field ?? '').toBe(field);
    expect((await send('getAccessRequest', { path: { id } })).json).toMatchObject({ state: 'pending' });
  });

  it('answers a call with the same key as the first one was, and takes it for nothing else', async () => {
    await demand(api.world, { approval: { approvers: 2, groups: [database] } });
    api.world.authorization.join(bob.objectId, database, vmId);
    const id = await asked();
    const headers = { 'Idempotency-Key': 'agreed' };
    const again = (decision: unknown, ...roles: string[]) =>
      send('decideAccessRequest', { path: { id }, body: decision, headers }, bob, ...roles);

    const first = await again(yes);
    expect(first).toMatchObject({ status: 200, json: { state: 'pending' } });
    expect(await again(yes)).toMatchObject({ status: 200, json: first.json });
    expect((await decide(id, yes, bob, 'Sallyport.Approver')).json['code']).toBe('decided-already');
    expect(await again({ ...yes, decision: 'deny' })).toMatchObject({
      ...{ status: 409, json: { code: 'idempotency-key-reused' } },
    });
    expect((await send('getAccessRequest', { path: { id } })).json).toMatchObject({
      ...{ state: 'pending', approval: { given: [{ by: { objectId: bob.objectId } }] } },
    });
    // The key is each one's own.
    const carols = { path: { id }, body: yes, headers };
    expect(await send('decideAccessRequest', carols, carol, 'Sallyport.Approver')).toMatchObject({
      ...{ status: 200, json: { state: 'opening' } },
    });
  });

  it('answers it so too where the last yes came to a no', async () => {
    const id = await asked();
    api.world.authorization.deny({ objectId: alice.objectId });
    const once = () =>
      send(
        'decideAccessRequest',
        { path: { id }, body: yes, headers: { 'Idempotency-Key': 'agreed' } },
        bob,
        'Sallyport.Approver',
      );

    const [first, second] = [await once(), await once()];

    expect(first).toMatchObject({ status: 403, json: { code: 'not-authorized' } });
    expect(second).toMatchObject({ status: 403, json: { errors: first.json['errors'] } });
  });

  it('goes on showing a request to a member of the group that has said no to it', async () => {
    await demand(api.world, { approval: { approvers: 1, groups: [database] } });
    api.world.authorization.join(bob.objectId, database, vmId);
    const id = await asked();
    expect((await decide(id, { ...yes, decision: 'deny' })).json).toMatchObject({ state: 'denied' });

    expect((await send('getAccessRequest', { path: { id } }, bob)).json).toMatchObject({ state: 'denied' });
    expect((await send('getAccessRequest', { path: { id } }, carol)).status).toBe(404);
  });

  it('hides a request that waits from whoever may not decide', async () => {
    const id = await asked();

    expect((await decide(id, yes, bob)).status).toBe(404);
    expect((await send('getAccessRequest', { path: { id } }, bob)).status).toBe(404);
    expect((await send('getAccessRequest', { path: { id } }, bob, 'Sallyport.Approver')).status).toBe(200);
  });
});

describe('a request with forged state or approval fields', () => {
  it.each([
    ['state', 'active'],
    ['approval', { rules: [], given: [{}] }],
    ['decision', { outcome: 'granted' }],
    ['requester', { objectId: bob.objectId }],
    ['authorizedAt', '2026-11-23T12:00:00Z'],
    ['version', 7],
    ['end', '2027-01-01T00:00:00Z'],
  ])('is refused by the name of the field: %s', async (field, value) => {
    const answer = await send('createAccessRequest', { body: { ...body, [field]: value } });

    expect(answer).toMatchObject({ status: 400, json: { errors: [{ field, code: 'unknown' }] } });
    expect(await api.world.stores.live.unended()).toEqual([]);
  });

  it.each([
    ['start', 'tomorrow'],
    ['start', '2026-11-24T08:00:00'],
    ['start', 1_800_000_000],
    ['breakGlass', 'yes'],
  ])('is refused where %s is %j', async (field, value) => {
    const answer = await send('createAccessRequest', { body: { ...body, [field]: value } });

    expect(answer).toMatchObject({ status: 400, json: { errors: [{ field }] } });
  });
});

describe('the list', () => {
  it('shows approvers what they may decide, and others nothing of it', async () => {
    const id = await asked();
    const idsOf = async (who: { objectId: string }, ...roles: string[]) => {
      const { json } = await send('listAccessRequests', { query: { decidable: 'true' } }, who, ...roles);
      return (json['value'] as { id: string }[]).map((each) => each.id);
    };

    expect(await idsOf(bob, 'Sallyport.Approver')).toEqual([id]);
    expect(await idsOf(bob)).toEqual([]);
    expect(await idsOf(alice, 'Sallyport.Approver')).toEqual([]);
    await decide(id, yes, bob, 'Sallyport.Approver');
    expect(await idsOf(bob, 'Sallyport.Approver')).toEqual([]);
  });

  it('shows open reviews to those who may see them', async () => {
    const refused = await send('createAccessRequest', { body: { ...body, breakGlass: true } });
    expect(refused).toMatchObject({ status: 403, json: { code: 'role-missing' } });
    const made = await send(
      'createAccessRequest',
      { body: { ...body, breakGlass: true } },
      alice,
      'Sallyport.BreakGlass',
    );
    expect(made.json).toMatchObject({ state: 'opening', breakGlass: {} });
    const id = made.json['id'] as string;
    const open = (who: { objectId: string }, ...roles: string[]) =>
      send('listAccessRequests', { query: { review: 'open' } }, who, ...roles);

    expect((await open(bob)).status).toBe(403);
    expect((await open(bob, 'Sallyport.Auditor')).json['value']).toMatchObject([{ id }]);
    const comment = { comment: 'The database had stopped' };
    const reviewed = await send(
      'reviewAccessRequest',
      { path: { id }, body: comment },
      bob,
      'Sallyport.Approver',
    );
    expect(reviewed.json).toMatchObject({
      breakGlass: { reviewed: { ...comment, by: { objectId: bob.objectId } } },
    });
    expect((await open(bob, 'Sallyport.Auditor')).json['value']).toEqual([]);
  });

  it('takes a review that is sent again with its key for the same', async () => {
    const made = await send(
      ...(['createAccessRequest', { body: { ...body, breakGlass: true } }, alice] as const),
      'Sallyport.BreakGlass',
    );
    const id = made.json['id'] as string;
    const review = async (comment: string) => {
      const headers = { 'Idempotency-Key': 'looked-at' };
      const sent = { path: { id }, body: { comment }, headers };
      const { status, json } = await send('reviewAccessRequest', sent, bob, 'Sallyport.Approver');
      return [status, json['code']];
    };

    expect(await review('It had stopped')).toEqual([200, undefined]);
    expect(await review('It had stopped')).toEqual([200, undefined]);
    expect(await review('It went on')).toEqual([409, 'idempotency-key-reused']);
  });

  it.each([{ decidable: 'false' }, { review: 'closed' }])('refuses %j', async (query) => {
    expect((await send('listAccessRequests', { query })).status).toBe(400);
  });
});

describe('POST /api/access-requests/{id}/revoke', () => {
  it('keeps the comment of whoever ends it first, and shows who that was', async () => {
    await demand(api.world, {});
    const id = await asked();
    const end = (comment: string, who: { objectId: string }, ...roles: string[]) =>
      send('revokeAccessRequest', { path: { id }, body: { comment } }, who, ...roles);

    const ended = await end('The restart is done', bob, 'Sallyport.Administrator');
    const revoked = { by: { objectId: bob.objectId }, comment: 'The restart is done' };
    expect(ended).toMatchObject({ status: 200, json: { state: 'closing', revoked } });
    expect((await end('Me too', alice)).json).toMatchObject({ revoked });
    expect((await api.world.audit(id)).at(-1)).toMatchObject({
      ...{ event: 'request.closing', actor: bob.objectId, details: { comment: 'The restart is done' } },
    });
  });
});
