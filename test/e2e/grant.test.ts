import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EventType, type HistoryEvent } from '../../dev/host/durable/history.ts';
import { people, type PersonName } from '../../dev/sample/people.ts';
import { virtualMachines } from '../../dev/sample/policies.ts';
import { approvedByGroup, commandLine, putPolicy } from './callers.ts';
import { expectSame, patience, startCloud, type Cloud, type Rule, type Shown } from './cloud.ts';
import { writesOf } from './kill.ts';

const { web, db1, db2 } = virtualMachines;

/** What an orchestration has cost, counted in its history. */
function costOf(history: readonly HistoryEvent[]) {
  const count = (type: number) => history.filter((event) => event.EventType === type).length;
  return {
    episodes: count(EventType.OrchestratorStarted),
    activities: count(EventType.TaskScheduled),
    timers: count(EventType.TimerCreated),
  };
}

describe('over real sockets, with the built bundle in the local host', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud();
  });
  afterAll(() => cloud.close());

  /**
   * A row says that it is open, or waits, before the engine has heard the end of the step that wrote it: whoever rings at
   * once shares an episode with that news, and there is one less.
   */
  async function expectAtMost(id: string, { episodes, ...counted }: ReturnType<typeof costOf>) {
    const { episodes: taken, ...others } = costOf(await cloud.history(id));
    expect(others).toEqual(counted);
    expect([episodes, episodes - 1]).toContain(taken);
  }

  it('a grant opens, shuts by itself, and the NSG is what it was', async () => {
    const before = await cloud.nsg('nsg-web');
    const writes = await writesOf(cloud, 'nsg-web');
    const request = await cloud.grant({ vm: web, duration: 'PT8S' });
    expect(request).toMatchObject({ state: 'opening', requester: { objectId: people.alice.objectId } });

    await cloud.until(request.id, 'active');
    const [rule, ...others] = await cloud.owned('nsg-web');
    expect(others).toEqual([]);
    expect(rule?.properties).toMatchObject({
      access: 'Allow',
      direction: 'Inbound',
      protocol: 'Tcp',
      priority: 100,
      sourceAddressPrefix: '203.0.113.7/32',
      destinationAddressPrefix: expect.stringMatching(/^10\.\d+\.\d+\.\d+\/32$/) as string,
      destinationPortRange: '22',
    });

    await cloud.until(request.id, 'closed');
    expectSame(await cloud.nsg('nsg-web'), before);
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect((await writesOf(cloud, 'nsg-web')) - writes).toBe(2);
    expect(costOf(await cloud.history(request.id))).toEqual({ episodes: 4, activities: 2, timers: 1 });
  });

  it('the id of the call that asks is in each call to Azure that is made for it, and in its audit', async () => {
    const correlationId = 'c0ffee00-0000-4000-8000-0000000e2e01';
    const asked = await cloud.call(
      'alice',
      'POST',
      '/api/access-requests',
      {
        virtualMachines: [{ id: web, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] }],
        ...{ duration: 'PT8S', justification: 'Ticket 4711' },
      },
      { 'x-ms-correlation-request-id': correlationId.toUpperCase() },
    );
    expect(asked).toMatchObject({ status: 202, body: { correlationId } });
    expect(asked.headers.get('x-ms-correlation-request-id')).toBe(correlationId);
    const id = String(asked.body['id']);
    await cloud.until(id, 'closed');
    const events = await cloud.events(id);

    const made = (await cloud.armCalls()).filter((one) => one.correlationRequestId === correlationId);
    const kinds = new Set(
      made.map(({ method, path }) => `${method} ${/\/(\w+)(?:\/[^/]+)?$/.exec(path)?.[1] ?? ''}`),
    );
    // A sweep that comes in this moment may be the first to close, under its own id.
    expect([...kinds]).toEqual(
      expect.arrayContaining([
        'GET virtualMachines',
        'GET networkSecurityGroups',
        'PUT networkSecurityGroups',
        'GET operations',
      ]),
    );
    const { body } = await cloud.call('dave', 'GET', `/api/audit?vm=${encodeURIComponent(web)}`);
    const records = (body['value'] as Record<string, unknown>[]).filter(({ partition }) => partition === id);
    expect(records.map((record) => record['correlationId'])).toEqual(events.map(() => correlationId));
  });

  it('an active grant is extended, stays open past its old end, and shuts by itself at the new one', async () => {
    const before = await cloud.nsg('nsg-web');
    const writes = await writesOf(cloud, 'nsg-web');
    const request = await cloud.grant({ vm: web, duration: 'PT10S' });
    const { end } = await cloud.until(request.id, 'active');

    const extended = await cloud.call('alice', 'POST', `/api/access-requests/${request.id}/extend`, {
      duration: 'PT8S',
      justification: 'Ticket 4711 takes longer',
    });

    const later = new Date(Date.parse(end) + 8_000).toISOString();
    expect(extended).toMatchObject({ status: 200, body: { state: 'active', end: later } });
    const [rule] = await cloud.owned('nsg-web');
    expect(rule?.properties).toMatchObject({ description: expect.stringContaining(later) as string });
    await cloud.until(request.id, 'closed');

    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'extended', 'closing', 'closed']);
    const closing = (await recordsOf(cloud, request.id)).find(({ event }) => event === 'request.closing');
    expect(closing?.at && closing.at >= later).toBe(true);
    expectSame(await cloud.nsg('nsg-web'), before);
    expect((await writesOf(cloud, 'nsg-web')) - writes).toBe(3);
    await expectAtMost(request.id, { episodes: 6, activities: 3, timers: 2 });
  });

  it('a grant that somebody must approve waits, opens once a member of the group says yes, and shuts by itself', async () => {
    const before = await cloud.nsg('nsg-web');
    const writes = await writesOf(cloud, 'nsg-web');
    await putPolicy(cloud, 'web-console', { vm: web, number: 8443, ...approvedByGroup });
    const request = await cloud.grant({ vm: web, port: 8443, duration: 'PT8S' });
    expect(request).toMatchObject({ state: 'pending', approval: { needed: [{ approvers: 1, given: 0 }] } });

    const refused: unknown[] = [];
    for (const person of ['alice', 'bob', 'erin'] as const) {
      const answer = await cloud.call(person, 'POST', `/api/access-requests/${request.id}/decision`, {
        ...{ decision: 'approve', comment: 'Let me in' },
      });
      refused.push([answer.status, answer.body['code']]);
    }
    expect(refused).toEqual([
      [403, 'own-request'],
      [404, 'request-not-found'],
      [403, 'not-an-approver'],
    ]);
    expect((await cloud.request(request.id)).state).toBe('pending');
    expectSame(await cloud.nsg('nsg-web'), before);
    expect((await writesOf(cloud, 'nsg-web')) - writes).toBe(0);

    const { jit } = commandLine(cloud, 'carol');
    expect(await jit('approve', request.id.slice(0, 8), '--comment', 'Agreed with the owner')).toBe(0);
    await cloud.until(request.id, 'active');
    expect((await cloud.owned('nsg-web')).map(({ properties }) => properties)).toMatchObject([
      { access: 'Allow', destinationPortRange: '8443', sourceAddressPrefix: '203.0.113.7/32' },
    ]);
    await cloud.until(request.id, 'closed');

    expectSame(await cloud.nsg('nsg-web'), before);
    expect(await cloud.events(request.id)).toEqual([
      ...['pending', 'approved', 'opening', 'active', 'closing', 'closed'],
    ]);
    const records = await recordsOf(cloud, request.id);
    expect(records.find(({ event }) => event === 'request.approved')).toMatchObject({
      actor: people.carol.objectId,
      details: { comment: 'Agreed with the owner' },
    });
    expect((await writesOf(cloud, 'nsg-web')) - writes).toBe(2);
    await expectAtMost(request.id, { episodes: 6, activities: 3, timers: 2 });
    expect((await cloud.call('erin', 'DELETE', '/api/policies/web-console')).status).toBe(200);
  });

  it('whoever may skip approval is let in at once, and somebody else has to review it', async () => {
    const before = await cloud.nsg('nsg-web');
    await putPolicy(cloud, 'web-console', { vm: web, number: 8443, ...approvedByGroup });
    const asked = [
      ...['request', web, '--port', '8443', '--source', '203.0.113.7', '--for', '1h'],
      ...['--reason', 'The console hangs', '--break-glass'],
    ];
    expect(await commandLine(cloud, 'alice').jit(...asked)).toBe(3);
    const { jit, shown } = commandLine(cloud, 'bob');
    expect(await jit(...asked)).toBe(0);
    const { id, state } = shown();
    expect(state).toBe('active');
    expect((await cloud.owned('nsg-web')).length).toBe(1);
    expect(await jit('end', id)).toBe(0);
    expectSame(await cloud.nsg('nsg-web'), before);
    expect(await cloud.events(id)).toEqual(['opening', 'active', 'closing', 'closed']);

    const open = async () => {
      const answer = await cloud.call('erin', 'GET', '/api/access-requests?review=open');
      return (answer.body['value'] as Shown[]).map((one) => one.id);
    };
    const review = async (person: PersonName) => {
      const body = { comment: 'It did hang' };
      const answer = await cloud.call(person, 'POST', `/api/access-requests/${id}/review`, body);
      return [answer.status, answer.body['code']];
    };
    expect(await open()).toEqual([id]);
    expect(await review('bob')).toEqual([403, 'own-request']);
    expect(await review('erin')).toEqual([200, undefined]);
    expect(await review('erin')).toEqual([409, 'no-review-open']);
    expect(await open()).toEqual([]);
    expect((await recordsOf(cloud, id)).at(-1)).toMatchObject({
      ...{ event: 'request.break-glass-reviewed', actor: people.erin.objectId },
      details: { comment: 'It did hang' },
    });
    expect((await cloud.call('erin', 'DELETE', '/api/policies/web-console')).status).toBe(200);
  });

  it('a request for two machines that begins later is one, however often it is sent, and opens both at its start', async () => {
    const before = [await cloud.nsg('nsg-web'), await cloud.nsg('nsg-data')];
    const start = new Date(Date.now() + 5000).toISOString();
    const ports = [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }];
    const send = () =>
      cloud.call(
        'alice',
        'POST',
        '/api/access-requests',
        {
          virtualMachines: [web, db1].map((vm) => ({ id: vm, ports })),
          ...{ start, duration: 'PT1H', justification: 'Ticket 4714' },
        },
        { 'idempotency-key': 'ticket-4714' },
      );
    const [once, again] = [await send(), await send()];
    const { id } = once.body as unknown as Shown;
    expect(once).toMatchObject({ status: 202, body: { state: 'scheduled', start } });
    expect(again).toMatchObject({ status: 202, body: { id } });

    const { end } = await cloud.until(id, 'active');
    expect(end).toBe(new Date(Date.parse(start) + 3_600_000).toISOString());
    const open = [await cloud.owned('nsg-web'), await cloud.owned('nsg-data')];
    expect(open.map((rules) => rules.length)).toEqual([1, 1]);
    await cloud.revoke(id);
    await cloud.until(id, 'closed');

    expectSame([await cloud.nsg('nsg-web'), await cloud.nsg('nsg-data')], before);
    expect(await cloud.events(id)).toEqual(['scheduled', 'opening', 'active', 'closing', 'closed']);
    const opening = (await recordsOf(cloud, id)).find(({ event }) => event === 'request.opening');
    expect(opening?.at && opening.at >= start).toBe(true);
  });

  it('a policy with a baseline keeps its port shut, a grant opens through it, and deleting it takes the baseline away', async () => {
    const before = await cloud.nsg('nsg-web');
    await putPolicy(cloud, 'web-shut', { vm: web, number: 22, baseline: { kind: 'internet' } });
    const provisioned = () =>
      vi.waitFor(async () => {
        const { body } = await cloud.call('erin', 'GET', '/api/policies/web-shut');
        expect(body['provisioning']).toEqual({ state: 'succeeded', reasons: [] });
      }, patience);
    await provisioned();
    const denies = await cloud.owned('nsg-web');
    const address = (await addressesOf(cloud))['vm-web-nic'] ?? '';
    const ofAddress = denies.filter(
      ({ properties }) => properties['destinationAddressPrefix'] === `${address}/32`,
    );
    expect(ofAddress.map(({ properties }) => properties)).toMatchObject([
      {
        ...{ access: 'Deny', direction: 'Inbound', protocol: 'Tcp', destinationPortRange: '22' },
        sourceAddressPrefix: 'Internet',
      },
    ]);

    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    const during = await cloud.owned('nsg-web');
    const allows = during.filter(({ properties }) => properties['access'] === 'Allow');
    const priorities = (rules: Rule[]) => rules.map(({ properties }) => Number(properties['priority']));
    expect(allows.length).toBe(1);
    expect(Math.max(...priorities(allows))).toBeLessThan(Math.min(...priorities(denies)));
    expectSame(
      during.filter((rule) => !allows.includes(rule)),
      denies,
    );
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
    expectSame(await cloud.owned('nsg-web'), denies);

    expect((await cloud.call('erin', 'DELETE', '/api/policies/web-shut')).status).toBe(200);
    await vi.waitFor(async () => expect(await cloud.owned('nsg-web')).toEqual([]), {
      ...patience,
    });
    expectSame(await cloud.nsg('nsg-web'), before);
  });

  it('a revocation shuts the port at once, and only the first one is recorded', async () => {
    const before = await cloud.nsg('nsg-web');
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');

    const path = `/api/access-requests/${request.id}/revoke`;
    const first = await cloud.call('alice', 'POST', path);
    const second = await cloud.call('alice', 'POST', path);
    await cloud.until(request.id, 'closed');
    const third = await cloud.call('alice', 'POST', path);

    expect([first.status, second.status, third.status]).toEqual([200, 200, 200]);
    expect(third.body).toMatchObject({ state: 'closed', reason: { code: 'revoked' } });
    await expectAtMost(request.id, { episodes: 4, activities: 2, timers: 1 });
    expectSame(await cloud.nsg('nsg-web'), before);
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('the command line asks, waits until it is open, ends it and reads what was recorded', async () => {
    const { jit, shown } = commandLine(cloud, 'alice');

    expect(await jit('request', web, '--source', '203.0.113.7', '--for', '1h', '--reason', 'x')).toBe(0);
    const { id, state } = shown();
    expect(state).toBe('active');
    expect((await cloud.owned('nsg-web')).length).toBe(1);
    expect(await jit('list')).toBe(0);
    expect(shown().value.map((one) => one.id)).toContain(id);
    expect(await jit('end', id.slice(0, 8))).toBe(0);
    expect(await cloud.owned('nsg-web')).toEqual([]);
    expect(await cloud.events(id)).toEqual(['opening', 'active', 'closing', 'closed']);
    expect(await jit('audit', '--vm', web)).toBe(0);
    const records = shown().value.filter(({ partition }) => partition === id);
    expect(records.map(({ event }) => event)).toContain('request.closed');
    expect(await jit('request', web, '--port', '23', '--source', '203.0.113.7', '--reason', 'x')).toBe(3);
  });

  it('the host serves what the description says, and nothing else over HTTP', async () => {
    const { body } = await cloud.call(undefined, 'GET', '/api/openapi.json');
    const described = Object.entries(body['paths'] as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    const functions = (await (
      await fetch(new URL('/admin/functions', cloud.environment.urls.host))
    ).json()) as {
      bindings: Record<string, { type: string; route?: string; methods?: string[] }>;
    }[];
    const served = functions
      .flatMap(({ bindings }) => Object.values(bindings))
      .filter(({ type }) => type === 'httpTrigger')
      .flatMap(({ route = '', methods = [] }) =>
        methods.map((method) => `${method.toLowerCase()} /${route.replace(/^\//, '')}`),
      )
      // Microsoft's own API is described by Microsoft.
      .filter((one) => !one.includes('/api/arm/'));

    expect(served.sort()).toEqual(described.sort());
  });

  it('a grant opens both NSGs on its path and shuts both', async () => {
    const before = [await cloud.nsg('nsg-data'), await cloud.nsg('nsg-db2')];
    const request = await cloud.grant({ vm: db2, port: 5432, duration: 'PT8S' });

    await cloud.until(request.id, 'active');
    const open = [await cloud.owned('nsg-data'), await cloud.owned('nsg-db2')];
    await cloud.until(request.id, 'closed');

    expect(open.map((rules) => rules.length)).toEqual([1, 1]);
    expectSame([await cloud.nsg('nsg-data'), await cloud.nsg('nsg-db2')], before);
  });

  it('a grant on a shared subnet NSG leaves the neighbour shut', async () => {
    const request = await cloud.grant({ vm: db1, port: 3389, duration: 'PT1H' });
    await cloud.until(request.id, 'active');

    const destinations = (await cloud.owned('nsg-data')).map(
      ({ properties }) => properties['destinationAddressPrefix'],
    );
    const addresses = await addressesOf(cloud);

    expect(destinations).toEqual([`${addresses['vm-db1-nic'] ?? ''}/32`]);
    expect(destinations).not.toContain(`${addresses['vm-db2-nic'] ?? ''}/32`);
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
  });

  it('an administrator’s edit while a grant is open survives its end', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    const monitoring = {
      name: 'AllowMonitoring',
      properties: {
        protocol: 'Tcp',
        sourcePortRange: '*',
        destinationPortRange: '9100',
        sourceAddressPrefix: '10.0.0.0/8',
        destinationAddressPrefix: '*',
        access: 'Allow',
        priority: 350,
        direction: 'Inbound',
      },
    };
    await cloud.edit('nsg-web', (rules) => [
      ...rules.filter(({ name }) => name !== 'AllowFromWebFarm'),
      monitoring,
    ]);
    const edited = (await cloud.nsg('nsg-web')).properties.securityRules.map(({ name }) => name);

    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');

    const after = (await cloud.nsg('nsg-web')).properties.securityRules.map(({ name }) => name);
    expect(after).toEqual(edited.filter((name) => !name.startsWith('sallyport-')));
    expect(after).toContain('AllowMonitoring');
    expect(after).not.toContain('AllowFromWebFarm');
  });

  it.each([
    ['412', { kind: '412' }],
    ['superseded', { kind: 'supersede' }],
    ['a reset after it was committed', { kind: 'reset-after-commit' }],
    ['an operation that fails', { kind: 'lro-failed' }],
    ['a locked parent', { kind: 'retryable-429' }],
  ])('a write that ends with %s is read back and done again', async (_case, fault) => {
    const before = await cloud.nsg('nsg-web');
    await cloud.fault({ method: 'PUT', path: 'nsg-web' }, fault);

    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    await cloud.fault({ method: 'PUT', path: 'nsg-web' }, fault);
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');

    expectSame(await cloud.nsg('nsg-web'), before);
    expect(await cloud.events(request.id)).toEqual(['opening', 'active', 'closing', 'closed']);
  });

  it('a request that a foreign deny would make useless is denied, names the rule, and writes nothing', async () => {
    await cloud.edit('nsg-data', (rules) => [
      ...rules,
      {
        name: 'QuarantineData',
        properties: {
          protocol: '*',
          sourcePortRange: '*',
          destinationPortRange: '*',
          sourceAddressPrefix: '*',
          destinationAddressPrefix: '*',
          access: 'Deny',
          priority: 110,
          direction: 'Inbound',
        },
      },
    ]);

    const answer = await cloud.call('alice', 'POST', '/api/access-requests', {
      virtualMachines: [{ id: db1, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] }],
      duration: 'PT1H',
      justification: 'Ticket 4713',
    });

    expect([answer.status, answer.body['code']]).toEqual([403, 'blocked-by-foreign-rule']);
    expect(answer.body['detail']).toContain('QuarantineData');
    expect(await cloud.owned('nsg-data')).toEqual([]);
    await cloud.edit('nsg-data', (rules) => rules.filter(({ name }) => name !== 'QuarantineData'));
  });

  it('refused requests are answered with what would be allowed, and are in the audit', async () => {
    const began = new Date().toISOString();
    const ask = (changes: object) =>
      cloud.call('bob', 'POST', '/api/access-requests', {
        virtualMachines: [{ id: web, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] }],
        duration: 'PT1H',
        justification: 'Ticket 4712',
        ...changes,
      });
    const vm = (id: string, port: object) => ({ virtualMachines: [{ id, ports: [port] }] });

    const answers = [
      await ask(vm(web, { number: 3389, allowedSourceAddressPrefix: '203.0.113.7' })),
      await ask(vm(web, { number: 22, allowedSourceAddressPrefix: '198.51.100.1' })),
      await ask(vm(web, { number: 22, allowedSourceAddressPrefix: '0.0.0.0/0' })),
      await ask({ duration: 'PT4H' }),
      await ask(
        vm(web.replace('vm-web', 'vm-nowhere'), { number: 22, allowedSourceAddressPrefix: '203.0.113.7' }),
      ),
      await ask({ duration: 'P1M' }),
    ];

    expect(answers.map(({ status, body }) => [status, body['code']])).toEqual([
      [403, 'port-not-in-policy'],
      [403, 'source-not-in-policy'],
      [403, 'source-not-in-policy'],
      [400, 'duration-exceeds-policy'],
      [404, 'vm-not-found'],
      [400, 'body-invalid'],
    ]);
    expect(answers[0]?.headers.get('content-type')).toContain('application/problem+json');
    const audit = await cloud.call('bob', 'GET', `/api/audit?from=${began}`);
    const events = (audit.body['value'] as { event: string }[]).map(({ event }) => event);
    expect(events).toEqual(Array.from({ length: 5 }, () => 'request.denied'));
  });

  it('Azure decides who may ask, and sees a role that was just given', async () => {
    const ask = (person: PersonName) =>
      cloud.call(person, 'POST', '/api/access-requests', {
        virtualMachines: [{ id: web, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.7' }] }],
        duration: 'PT1H',
        justification: 'Ticket 4713',
      });
    const refused = await ask('erin');
    expect([refused.status, refused.body['code']]).toEqual([403, 'not-authorized']);
    expect(JSON.stringify(refused.body)).toContain('jitNetworkAccessPolicies/initiate/action');
    expect(JSON.stringify(refused.body)).not.toContain('PT3H');

    const role = `${web}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000a55ff`;
    const given = await cloud.environment.arm.ask('PUT', `${role}?api-version=2022-04-01`, {
      properties: {
        roleDefinitionId:
          '/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-0000000401e1',
        principalId: people.dave.objectId,
      },
    });
    expect(given.status).toBe(201);
    const accepted = await ask('dave');
    expect(accepted.status).toBe(202);
    const end = `/api/access-requests/${String(accepted.body['id'])}/revoke`;
    expect((await cloud.call('dave', 'POST', end)).status).toBe(200);
  });

  it('nobody sees or ends somebody else’s request, and cannot tell it from one that never was', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');
    const random = 'f'.repeat(32);

    const [others, unknown] = await Promise.all(
      [request.id, random].map((id) => cloud.call('bob', 'GET', `/api/access-requests/${id}`)),
    );
    const revoke = await cloud.call('bob', 'POST', `/api/access-requests/${request.id}/revoke`);
    const byAuditor = await cloud.call('dave', 'GET', `/api/access-requests/${request.id}`);
    const listed = await cloud.call('bob', 'GET', '/api/access-requests');

    expect([others?.status, unknown?.status, revoke.status, byAuditor.status]).toEqual([404, 404, 404, 200]);
    const timeless = (body: Record<string, unknown>) => ({ ...body, correlationId: undefined });
    expect(timeless(others?.body ?? {})).toEqual(timeless(unknown?.body ?? {}));
    expect(listed.body['value']).toEqual([]);

    const byAdministrator = await cloud.call('erin', 'POST', `/api/access-requests/${request.id}/revoke`);
    expect(byAdministrator.status).toBe(200);
    await cloud.until(request.id, 'closed');
  });

  it('lists active requests: one’s own, and everybody’s for an auditor', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    await cloud.until(request.id, 'active');

    const list = async (person: 'alice' | 'bob' | 'dave') => {
      const answer = await cloud.call(person, 'GET', '/api/access-requests?state=active');
      return (answer.body['value'] as { id: string }[]).map(({ id }) => id);
    };

    expect(await list('alice')).toEqual([request.id]);
    expect(await list('bob')).toEqual([]);
    expect(await list('dave')).toEqual([request.id]);
    await cloud.revoke(request.id);
    await cloud.until(request.id, 'closed');
  });

  it('says who had which access, by virtual machine', async () => {
    const answer = await cloud.call('dave', 'GET', `/api/audit?vm=${encodeURIComponent(db2)}`);

    const records = answer.body['value'] as Record<string, unknown>[];
    expect(records.map(({ event }) => event)).toEqual([
      'request.opening',
      'request.active',
      'request.closing',
      'request.closed',
    ]);
    expect(records[0]).toMatchObject({
      requester: { objectId: people.alice.objectId },
      justification: 'Ticket 4711',
      reasons: [{ code: 'within-policy' }],
    });
  });

  it('believes no header about who is asking, and answers 401 to whoever has no token', async () => {
    const principal = Buffer.from(
      JSON.stringify({ claims: [{ typ: 'oid', val: people.erin.objectId }] }),
    ).toString('base64');

    const response = await fetch(new URL('/api/access-requests', cloud.environment.urls.host), {
      headers: {
        'x-ms-client-principal': principal,
        'x-ms-client-principal-id': people.erin.objectId,
      },
    });

    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
    expect(await response.json()).toMatchObject({ code: 'token-missing' });
  });

  it('answers 404 to a method that a route does not have, and leaks no management address anywhere', async () => {
    const request = await cloud.grant({ vm: web, duration: 'PT1H' });
    const answers = [
      await cloud.call('alice', 'GET', `/api/access-requests/${request.id}`),
      await cloud.call('alice', 'POST', `/api/access-requests/${request.id}/revoke`),
      await cloud.call('dave', 'GET', '/api/audit'),
    ];

    for (const { body } of answers) {
      expect(JSON.stringify(body)).not.toMatch(/runtime\/webhooks|code=|durabletask|SharedKey|AccountKey/i);
    }
    expect((await cloud.call('alice', 'DELETE', '/api/access-requests')).status).toBe(404);
    const direct = await fetch(
      new URL(`/runtime/webhooks/durabletask/instances/${request.id}`, cloud.environment.urls.host),
    );
    expect(direct.status).toBe(401);
    await vi.waitFor(async () => expect(await cloud.owned('nsg-web')).toEqual([]), {
      ...patience,
    });
  });
});

/** A request's audit records, as the auditor reads those of vm-web. */
async function recordsOf(cloud: Cloud, id: string) {
  const { body } = await cloud.call('dave', 'GET', `/api/audit?vm=${encodeURIComponent(web)}`);
  const records = body['value'] as { partition: string; event: string; at: string }[];
  return records.filter(({ partition }) => partition === id);
}

async function addressesOf(cloud: Cloud): Promise<Record<string, string>> {
  const { resources } = (await cloud.environment.arm.state()) as {
    resources: {
      id: string;
      properties?: { ipConfigurations?: { properties: { privateIPAddress: string } }[] };
    }[];
  };
  return Object.fromEntries(
    resources.flatMap(({ id, properties }) => {
      const address = properties?.ipConfigurations?.[0]?.properties.privateIPAddress;
      return address === undefined ? [] : [[id.split('/').at(-1) ?? '', address]];
    }),
  );
}
