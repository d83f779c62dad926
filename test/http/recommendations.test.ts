import { describe, expect, it } from 'vitest';
import type { Recommendation } from '../../src/core/recommend.ts';
import { parsePolicyBody, policyName } from '../../src/http/policyBody.ts';
import { recommendationOperations } from '../../src/http/recommendationOperations.ts';
import { presentRecommendation } from '../../src/http/recommendations.ts';

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
    const answer = { value, unchecked: [], securityAdminRules: 'partly-checked' };
    const { schema } = recommendationOperations.listRecommendations.answers[200];
    expect(schema.safeParse(answer).error).toBeUndefined();
  });
});
