import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actions } from '../../src/core/authorization.ts';
import { policyPartition } from '../../src/core/policyRecord.ts';
import { createApiWorld } from '../support/apiWorld.ts';
import type { ApiWorld, Sent } from '../support/apiWorld.ts';
import { vmId } from '../support/grantWorld.ts';
import { errorsOf } from '../support/accessRequestApi.ts';
import type { Answered } from '../support/httpCalls.ts';
import { alice, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

const path = { name: 'web' };
const port = {
  number: 22,
  protocol: 'tcp',
  allowedSourceAddressPrefixes: ['203.0.113.0/24'],
  maxRequestAccessDuration: 'PT3H',
};
const body = (changes: object = {}) => ({
  entries: [{ selector: { virtualMachineIds: [vmId] }, ports: [port] }],
  ...changes,
});
const withPort = (changes: object) =>
  body({ entries: [{ selector: { virtualMachineIds: [vmId] }, ports: [{ ...port, ...changes }] }] });
const withSelector = (selector: object) => body({ entries: [{ selector, ports: [port] }] });

async function ask(api: ApiWorld, name: string, sent: Sent, roles: string[] = []): Promise<Answered> {
  const authorization = `Bearer ${await issuer.sign({ oid: alice.objectId, roles })}`;
  return api.send(api.operation(name), sent, { authorization });
}

/** Whether nothing was stored nor recorded of a policy. */
async function isUntouched({ world }: ApiWorld): Promise<boolean> {
  const stored = await world.stores.policies.get('web');
  return stored === undefined && (await world.stores.audit.read(policyPartition('web'))).length === 0;
}

describe('a policy over HTTP', () => {
  it('is put, shown with its version as ETag, changed by that ETag, listed and deleted', async () => {
    const api = await createApiWorld(issuer);

    const made = await ask(api, 'putPolicy', { path, headers: { 'If-None-Match': '*' }, body: body() });
    expect(made).toMatchObject({
      status: 200,
      headers: { etag: '"1"' },
      json: {
        isDryRun: false,
        policy: {
          id: 'web',
          version: 1,
          changedBy: alice.objectId,
          baseline: { kind: 'internet' },
          entries: [{ ports: [{ protocol: 'Tcp' }] }],
        },
      },
    });
    expect(await ask(api, 'getPolicy', { path })).toMatchObject({ status: 200, headers: { etag: '"1"' } });

    const narrower = withPort({ maxRequestAccessDuration: 'PT1H' });
    const changed = await ask(api, 'putPolicy', { path, headers: { 'If-Match': '"1"' }, body: narrower });
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    const late = await ask(api, 'putPolicy', { path, headers: { 'If-Match': '"1"' }, body: body() });
    expect(late).toMatchObject({ status: 412, json: { code: 'policy-changed' } });

    const listed = await ask(api, 'listPolicies', {});
    expect((listed.json['value'] as { id: string }[]).map(({ id }) => id)).toEqual(['ssh', 'web']);
    expect(await ask(api, 'deletePolicy', { path })).toMatchObject({ status: 200 });
    expect(await ask(api, 'getPolicy', { path })).toMatchObject({ status: 404 });
  });

  it('says by a dry run what would be different, and changes nothing', async () => {
    const api = await createApiWorld(issuer);
    const answer = await ask(api, 'putPolicy', { path, query: { dryRun: 'true' }, body: body() });

    expect(answer).toMatchObject({ status: 200, json: { isDryRun: true } });
    expect(answer.json['changes']).toHaveLength(2);
    expect(await isUntouched(api)).toBe(true);
  });

  it('is a whole: conditions that a PUT leaves out are gone', async () => {
    const api = await createApiWorld(issuer);
    await ask(api, 'putPolicy', { path, body: body({ conditions: { largestSource: { IPv4: 32 } } }) });
    await ask(api, 'putPolicy', { path, body: body() });

    expect((await ask(api, 'getPolicy', { path })).json['conditions']).toEqual({});
  });

  it('takes that established flows are cut, and its dry run says of what', async () => {
    const api = await createApiWorld(issuer);
    const flushing = body({ conditions: { flushConnection: true } });
    const foreseen = await ask(api, 'putPolicy', { path, body: flushing, query: { dryRun: 'true' } });
    expect(foreseen.json['changes']).toContainEqual(
      expect.stringContaining('Established flows of the whole NSG are cut when a grant ends.'),
    );
    expect(await isUntouched(api)).toBe(true);

    expect((await ask(api, 'putPolicy', { path, body: flushing })).status).toBe(200);
    expect((await ask(api, 'getPolicy', { path })).json['conditions']).toEqual({ flushConnection: true });
  });

  it('does not take a flushConnection that is neither true nor false', async () => {
    const api = await createApiWorld(issuer);
    const answer = await ask(api, 'putPolicy', {
      path,
      body: body({ conditions: { flushConnection: 'yes' } }),
    });

    expect(answer.status).toBe(400);
    expect(errorsOf(answer)[0]).toMatchObject({ field: 'conditions.flushConnection' });
    expect(await isUntouched(api)).toBe(true);
  });

  it('is nobody’s whom Azure does not let, and says which machine', async () => {
    const api = await createApiWorld(issuer);
    api.world.authorization.deny({ scope: vmId, action: actions.writeVirtualMachine });
    const answer = await ask(api, 'putPolicy', { path, body: body() });

    expect(answer).toMatchObject({ status: 403, json: { code: 'not-authorized' } });
    expect(errorsOf(answer)[0]?.field).toBe('entries[0].selector.virtualMachineIds[0]');
    expect(await isUntouched(api)).toBe(true);
  });

  it('releases what has left, for administrators only', async () => {
    const api = await createApiWorld(issuer);
    const release = { path: { name: 'ssh' }, body: { virtualMachineIds: [vmId] } };
    const administrator = ['Sallyport.Administrator'];

    expect(await ask(api, 'releasePolicy', release)).toMatchObject({ status: 403 });
    expect(await ask(api, 'releasePolicy', release, administrator)).toMatchObject({
      status: 409,
      json: { code: 'not-releasable' },
    });
    const stored = await api.world.stores.policies.get('ssh');
    if (stored === undefined) throw new Error('There is no policy.');
    const left = [{ virtualMachineId: vmId, at: '2026-11-23T11:00:00.000Z' }];
    await api.world.stores.policies.replace({ ...stored.row, left }, stored.etag);
    expect(await ask(api, 'releasePolicy', release, administrator)).toMatchObject({ status: 200 });
  });
});

describe('a policy that is wrong', () => {
  const window = { days: [1], from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' };
  const conditioned = (conditions: object) => body({ conditions });
  it.each([
    ['an unknown field', body({ trust: 'everybody' }), 'trust', 'unknown'],
    ['a forged version', body({ version: 99 }), 'version', 'unknown'],
    ['a forged state', body({ provisioning: { state: 'succeeded' } }), 'provisioning', 'unknown'],
    ['a forged state of its own', body({ state: 'succeeded' }), 'state', 'unknown'],
    ['forged requests', body({ requests: [{ requestor: 'mallory' }] }), 'requests', 'unknown'],
    ['a forged requestor', body({ requestor: 'mallory' }), 'requestor', 'unknown'],
    ['a forged author', body({ changedBy: alice.objectId }), 'changedBy', 'unknown'],
    ['a forged release', body({ released: [vmId] }), 'released', 'unknown'],
    ['no entries', { entries: [] }, 'entries', 'empty'],
    ['port 0', withPort({ number: 0 }), 'entries[0].ports[0].number', 'out-of-range'],
    ['a priority', withPort({ priority: 100 }), 'entries[0].ports[0].priority', 'unknown'],
    [
      'a source with host bits',
      withPort({ allowedSourceAddressPrefixes: ['203.0.113.9/24'] }),
      'entries[0].ports[0].allowedSourceAddressPrefixes[0]',
      'source-malformed',
    ],
    [
      'a duration in months',
      withPort({ maxRequestAccessDuration: 'P1M' }),
      'entries[0].ports[0].maxRequestAccessDuration',
      'duration-malformed',
    ],
    ['no selector at all', withSelector({}), 'entries[0].selector', 'malformed'],
    [
      'two kinds of selector',
      withSelector({ virtualMachineIds: [vmId], scopes: ['/subscriptions/x'] }),
      'entries[0].selector.scopes[0]',
      'malformed',
    ],
    [
      'tags of machines that are named',
      withSelector({ virtualMachineIds: [vmId], tags: { a: 'b' } }),
      'entries[0].selector',
      'malformed',
    ],
    [
      'a scope with a slash at its end',
      withSelector({ scopes: [`${vmId.split('/').slice(0, 5).join('/')}/`] }),
      'entries[0].selector.scopes[0]',
      'malformed',
    ],
    ['everything there is', withSelector({ scopes: ['/'] }), 'entries[0].selector.scopes[0]', 'malformed'],
    [
      'one machine twice',
      withSelector({ virtualMachineIds: [vmId, vmId.toUpperCase()] }),
      'entries[0].selector.virtualMachineIds[1]',
      'duplicate',
    ],
    [
      'one port twice',
      body({
        entries: [{ selector: { virtualMachineIds: [vmId] }, ports: [port, { ...port, protocol: '*' }] }],
      }),
      'entries[0].ports[1]',
      'duplicate',
    ],
    [
      'an expression with a lookahead',
      conditioned({ justificationPattern: '(?=a)b' }),
      'conditions.justificationPattern',
      'malformed',
    ],
    [
      'an expression that repeats without bound in a repetition',
      conditioned({ justificationPattern: '((a{1,30}){1,30}){1,30}' }),
      'conditions.justificationPattern',
      'malformed',
    ],
    [
      'a zone that there is not',
      conditioned({ timeWindows: [{ ...window, timeZone: '+01:00' }] }),
      'conditions.timeWindows[0].timeZone',
      'not-allowed',
    ],
    [
      'a window past midnight',
      conditioned({ timeWindows: [{ ...window, from: '22:00', to: '06:00' }] }),
      'conditions.timeWindows[0].to',
      'malformed',
    ],
    [
      'approval by nobody',
      conditioned({ approval: { approvers: 0, groups: [] } }),
      'conditions.approval.approvers',
      'out-of-range',
    ],
    ['a baseline for some', body({ baseline: { kind: 'some' } }), 'baseline.kind', 'not-allowed'],
    [
      'exceptions from the internet',
      body({ baseline: { kind: 'internet', except: ['10.0.0.0/26'] } }),
      'baseline.except',
      'unknown',
    ],
  ])('is refused for %s by the name of the field', async (_, wrong, field, code) => {
    const api = await createApiWorld(issuer);
    const answer = await ask(api, 'putPolicy', { path, body: wrong });

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-invalid' } });
    expect(errorsOf(answer)).toContainEqual(expect.objectContaining({ field, code }));
    expect(await isUntouched(api)).toBe(true);
  });

  it('is told everything that is wrong at once', async () => {
    const api = await createApiWorld(issuer);
    const wrong = {
      ...withPort({ number: 0, protocol: 'icmp' }),
      conditions: { unknown: 1 },
      baseline: { kind: 'some', except: ['nowhere'] },
      odd: 1,
    };
    const answer = await ask(api, 'putPolicy', { path, body: wrong });

    expect(errorsOf(answer).map(({ field }) => field)).toEqual(
      expect.arrayContaining([
        'entries[0].ports[0].number',
        'entries[0].ports[0].protocol',
        'conditions.unknown',
        'baseline.kind',
        'baseline.except[0]',
        'odd',
      ]),
    );
  });

  it('is refused by its size before it is read', async () => {
    const api = await createApiWorld(issuer);
    const answer = await ask(api, 'putPolicy', { path, body: body({ odd: 'x'.repeat(70_000) }) });

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-too-large' } });
  });

  it.each([
    [{ 'If-Match': 'W/"1"' }, 'If-Match'],
    [{ 'If-Match': '1' }, 'If-Match'],
    [{ 'If-None-Match': '"1"' }, 'If-None-Match'],
    [{ 'If-Match': '*', 'If-None-Match': '*' }, 'If-None-Match'],
  ])('is refused where the headers demand what cannot be: %j', async (headers, field) => {
    const api = await createApiWorld(issuer);
    const answer = await ask(api, 'putPolicy', { path, headers, body: body() });

    expect(answer).toMatchObject({ status: 400, json: { code: 'header-invalid' } });
    expect(errorsOf(answer)[0]?.field).toBe(field);
  });

  it.each(['../x', 'a b', '', 'x'.repeat(64), '.hidden'])('has no name such as %j', async (name) => {
    const api = await createApiWorld(issuer);

    expect((await ask(api, 'putPolicy', { path: { name }, body: body() })).status).toBe(400);
    expect((await ask(api, 'getPolicy', { path: { name } })).status).toBe(404);
    expect((await ask(api, 'deletePolicy', { path: { name } })).status).toBe(404);
  });
});
