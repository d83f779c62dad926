import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { minutes, vmId } from '../../support/grantWorld.ts';
import type { Answered } from '../../support/httpCalls.ts';
import { createJitWorld } from '../../support/jitWorld.ts';
import type { JitWorld } from '../../support/jitWorld.ts';
import { noQuotas } from '../../support/noQuotas.ts';
import { startTokenIssuer } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';

const group = vmId.replace(/^\//, '').replace(/\/providers.*/, '');
const policy = `${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
const port = (number: number) => ({
  number,
  protocol: 'TCP',
  allowedSourceAddressPrefix: '203.0.113.0/24',
  maxRequestAccessDuration: 'PT3H',
});
/** 22 for an hour, 3389 for something else. */
const both = (second: string) => ({
  virtualMachines: [
    {
      id: vmId,
      ports: [
        { number: 22, duration: 'PT1H' },
        { number: 3389, duration: second },
      ],
    },
  ],
});

let issuer: TokenIssuer;
let jit: JitWorld;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  jit = await worldWith();
});

async function worldWith(quotas: Partial<typeof noQuotas> = {}): Promise<JitWorld> {
  const made = await createJitWorld(issuer, { ...noQuotas, ...quotas });
  const properties = { virtualMachines: [{ id: vmId, ports: [port(22), port(3389)] }] };
  expect((await made.ask('PUT', policy, { properties })).status).toBe(200);
  return made;
}

const initiate = (body: unknown, headers: Record<string, string> = {}) =>
  jit.ask('POST', `${policy}/initiate`, body, { headers });
const requests = () => jit.process.service.listRecent();
const detailsOf = ({ json }: Answered) => (json['error'] as { details?: { code: string }[] }).details;
async function deniedRecords(): Promise<number> {
  let count = 0;
  for await (const partition of jit.world.stores.audit.partitions()) {
    const records = await jit.world.audit(partition);
    count += records.filter(({ event }) => event === 'request.denied').length;
  }
  return count;
}

describe('ports with different ends in one initiate', () => {
  it('are one request each, in the order in which they are named', async () => {
    const answer = await initiate(both('PT2H'));

    expect(answer.status).toBe(202);
    const { accessRequests } = answer.json['sallyport'] as { accessRequests: { id: string }[] };
    const [first, second] = await Promise.all(accessRequests.map(({ id }) => jit.world.request(id)));
    expect([first?.duration, second?.duration]).toEqual(['PT1H', 'PT2H']);
    await jit.world.runUntil(minutes(10), jit.process);
    expect((await requests()).map(({ state }) => state)).toEqual(['active', 'active']);
  });

  it.each([
    ['the last', both('PT4H')],
    [
      'the first',
      {
        virtualMachines: [
          {
            id: vmId,
            ports: [{ number: 3389, duration: 'PT4H' }, both('PT2H').virtualMachines[0]?.ports[0]],
          },
        ],
      },
    ],
  ])('are none of them made where %s is refused, which is audited once', async (_case, body) => {
    const answer = await initiate(body);

    expect(answer.status).toBe(400);
    expect(detailsOf(answer)).toMatchObject([{ code: 'duration-exceeds-policy' }]);
    expect(await requests()).toEqual([]);
    expect(jit.world.running.size).toBe(0);
    expect(await deniedRecords()).toBe(1);
  });

  it.each([
    ['calls in a minute', { requestsPerMinute: 1 }],
    ['live requests', { liveGrantsPerPerson: 1 }],
  ])('are none of them made where the quota of %s has no room for all', async (_case, quotas) => {
    jit = await worldWith(quotas);

    expect((await initiate(both('PT2H'))).status).toBe(429);
    expect(await requests()).toEqual([]);
    expect(jit.world.running.size).toBe(0);
  });

  it('are none of them left where what changes in that moment refuses one', async () => {
    const { service } = jit.process;
    const submit = service.submit.bind(service);
    let count = 0;
    service.submit = async (submission) => {
      count += 1;
      if (count === 2) jit.world.authorization.deny();
      return submit(submission);
    };

    const answer = await initiate(both('PT2H'));
    await jit.world.runUntil(minutes(10), jit.process);

    expect(answer.status).toBe(403);
    expect((await requests()).map(({ state }) => state)).toEqual(['closed']);
    expect(jit.world.ownedRules()).toEqual([]);
  });

  it('are none of them left where the tables fail under one', async () => {
    const { service } = jit.process;
    const submit = service.submit.bind(service);
    let count = 0;
    service.submit = (submission) => {
      count += 1;
      return count === 2 ? Promise.reject(new Error('no storage')) : submit(submission);
    };

    const answer = await initiate(both('PT2H'));
    await jit.world.runUntil(minutes(10), jit.process);

    expect(answer.status).toBe(500);
    expect((await requests()).map(({ state }) => state)).toEqual(['closed']);
    expect(jit.world.ownedRules()).toEqual([]);
  });

  it('are the same requests when they are sent again under one Idempotency-Key, whatever the policy says by then', async () => {
    const headers = { 'idempotency-key': 'change-4711' };
    const first = await initiate(both('PT2H'), headers);
    const properties = { virtualMachines: [{ id: vmId, ports: [port(22)] }] };
    expect((await jit.ask('PUT', policy, { properties })).status).toBe(200);

    const again = await initiate(both('PT2H'), headers);

    expect(again.status).toBe(202);
    expect(again.json['sallyport']).toEqual(first.json['sallyport']);
    expect(await requests()).toHaveLength(2);
  });
});
