import { describe, expect, it } from 'vitest';
import type { LiveGrant } from '../../../src/core/guard/grant.ts';
import { guardRemoval } from '../../../src/core/guard/guardRemoval.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { alice, aliceRule, bob, bobRule, body, grant, rule } from './samples.ts';

const theirs = rule('theirs', 300);
const both = [rule(aliceRule, 100), rule(bobRule, 101), theirs];

function remove(before: JsonObject[], after: JsonObject[], grants: LiveGrant[] = []) {
  return guardRemoval({ before: body(...before), after: body(...after), installation: 'contoso', grants });
}

describe('a write that only closes', () => {
  it('removes owned allow rules of ended grants, and may leave others', () => {
    expect(remove(both, [theirs])).toEqual({ verdict: 'proven', removed: [aliceRule, bobRule] });
    expect(remove(both, [both[1] ?? {}, theirs])).toEqual({ verdict: 'proven', removed: [aliceRule] });
  });

  it('keeps the rule of a live grant', () => {
    expect(remove(both, [theirs], [grant(bob)])).toMatchObject({
      violations: [{ kind: 'live-grant-lost', rule: bobRule }],
    });
  });

  it('may take the rule of a live grant that is wider than the grant, or whose grant was declined', () => {
    const wide = rule(aliceRule, 100, { sourceAddressPrefix: '*' });
    expect(remove([wide], [], [grant(alice)]).verdict).toBe('proven');
    expect(remove(both, [theirs], [{ ...grant(bob), declined: true }]).verdict).toBe('proven');
  });

  it.each<[string, JsonObject[], JsonObject[], string]>([
    ['adds a rule', [theirs], [theirs, rule(aliceRule, 100)], 'not-a-removal'],
    ['narrows a rule', [rule(aliceRule, 100)], [rule(aliceRule, 100, { protocol: 'Udp' })], 'not-a-removal'],
    ['moves a rule', [rule(aliceRule, 100)], [rule(aliceRule, 101)], 'not-a-removal'],
    ['removes a deny', [rule(aliceRule, 100, { access: 'Deny' })], [], 'not-a-removal'],
    ['changes a foreign rule', both, [rule('theirs', 301)], 'foreign-rule-changed'],
    ['removes a foreign rule', both, [], 'foreign-rule-changed'],
  ])('is refused when it %s', (_, before, after, kind) => {
    const result = remove(before, after);
    expect(result.verdict === 'refused' ? result.violations.map((one) => one.kind) : []).toEqual([kind]);
  });
});
