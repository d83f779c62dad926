import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../src/core/accessRequest.ts';
import { vmId } from '../support/grantWorld.ts';
import { startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';
import { createFuzzedApi } from './fuzz/fuzzedApi.ts';
import type { Outcome } from './fuzz/fuzzedApi.ts';
import { widePolicy } from './fuzz/jitBodies.ts';
import { fuzzJitDoor } from './fuzz/jitDoor.ts';
import { problemOfInitiated, readPolicy } from './fuzz/jitOracle.ts';
import { createRandom } from './random.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

/** What the fuzzer says of the first calls of a door whose answers are changed so. */
async function findings(change: (outcome: Outcome) => Outcome): Promise<string[]> {
  const api = await createFuzzedApi(issuer);
  const ask = api.ask.bind(api);
  const found: string[] = [];
  for (let seed = 1; seed <= 120; seed += 1) {
    // Only what is sent after the world was made is answered otherwise.
    if (seed === 2) api.ask = async (handler, asking) => change(await ask(handler, asking));
    try {
      found.push((await fuzzJitDoor(createRandom(seed), seed, api)) ?? '');
    } catch (error) {
      // What is taken that nothing can be read of.
      found.push(String(error));
    }
  }
  return found;
}

describe("fuzzing Microsoft's API", () => {
  it.each([
    ['takes what it should refuse', 'is broken, and yet 200', { status: 200, json: {}, text: '{}' }],
    ['refuses in other words', 'is not in the envelope', { status: 400, json: { code: 'x' }, text: '{}' }],
    ['has an error of its own', 'the answer is 500', { status: 500 }],
    ['repeats what was forged', 'what was forged', { text: '"mallory"' }],
  ])('finds a door that %s', async (_case, words, instead) => {
    const found = await findings((outcome) => ({ ...outcome, answer: { ...outcome.answer, ...instead } }));

    expect(found.filter((finding) => finding.includes(words)).length).toBeGreaterThan(10);
  });

  it('finds a door that keeps something of what it refuses', async () => {
    const found = await findings((outcome) => ({ ...outcome, writes: ['requests.insert'] }));

    expect(found.filter((finding) => finding.includes('and yet requests.insert')).length).toBeGreaterThan(10);
  });
});

describe('the arithmetic of what may be initiated', () => {
  const port = { number: 22, allowedSourceAddressPrefix: '203.0.113.7', duration: 'PT1H' };
  const body = { virtualMachines: [{ id: vmId, ports: [port] }] };
  const granted = {
    requester: { objectId: 'me' },
    start: '2026-11-23T12:00:00Z',
    end: '2026-11-23T13:00:00Z',
    justification: '',
    state: 'opening',
  };
  const grantedPort = { number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: ['203.0.113.7/32'] };
  const policyOf = (changes: object, sallyport: object = {}) => {
    const [machine] = widePolicy.properties.virtualMachines;
    const ports = machine?.ports.map((each) => ({ ...each, ...changes }));
    return readPolicy({ properties: { virtualMachines: [{ ...machine, ports }], sallyport } }, undefined);
  };
  const judge = (
    changes: { request?: object; port?: object; id?: string },
    policies = [policyOf({})],
  ): string | undefined => {
    const { request = {}, port: ports = {}, id = vmId } = changes;
    const virtualMachines = [{ id, ports: [{ ...grantedPort, ...ports }] }];
    const row = { ...granted, virtualMachines, ...request } as unknown as AccessRequest;
    return problemOfInitiated(body, [row], { objectId: 'me', address: '203.0.113.9', policies });
  };

  it('has nothing against what was asked for within every policy', () => {
    expect(judge({}, [policyOf({}), policyOf({ protocol: 'TCP', maxRequestAccessDuration: 'PT1H' })])).toBe(
      undefined,
    );
  });

  it.each([
    ['somebody else', { request: { requester: { objectId: 'another' } } }, [policyOf({})]],
    ['a second more than was asked for', { request: { end: '2026-11-23T13:00:01Z' } }, [policyOf({})]],
    ['another machine', { id: `${vmId}x` }, [policyOf({})]],
    ['another port', { port: { number: 3389 } }, [policyOf({})]],
    ['another source', { port: { allowedSourceAddressPrefixes: ['203.0.113.8/32'] } }, [policyOf({})]],
    ['what no policy names', {}, [policyOf({ protocol: 'UDP' })]],
    ['more than one policy says', {}, [policyOf({}), policyOf({ maxRequestAccessDuration: 'PT59M' })]],
    ['a source outside one', {}, [policyOf({}), policyOf({ allowedSourceAddressPrefix: '203.0.113.8' })]],
    ['what nobody was asked about', {}, [policyOf({}, { conditions: { approval: {} } })]],
    ['a reason that does not match', {}, [policyOf({}, { conditions: { justificationPattern: 'INC.*' } })]],
  ])('finds that %s was granted', (_case, changes, policies) => {
    expect(judge(changes, policies)).toBeTypeOf('string');
  });
});
