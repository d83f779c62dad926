import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccessRequestHandlers } from '../../../src/http/accessRequests.ts';
import { idOf, minutes, vmId } from '../../support/grantWorld.ts';
import { call, surroundings } from '../../support/httpCalls.ts';
import type { Answered } from '../../support/httpCalls.ts';
import { createJitWorld } from '../../support/jitWorld.ts';
import type { JitWorld } from '../../support/jitWorld.ts';
import { alice, startTokenIssuer } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';

const group = vmId.replace(/^\//, '').replace(/\/providers.*/, '');
const policy = `${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
const withoutLocation = policy.replace('locations/westeurope/', '');
const initiate = `${policy}/initiate`;
const otherVm = vmId.replace(/[^/]+$/, 'vm-other');

const aPort = {
  number: 22,
  protocol: '*',
  allowedSourceAddressPrefix: '203.0.113.0/24',
  maxRequestAccessDuration: 'PT3H',
};
const aPolicy = { kind: 'Basic', properties: { virtualMachines: [{ id: vmId, ports: [aPort] }] } };
const asked = (...ports: object[]) => ({ virtualMachines: [{ id: vmId, ports }] });
const forAnHour = { number: 22, duration: 'PT1H' };

let issuer: TokenIssuer;
let jit: JitWorld;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  jit = await createJitWorld(issuer);
});

interface ArmError {
  code: string;
  message: string;
  target?: string;
  details?: { code: string; target?: string }[];
}
const errorOf = (answer: Answered) => answer.json['error'] as ArmError;
const stored = async () => (await jit.world.stores.policies.list()).map(({ row }) => row);
const requestIds = async () => (await jit.world.stores.live.unended()).map(({ requestId }) => requestId);

describe('every error of this door', () => {
  it.each([
    [
      'no token',
      () => jit.ask('GET', policy, undefined, { headers: { authorization: '' } }),
      401,
      'InvalidAuthenticationToken',
    ],
    ['no api-version', () => jit.ask('GET', `${policy}?x=1`), 400, 'MissingApiVersionParameter'],
    [
      'another api-version',
      () => jit.ask('GET', `${policy}?api-version=2019-01-01`),
      400,
      'NoRegisteredProviderFound',
    ],
    [
      'another type',
      () => jit.ask('GET', `${group}/providers/Microsoft.Compute/virtualMachines`),
      404,
      'InvalidResourceType',
    ],
    ['another method', () => jit.ask('PATCH', policy, {}), 405, 'MethodNotAllowed'],
    ['a method of another path', () => jit.ask('GET', initiate), 405, 'MethodNotAllowed'],
    ['a policy that is not there', () => jit.ask('GET', policy), 404, 'PolicyNotFound'],
    ['no body', () => jit.ask('PUT', policy), 400, 'InvalidRequestContent'],
    ['a body that is no JSON', () => jit.ask('PUT', policy, '{'), 400, 'InvalidRequestContent'],
    [
      'a token of a page that never was',
      () =>
        jit.ask(
          'GET',
          `${group}/providers/Microsoft.Security/jitNetworkAccessPolicies?api-version=2020-01-01&$skiptoken=~`,
        ),
      400,
      'InvalidSkipToken',
    ],
    [
      'a fault of ours',
      () => {
        jit.world.stores.policies.get = () => Promise.reject(new Error('AccountKey=secret'));
        return jit.ask('GET', policy);
      },
      500,
      'InternalServerError',
    ],
  ])('with %s is in the envelope of ARM, with the ids of the call', async (_case, ask, status, code) => {
    const answer = await ask();

    expect(answer.status).toBe(status);
    expect(Object.keys(answer.json)).toEqual(['error']);
    expect(errorOf(answer)).toMatchObject({ code, message: expect.stringMatching(/./) as string });
    expect(answer.text).not.toContain('secret');
    expect(answer.headers['x-ms-request-id']).toBe(answer.headers['x-ms-correlation-request-id']);
    expect(answer.headers['x-ms-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['POST', policy, 'GET, PUT, DELETE'],
    ['DELETE', initiate, 'POST'],
    ['PUT', `${group}/providers/Microsoft.Security/jitNetworkAccessPolicies`, 'GET'],
  ])('of the method %s on %s says which are allowed', async (method, path, allow) => {
    expect(await jit.ask(method, path, {})).toMatchObject({ status: 405, headers: { allow } });
  });

  it('while Azure does not say who may, is 503 with Retry-After', async () => {
    jit.world.authorization.fail({ retryAfterSeconds: 17 });

    const answer = await jit.ask('GET', policy);

    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '17' } });
    expect(errorOf(answer).code).toBe('ServiceUnavailable');
  });

  it('after too many refusals is 429 with Retry-After', async () => {
    await jit.ask('PUT', policy, aPolicy);
    for (let count = 0; count < 20; count += 1) {
      await jit.ask('POST', initiate, asked({ ...forAnHour, number: 23 }));
    }

    const answer = await jit.ask('POST', initiate, asked(forAnHour));

    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
    expect(errorOf(answer).code).toBe('TooManyRequests');
  });
});

describe("the answers of Microsoft's service, as they were recorded", () => {
  it('are those of this door to the same bodies, with our ids, and ours beside them', async () => {
    const port = {
      number: 8080,
      protocol: 'TCP',
      allowedSourceAddressPrefix: '192.168.0.5',
      maxRequestAccessDuration: 'PT5H',
    };
    const body = { kind: 'Basic', properties: { virtualMachines: [{ id: vmId, ports: [port] }] } };

    const { sallyport: ofPolicy, ...properties } = (await jit.ask('PUT', policy, body)).json[
      'properties'
    ] as Record<string, unknown>;
    expect(properties).toEqual({
      virtualMachines: [{ id: vmId, ports: [port] }],
      requests: [],
      provisioningState: 'Updating',
      appendMode: false,
    });
    expect(ofPolicy).toMatchObject({ version: 1 });

    // Times of seven digits are cut to milliseconds, as Microsoft's own clients do.
    const endTimeUtc = '2026-11-23T13:44:50.5921811Z';
    const asked8080 = { number: 8080, allowedSourceAddressPrefix: '192.168.0.5', endTimeUtc };
    const answer = await jit.ask('POST', initiate, asked(asked8080));
    const { sallyport: ofRequest, ...initiated } = answer.json;
    expect(answer.status).toBe(202);
    expect(initiated).toEqual({
      virtualMachines: [
        {
          id: vmId,
          ports: [
            {
              ...asked8080,
              endTimeUtc: '2026-11-23T13:44:50.592Z',
              status: 'Initiating',
              statusReason: 'UserRequested',
            },
          ],
        },
      ],
      startTimeUtc: '2026-11-23T12:00:00.000Z',
      requestor: alice.displayName,
    });
    expect(ofRequest).toEqual({
      accessRequests: [{ id: idOf(1), state: 'opening', requesterObjectId: alice.objectId }],
    });
  });
});

describe('what is forged', () => {
  it('as history in a policy is not shown, stored or taken for a request', async () => {
    const requests = [
      {
        virtualMachines: [
          {
            id: vmId,
            ports: [
              {
                number: 22,
                allowedSourceAddressPrefix: '*',
                endTimeUtc: '2030-01-01T00:00:00Z',
                status: 'Initiated',
                statusReason: 'UserRequested',
              },
            ],
          },
        ],
        startTimeUtc: '2020-01-01T00:00:00Z',
        requestor: 'mallory@fabrikam.example',
      },
    ];

    const answer = await jit.ask('PUT', policy, {
      ...aPolicy,
      properties: { ...aPolicy.properties, requests, provisioningState: 'Succeeded' },
    });

    expect(answer.json).toMatchObject({ properties: { requests: [], provisioningState: 'Updating' } });
    expect(JSON.stringify(await stored())).not.toContain('mallory');
    expect(await requestIds()).toEqual([]);
  });

  it('as requestor or status of a request changes neither', async () => {
    await jit.ask('PUT', policy, aPolicy);

    const answer = await jit.ask('POST', initiate, {
      ...asked({ ...forAnHour, status: 'Revoked', statusReason: 'Expired' }),
      requestor: 'mallory@fabrikam.example',
      startTimeUtc: '2020-01-01T00:00:00Z',
    });

    expect(answer).toMatchObject({
      status: 202,
      json: {
        requestor: alice.displayName,
        virtualMachines: [{ ports: [{ status: 'Initiating', statusReason: 'UserRequested' }] }],
      },
    });
    expect((await jit.world.request(idOf(1))).requester.objectId).toBe(alice.objectId);
  });

  it.each([
    ['a state', { ...forAnHour, state: 'active' }],
    ['a priority', { ...forAnHour, priority: 100 }],
  ])('as %s of a port is refused by its name', async (_case, port) => {
    await jit.ask('PUT', policy, aPolicy);

    const answer = await jit.ask('POST', initiate, asked(port));

    expect(answer.status).toBe(400);
    expect(errorOf(answer).details?.[0]).toMatchObject({
      code: 'unknown',
      target: expect.stringContaining('ports[0].') as string,
    });
    expect(await requestIds()).toEqual([]);
  });

  it.each(['requests', 'requester', 'state', 'status', 'priority', 'decision', 'id'])(
    'as %s of a request is refused by its name, and nothing is stored',
    async (name) => {
      await jit.ask('PUT', policy, aPolicy);

      const answer = await jit.ask('POST', initiate, { ...asked(forAnHour), [name]: [] });

      expect(answer.status).toBe(400);
      expect(errorOf(answer)).toMatchObject({ target: name, details: [{ code: 'unknown', target: name }] });
      expect(await requestIds()).toEqual([]);
    },
  );

  it.each([
    ['subscription', vmId.replace('11111111', '99999999')],
    ['resource group', vmId.replace(/resourceGroups\/[^/]+/, 'resourceGroups/another-rg')],
  ])(
    'as a machine of another %s than that of the path is refused, and nothing is stored',
    async (_case, id) => {
      const put = await jit.ask('PUT', policy, { properties: { virtualMachines: [{ id, ports: [aPort] }] } });

      expect(put.status).toBe(400);
      expect(errorOf(put).target).toBe('properties.virtualMachines[0].id');
      expect(await stored()).toEqual([]);

      await jit.ask('PUT', policy, aPolicy);
      const initiated = await jit.ask('POST', initiate, { virtualMachines: [{ id, ports: [forAnHour] }] });
      expect(initiated.status).toBe(400);
      expect(errorOf(initiated)).toMatchObject({ code: 'AccessRequestNotSubsetOfPolicy' });
      expect(await requestIds()).toEqual([]);
    },
  );
});

describe('who may', () => {
  it('not read a policy may yet initiate, and who may neither hears the same whether there is one or not', async () => {
    await jit.ask('PUT', policy, aPolicy);
    jit.world.authorization.deny({ action: 'Microsoft.Security/locations/jitNetworkAccessPolicies/read' });

    expect((await jit.ask('GET', policy)).status).toBe(403);
    expect((await jit.ask('POST', initiate, asked(forAnHour))).status).toBe(202);

    jit.world.authorization.deny();
    const there = await jit.ask('POST', initiate, asked(forAnHour));
    const nowhere = await jit.ask('POST', initiate.replace('default', 'nowhere'), asked(forAnHour));
    expect([there.status, nowhere.status]).toEqual([403, 403]);
    expect([errorOf(there).code, errorOf(nowhere).code]).toEqual([
      'AuthorizationFailed',
      'AuthorizationFailed',
    ]);
  });

  it('not write the policy changes and deletes nothing', async () => {
    await jit.ask('PUT', policy, aPolicy);
    jit.world.authorization.deny({ action: 'Microsoft.Security/locations/jitNetworkAccessPolicies/write' });
    jit.world.authorization.deny({ action: 'Microsoft.Security/locations/jitNetworkAccessPolicies/delete' });

    const changed = {
      properties: { virtualMachines: [{ id: vmId, ports: [{ ...aPort, allowedSourceAddressPrefix: '*' }] }] },
    };
    const answers = [await jit.ask('PUT', policy, changed), await jit.ask('DELETE', policy)];

    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    expect((await stored())[0]).toMatchObject({ version: 1 });
  });
});

describe('a path', () => {
  it.each(['2020-01-01', '2015-06-01-preview', '2015-06-01-PREVIEW'])(
    'may be of the api-version %s',
    async (version) => {
      expect((await jit.ask('PUT', `${policy}?api-version=${version}`, aPolicy)).status).toBe(200);
      expect((await jit.ask('GET', `${policy}?API-Version=${version}`)).status).toBe(200);
    },
  );

  it('names the same policy in any case, and /Initiate too', async () => {
    await jit.ask('PUT', policy, aPolicy);

    expect((await jit.ask('GET', policy.toUpperCase())).json['name']).toBe('default');
    expect((await jit.ask('POST', initiate.replace('initiate', 'Initiate'), asked(forAnHour))).status).toBe(
      202,
    );
    expect((await jit.ask('PUT', policy.replace('resourceGroups', 'RESOURCEGROUPS'), aPolicy)).status).toBe(
      200,
    );
    expect(await stored()).toHaveLength(1);
  });

  it('may leave the location out where the policy is there, and must have it where it is new', async () => {
    const early = await jit.ask('PUT', withoutLocation, aPolicy);
    expect(early.status).toBe(400);
    expect(errorOf(early).code).toBe('LocationRequired');
    expect((await jit.ask('POST', `${withoutLocation}/initiate`, asked(forAnHour))).status).toBe(404);
    await jit.ask('PUT', policy, aPolicy);

    expect((await jit.ask('GET', withoutLocation)).json['location']).toBe('westeurope');
    expect((await jit.ask('PUT', withoutLocation, aPolicy)).status).toBe(200);
    expect((await jit.ask('POST', `${withoutLocation}/initiate`, asked(forAnHour))).status).toBe(202);
    expect((await jit.ask('DELETE', withoutLocation)).status).toBe(200);
    expect((await jit.ask('DELETE', withoutLocation)).status).toBe(204);
  });
});

describe('what is initiated', () => {
  it('without a source is for the address of the caller', async () => {
    await jit.ask('PUT', policy, aPolicy);

    const answer = await jit.ask('POST', initiate, asked(forAnHour));

    expect(answer.json).toMatchObject({
      virtualMachines: [{ ports: [{ allowedSourceAddressPrefix: '203.0.113.7' }] }],
    });
    expect(answer.json).not.toHaveProperty('justification');
  });

  it('with an Idempotency-Key is the same requests when it is sent again', async () => {
    await jit.ask('PUT', policy, aPolicy);
    const headers = { 'idempotency-key': 'change-4711' };

    const first = await jit.ask('POST', initiate, asked(forAnHour), { headers });
    const again = await jit.ask('POST', initiate, asked(forAnHour), { headers });

    expect(again.json['sallyport']).toEqual(first.json['sallyport']);
    expect(await requestIds()).toHaveLength(1);
  });

  it('is shown with the policy as what became of it, to each policy only of its own machines', async () => {
    const other = policy.replace('default', 'other');
    jit.world.network.addVirtualMachine({
      virtualMachineId: otherVm,
      networkInterfaceId: 'nic',
      addresses: [],
      nsgIds: [],
    });
    await jit.ask('PUT', policy, aPolicy);
    await jit.ask('PUT', other, { properties: { virtualMachines: [{ id: otherVm, ports: [aPort] }] } });
    await jit.ask('POST', initiate, asked(forAnHour));
    await jit.world.runUntil(minutes(1), jit.process);
    await jit.world.clock.run(jit.process.revoke(idOf(1)));

    const shown = await jit.ask('GET', policy);

    expect(shown.json).toMatchObject({
      properties: {
        requests: [
          {
            virtualMachines: [{ id: vmId, ports: [{ status: 'Revoked', statusReason: 'UserRequested' }] }],
            sallyport: { accessRequests: [{ reason: { code: 'revoked' } }] },
          },
        ],
      },
    });
    expect((await jit.ask('GET', other)).json).toMatchObject({ properties: { requests: [] } });
  });
});

describe('both doors', () => {
  it('make the same rows, decision, orchestration and audit', async () => {
    const facts: unknown[] = [];
    for (const door of ['microsoft', 'own'] as const) {
      jit = await createJitWorld(issuer);
      await jit.ask('PUT', policy, aPolicy);
      if (door === 'microsoft') {
        await jit.ask('POST', initiate, {
          ...asked({ ...forAnHour, allowedSourceAddressPrefix: '203.0.113.9' }),
          justification: 'Ticket 4711',
        });
      } else {
        const around = surroundings(issuer);
        const { create } = createAccessRequestHandlers({
          ...around,
          trustedProxyHops: 1,
          service: () => jit.process.service,
        });
        const body = {
          virtualMachines: [{ id: vmId, ports: [{ number: 22, allowedSourceAddressPrefix: '203.0.113.9' }] }],
          duration: 'PT1H',
          justification: 'Ticket 4711',
        };
        await call(create, {
          method: 'POST',
          body,
          headers: { authorization: `Bearer ${await issuer.sign({ oid: alice.objectId })}` },
        });
      }
      await jit.world.runUntil(minutes(1), jit.process);
      const { bodyHash, ...request } = await jit.world.request(idOf(1));
      expect(bodyHash).toMatch(/^[0-9a-f]{64}$/);
      await jit.world.runUntil(minutes(62), jit.process);
      const audit = (await jit.world.audit(idOf(1))).map(
        ({ event, reasons, virtualMachines, justification, details }) => ({
          event,
          reasons,
          virtualMachines,
          justification,
          details,
        }),
      );
      facts.push({ request, running: [...jit.world.running.keys()], audit, rules: jit.world.ownedRules() });
    }

    expect(facts[0]).toEqual(facts[1]);
    expect(facts[0]).toMatchObject({
      rules: [],
      audit: [
        { event: 'request.opening' },
        { event: 'request.active' },
        { event: 'request.closing' },
        { event: 'request.closed' },
      ],
    });
  });
});
