import { describe, expect, it } from 'vitest';
import { explainGrants } from '../../../src/core/guard/explainGrants.ts';
import type { GrantState } from '../../../src/core/guard/explainGrants.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { alice, aliceRule, bob, body, everything, grant, rule } from './samples.ts';

function explain(...rules: JsonObject[]): GrantState | undefined {
  const input = { body: body(...rules), installation: 'contoso', grants: [grant(alice)], budget: 10_000 };
  return explainGrants(input)[0];
}

const ours = rule(aliceRule, 150);
const deny = (properties: JsonObject) =>
  rule('theirs', 110, { ...everything, access: 'Deny', ...properties });

describe('a live grant', () => {
  it('is admitted by its own rule, or by somebody else', () => {
    expect(explain(ours)).toEqual({ requestId: alice, state: 'admitted' });
    expect(explain(rule('theirs', 90, everything))).toEqual({ requestId: alice, state: 'admitted' });
  });

  it('is blocked by the foreign rule that comes first, with a packet', () => {
    expect(explain(deny({ sourceAddressPrefix: '203.0.113.0/24' }), ours)).toMatchObject({
      state: 'blocked',
      blockedBy: { rule: 'theirs', owner: 'foreign' },
      sample: { source: '203.0.113.7', destinationPort: 22, inside: [] },
    });
  });

  it('is blocked by a tag for its members', () => {
    expect(explain(deny({ sourceAddressPrefix: 'Internet' }), ours)).toMatchObject({
      state: 'blocked',
      sample: { inside: ['source in Internet'] },
    });
  });

  it('is not blocked by a deny of something else', () => {
    expect(explain(deny({ destinationPortRange: '3389' }), ours)?.state).toBe('admitted');
  });

  it('is blocked by a rule of Azure where nothing admits it', () => {
    expect(explain()).toMatchObject({ blockedBy: { rule: 'DenyAllInBound', owner: 'azure' } });
  });

  it('is not judged once the budget is spent', () => {
    const input = { body: body(ours), installation: 'contoso', grants: [grant(alice), grant(bob)] };
    expect(explainGrants({ ...input, budget: 25 }).map(({ state }) => state)).toEqual([
      'admitted',
      'not-checked',
    ]);
  });
});
