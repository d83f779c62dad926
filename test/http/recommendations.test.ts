import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recommendation } from '../../src/core/recommend.ts';
import { parsePolicyBody, policyName } from '../../src/http/policyBody.ts';
import { recommendationOperations } from '../../src/http/recommendationOperations.ts';
import { createRecommendationHandlers, presentRecommendation } from '../../src/http/recommendations.ts';
import { call, surroundings } from '../support/httpCalls.ts';
import { startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

const idOf = (group: string, name: string) =>
  `/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/${name}`;
const found = (id: string): Recommendation => ({
  machine: { id, vmId: 'one', location: 'westeurope', osType: 'Linux' },
  exposed: [],
  adminRules: { state: 'left-to-nsgs', rules: [] },
  ports: [22, 3389],
});

describe('a recommendation', () => {
  it('proposes a policy that PUT /api/policies/{name} takes as it is', () => {
    const { policy } = presentRecommendation(found(idOf('Contoso-RG', 'web-1')));
    const [, name] = /^\/api\/policies\/(.+)$/.exec(policy.path) ?? [];
    expect(policyName.safeParse(name).success).toBe(true);
    expect(parsePolicyBody(policy.body)).toMatchObject({
      ok: true,
      body: {
        entries: [{ ports: [{ number: 22, protocol: 'Tcp' }, { number: 3389 }] }],
        baseline: { kind: 'internet' },
      },
    });
  });

  it('names the policies of two machines apart, whatever these are called', () => {
    const longest = 'm'.repeat(64);
    const all = [
      idOf('one', 'web'),
      idOf('other', 'web'),
      idOf('one', longest),
      idOf('one', `${longest.slice(1)}n`),
    ];
    const paths = all.map((id) => presentRecommendation(found(id)).policy.path);
    expect(new Set(paths).size).toBe(all.length);
    for (const path of paths) expect(policyName.safeParse(path.split('/').at(-1)).success).toBe(true);
    expect(presentRecommendation(found(idOf('ONE', 'WEB'))).policy.path.slice(-8)).toBe(paths[0]?.slice(-8));
  });

  it('is as the description of the API says', () => {
    const value = [presentRecommendation(found(idOf('Contoso-RG', 'web-1')))];
    const answer = { value, unchecked: [], uncheckedSubscriptions: [], securityAdminRules: 'partly-checked' };
    const { schema } = recommendationOperations.listRecommendations.answers[200];
    expect(schema.safeParse(answer).error).toBeUndefined();
  });
});

describe('GET /api/recommendations', () => {
  let issuer: TokenIssuer;
  beforeAll(async () => {
    issuer = await startTokenIssuer();
  });
  afterAll(() => issuer.close());

  it('names the subscriptions that were not looked at: no finding there is no all-clear', async () => {
    const unseen = '66666666-7777-4888-8999-aaaaaaaaaaaa';
    let listed = false;
    const handlers = createRecommendationHandlers({
      ...surroundings(issuer),
      recommend: () => {
        listed = true;
        return Promise.resolve({ recommendations: [], unchecked: [], securityAdminRules: 'checked' });
      },
      // As the lists have it that this very call made.
      unlistedSubscriptions: () => (listed ? [unseen] : []),
    });
    const headers = { authorization: `Bearer ${await issuer.sign({})}` };

    expect(await call(handlers.listRecommendations, { headers })).toMatchObject({
      status: 200,
      json: { value: [], uncheckedSubscriptions: [unseen] },
    });
  });
});
