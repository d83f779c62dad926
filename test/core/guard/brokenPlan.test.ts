import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../../src/core/accessRequest.ts';
import { guard } from '../../../src/core/guard/guard.ts';
import type { GuardResult } from '../../../src/core/guard/guard.ts';
import type { Json, JsonObject } from '../../../src/core/network.ts';
import { planBody } from '../../../src/core/nsgBody.ts';
import { plan } from '../../../src/core/plan.ts';
import { alice, aliceRule, bob, bobRule, body, everything, grant, rule } from './samples.ts';

const installation = {
  id: 'contoso',
  allowBand: { first: 100, last: 249 },
  baselineBand: { first: 250, last: 299 },
};
const now = new Date('2026-03-04T12:00:00Z');
const carol = 'c'.repeat(32);
const carolRule = `sallyport-contoso-${carol}-1`;

function row(requestId: string, port: number): LiveRow {
  const { boxes } = grant(requestId, { destinationPorts: [port] });
  return {
    ...{ nsgId: '/subscriptions/s/nsg', requestId, version: 1, state: 'active', boxes },
    ...{ start: '2026-03-04T11:00:00Z', end: '2026-03-04T13:00:00Z' },
  };
}

const theirs = [
  rule('deny-rdp', 240, { ...everything, access: 'Deny', destinationPortRange: '3389' }),
  rule('allow-web', 300, { ...everything, destinationPortRange: '443' }),
  rule('deny-all', 4000, { ...everything, access: 'Deny' }),
];
const carolRow = row(carol, 24);
const open = body(...theirs);
/** Carol's grant was open and has ended; Alice's is open and stays; Bob's opens. */
const before = planned(planned(open, [row(alice, 22), carolRow]), [row(alice, 22), carolRow]);
const rows = [row(alice, 22), row(bob, 23)];
const honest = planned(before, rows);

function planned(nsg: JsonObject, live: LiveRow[]): JsonObject {
  const { securityRules } = plan({ body: nsg, rows: live, now, installation });
  return planBody(nsg, securityRules ?? rulesOf(nsg));
}

function rulesOf(nsg: JsonObject): JsonObject[] {
  return (nsg['properties'] as JsonObject)['securityRules'] as JsonObject[];
}

function judge(after: JsonObject, start = before, live = rows): GuardResult {
  return guard({
    ...{
      before: start,
      after,
      installation: installation.id,
      lastAllowPriority: installation.allowBand.last,
    },
    grants: live.map(({ requestId, boxes }) => ({ requestId, boxes })),
    budget: 1_000_000,
  });
}

function mutated(name: string, properties: JsonObject): JsonObject {
  return planBody(
    honest,
    rulesOf(honest).map((raw) =>
      raw['name'] === name
        ? { ...raw, properties: { ...(raw['properties'] as JsonObject), ...properties } }
        : raw,
    ),
  );
}

function withRules(change: (rules: JsonObject[]) => Json[]): JsonObject {
  return planBody(honest, change(rulesOf(honest)));
}

/** What Carol's rule says, at a free priority. */
function leftover(name: string): JsonObject {
  return rule(name, 120, { destinationPortRange: '24' });
}

describe('a planner that is right', () => {
  it('is proven', () => {
    expect(rulesOf(before).map((raw) => raw['name'])).toEqual(expect.arrayContaining([aliceRule, carolRule]));
    expect(rulesOf(honest).map((raw) => raw['name'])).toEqual(expect.arrayContaining([aliceRule, bobRule]));
    expect(judge(honest).verdict).toBe('proven');
  });
});

