import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTellRefused, type RefusedOpen } from '../../src/http/refusedOpens.ts';
import { createApiWorld } from '../support/apiWorld.ts';
import { minutes, seconds, vmId } from '../support/grantWorld.ts';
import type { Surroundings } from '../support/httpCalls.ts';
import { createJitWorld } from '../support/jitWorld.ts';
import { alice, startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

const toldOf = ({ infos }: Surroundings) =>
  infos.filter(({ message }) => message === 'request-refused').map(({ facts }) => facts ?? {});
const justification = 'Restart the web server';
const correlationId = '12345678-0000-4000-8000-000000000001';

function asking(changes: { number?: number; duration?: string } = {}) {
  const { number = 22, duration = 'PT1H' } = changes;
  return { virtualMachines: [{ id: vmId, ports: [{ number }] }], duration, justification };
}

async function ownDoor() {
  const api = await createApiWorld(issuer);
  const authorization = `Bearer ${await issuer.sign({ oid: alice.objectId, roles: [] })}`;
  const post = async (name: string, sent: object) =>
    api.send(api.operation(name), sent, { authorization, 'x-ms-correlation-request-id': correlationId });
  return { api, post };
}

describe('a refused request for access', () => {
  it('is one line, with the reasons and neither the person nor what they wrote', async () => {
    const { api, post } = await ownDoor();

    await post('createAccessRequest', { body: asking({ number: 25, duration: 'PT9H' }) });

    expect(toldOf(api.around)).toEqual([
      { door: 'sallyport', asked: 'access', codes: ['port-not-in-policy'], correlationId },
    ]);
    expect(JSON.stringify(toldOf(api.around))).not.toContain(alice.objectId);
    expect(JSON.stringify(toldOf(api.around))).not.toContain(justification);
  });

  it('says so where a role for skipping approval is missing', async () => {
    const { api, post } = await ownDoor();

    await post('createAccessRequest', { body: { ...asking(), breakGlass: true } });

    expect(toldOf(api.around)).toMatchObject([{ codes: ['role-missing'] }]);
  });

  it('is no line where it is granted, only tried, malformed or from somebody unknown', async () => {
    const { api, post } = await ownDoor();

    const granted = await post('createAccessRequest', { body: asking() });
    const tried = await post('createAccessRequest', {
      body: asking({ number: 25 }),
      query: { dryRun: 'true' },
    });
    const malformed = await post('createAccessRequest', { body: { ...asking(), duration: 'long' } });
    const unknown = await api.send(api.operation('createAccessRequest'), { body: asking({ number: 25 }) });

    expect([granted, tried, malformed, unknown].map(({ status }) => status)).toEqual([202, 200, 400, 401]);
    expect(toldOf(api.around)).toEqual([]);
  });
});

describe('a refused extension', () => {
  it('is one line, be it too long or of nothing that there is', async () => {
    const { api, post } = await ownDoor();
    const made = await post('createAccessRequest', { body: asking() });
    await api.world.runUntil(minutes(10), api.process);
    const body = { duration: 'PT9H', justification };

    await post('extendAccessRequest', { path: { id: made.json['id'] as string }, body });
    await post('extendAccessRequest', { path: { id: 'f'.repeat(32) }, body });

    expect(toldOf(api.around)).toEqual([
      { door: 'sallyport', asked: 'extension', codes: ['duration-exceeds-policy'], correlationId },
      { door: 'sallyport', asked: 'extension', codes: ['request-not-found'], correlationId },
    ]);
  });
});

describe("a refusal by Microsoft's API", () => {
  const group = vmId.replace(/^\//, '').replace(/\/providers.*/, '');
  const policy = `${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`;
  const port = {
    number: 22,
    protocol: 'TCP',
    allowedSourceAddressPrefix: '203.0.113.0/24',
    maxRequestAccessDuration: 'PT3H',
  };
  const initiating = (ports: object[], id = vmId) => ({ virtualMachines: [{ id, ports }] });

  it('is one line in our words, also of several ends at once and of what the policy does not name', async () => {
    const jit = await createJitWorld(issuer);
    await jit.ask('PUT', policy, { properties: initiating([port]) });
    const initiate = (ports: object[], id?: string) =>
      jit.ask('POST', `${policy}/initiate`, initiating(ports, id));

    const one = await initiate([{ number: 22, duration: 'PT4H' }]);
    const several = await initiate([
      { number: 22, duration: 'PT1H' },
      { number: 3389, duration: 'PT2H' },
    ]);
    const outside = await initiate([{ number: 22, duration: 'PT1H' }], `${vmId}-2`);
    const nothing = await jit.ask(
      'POST',
      `${policy}-2/initiate`,
      initiating([{ number: 22, duration: 'PT1H' }]),
    );
    const granted = await initiate([{ number: 22, duration: 'PT1H' }]);

    expect([one, several, outside, nothing, granted].map(({ status }) => status)).toEqual([
      400, 400, 400, 404, 202,
    ]);
    expect(toldOf(jit.around)).toMatchObject(
      [['duration-exceeds-policy'], ['port-not-in-policy'], ['no-policy'], ['policy-not-found']].map(
        (codes) => ({ door: 'microsoft', asked: 'access', codes }),
      ),
    );
    expect(toldOf(jit.around)).toHaveLength(4);
  });

  it('says that Azure could not be asked', async () => {
    const jit = await createJitWorld(issuer);
    await jit.ask('PUT', policy, { properties: initiating([port]) });
    jit.world.authorization.fail();

    const answer = await jit.ask(
      'POST',
      `${policy}/initiate`,
      initiating([{ number: 22, duration: 'PT1H' }]),
    );

    expect(answer.status).toBe(503);
    expect(toldOf(jit.around)).toMatchObject([{ door: 'microsoft', codes: ['unavailable'] }]);
  });
});

describe('many refusals in a minute', () => {
  const refused: RefusedOpen = { door: 'sallyport', asked: 'access', correlationId };

  function telling() {
    const lines: Record<string, unknown>[] = [];
    let now = seconds(0);
    const tell = createTellRefused({
      log: {
        info: (_message, facts = {}) => lines.push(facts),
        warn: () => expect.unreachable(),
        error: () => expect.unreachable(),
      },
      clock: { now: () => now },
    });
    return {
      lines,
      at: (time: Date) => (now = time),
      tell: (code: 'not-authorized' | 'unavailable', times: number) => {
        for (let time = 0; time < times; time += 1) tell({ code }, refused);
      },
    };
  }

  it('are twenty lines for one code, and the number of the others in the next one', () => {
    const { lines, at, tell } = telling();

    tell('not-authorized', 50);
    at(seconds(59));
    tell('not-authorized', 3);
    expect(lines).toHaveLength(20);

    at(seconds(60));
    tell('not-authorized', 2);

    expect(lines.slice(20).map(({ untold }) => untold)).toEqual([33, undefined]);
  });

  it('hide nothing that is refused for another reason', () => {
    const { lines, tell } = telling();

    tell('not-authorized', 50);
    tell('unavailable', 1);

    expect(lines.at(-1)).toEqual({ ...refused, codes: ['unavailable'] });
  });
});