describe('a planner that is wrong is caught when', () => {
  it.each<[string, JsonObject, string]>([
    ['a source is wider', mutated(bobRule, { sourceAddressPrefix: '203.0.113.6/31' }), 'owned-rule-too-wide'],
    ['a source is everybody', mutated(bobRule, { sourceAddressPrefix: '*' }), 'owned-rule-too-wide'],
    [
      'a second source is left over',
      mutated(bobRule, { sourceAddressPrefixes: ['198.51.100.1'] }),
      'owned-rule-too-wide',
    ],
    ['a port is another', mutated(bobRule, { destinationPortRange: '25' }), 'owned-rule-too-wide'],
    ['a port is a range', mutated(bobRule, { destinationPortRange: '23-24' }), 'owned-rule-too-wide'],
    ['the protocol is every one', mutated(bobRule, { protocol: '*' }), 'owned-rule-too-wide'],
    [
      'the destination is another',
      mutated(bobRule, { destinationAddressPrefix: '10.1.0.5' }),
      'owned-rule-too-wide',
    ],
    [
      'the destination is its network',
      mutated(bobRule, { destinationAddressPrefix: '10.1.0.0/24' }),
      'owned-rule-too-wide',
    ],
    ['the direction is outbound', mutated(bobRule, { direction: 'Outbound' }), 'owned-rule-too-wide'],
    ['an open grant is narrower', mutated(aliceRule, { sourcePortRange: '1024-65535' }), 'live-grant-lost'],
    ['an open grant is denied', mutated(aliceRule, { access: 'Deny' }), 'live-grant-lost'],
    [
      'an open grant is dropped',
      withRules((rules) => rules.filter((raw) => raw['name'] !== aliceRule)),
      'live-grant-lost',
    ],
    [
      'the rule of an ended grant is kept',
      withRules((rules) => [...rules, leftover(carolRule)]),
      'owned-rule-too-wide',
    ],
    [
      'the rule of an ended grant is kept under the name of a live one',
      withRules((rules) => [...rules, leftover(`sallyport-contoso-${alice}-2`)]),
      'owned-rule-too-wide',
    ],
    ['two rules have one priority', mutated(bobRule, { priority: 100 }), 'priority-taken'],
    ['a rule has the priority of a foreign one', mutated(bobRule, { priority: 240 }), 'priority-taken'],
    ['two rules have one name', withRules((rules) => [...rules, rule(bobRule, 120)]), 'name-taken'],
    [
      'a foreign rule is changed',
      mutated('allow-web', { destinationPortRange: '80' }),
      'foreign-rule-changed',
    ],
    [
      'a foreign rule is given another priority',
      mutated('allow-web', { priority: 301 }),
      'foreign-rule-changed',
    ],
    [
      'a foreign rule is dropped',
      withRules((rules) => rules.filter((raw) => raw['name'] !== 'deny-rdp')),
      'foreign-rule-changed',
    ],
    ['foreign rules change places', withRules((rules) => [...rules].reverse()), 'foreign-rule-changed'],
    ['a foreign rule is added', withRules((rules) => [...rules, rule('new', 500)]), 'foreign-rule-changed'],
    ['a tag is added', { ...honest, tags: { a: 'b' } }, 'body-changed'],
    ['the location is changed', { ...honest, location: 'northeurope' }, 'body-changed'],
    [
      'connections are flushed',
      { ...honest, properties: { ...(honest['properties'] as JsonObject), flushConnection: true } },
      'body-changed',
    ],
    [
      'what is not understood is lost',
      planBody({ location: 'westeurope', properties: {} }, rulesOf(honest)),
      'body-changed',
    ],
  ])('%s', (_, after, kind) => {
    const result = judge(after);
    expect(result.verdict === 'refused' ? result.violations.map((one) => one.kind) : []).toContain(kind);
  });

  it('a new rule jumps over a foreign deny', () => {
    const rdp = row(bob, 3389);
    const declined = plan({ body: before, rows: [row(alice, 22), rdp], now, installation });
    expect(declined.refused.map(({ requestId }) => requestId)).toEqual([bob]);
    const after = withRules((rules) =>
      rules.map((raw) =>
        raw['name'] === bobRule ? rule(bobRule, 150, { destinationPortRange: '3389' }) : raw,
      ),
    );
    expect(judge(after, before, [row(alice, 22), rdp])).toMatchObject({
      verdict: 'refused',
      violations: [{ kind: 'foreign-deny-overridden', rule: 'deny-rdp', sample: { destinationPort: 3389 } }],
    });
  });

  it('a rule that a new foreign deny blocks is moved before it', () => {
    const deny = rule('new-deny', 105, { ...everything, access: 'Deny' });
    const start = body(deny, rule(aliceRule, 110));
    const after = body(deny, rule(aliceRule, 100));
    const result = judge(after, start, [row(alice, 22)]);
    expect(result).toMatchObject({ verdict: 'refused', violations: [{ kind: 'foreign-deny-overridden' }] });
  });
});
