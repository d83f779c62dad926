import { describe, expect, it } from 'vitest';
import { grantChanges, type ChangedGrant, type SeenGrants } from '../../src/core/grantChanges.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { ownedRules, rawRule } from '../../src/core/ownedRule.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso } from '../support/liveRow.ts';

/** A grant of an hour: SSH to 10.1.0.4. */
function grantOf(id: string, source: string): ChangedGrant {
  return {
    requestId: id.padStart(32, '0'),
    end: '2026-11-23T13:00:00.000Z',
    boxes: [
      {
        protocol: 'Tcp',
        sourceAddressPrefixes: [source],
        destinationAddressPrefixes: ['10.1.0.4/32'],
        destinationPorts: [22],
      },
    ],
  };
}

const alice = grantOf('a', '203.0.113.7/32');
const bob = grantOf('b', '198.51.100.9/32');

/** Without default rules, so that no sentence depends on tags. */
function body(...securityRules: JsonObject[]): JsonObject {
  return { properties: { securityRules } };
}

function rulesOf(grant: typeof alice, priority = 100): JsonObject[] {
  return ownedRules(grant, contoso.id).map((rule, index) => rawRule(rule, priority + index));
}

function changes(seen: Partial<SeenGrants>): Record<string, string[]> {
  const whole = { first: body(), last: body(), opened: [], shut: [], installation: contoso, ...seen };
  return Object.fromEntries(grantChanges(whole));
}

const ruleOf = ({ requestId }: typeof alice) => `(rule sallyport-contoso-${requestId}-1)`;

describe('what an opening or a close changed, for people', () => {
  it('is told of each grant by itself: who can now reach what, and who no longer', () => {
    const told = changes({
      first: body(...rulesOf(alice)),
      last: body(...rulesOf(bob, 101)),
      opened: [bob],
      shut: [alice],
    });
    expect(told).toEqual({
      [bob.requestId]: [`198.51.100.9 can now reach 10.1.0.4 on Tcp 22 ${ruleOf(bob)}.`],
      [alice.requestId]: [`203.0.113.7 can no longer reach 10.1.0.4 on Tcp 22 ${ruleOf(alice)}.`],
    });
  });

  it('says that nothing is new where another grant admits the same', () => {
    const twin = { ...alice, requestId: 'c'.repeat(32) };
    expect(
      changes({
        first: body(...rulesOf(alice)),
        last: body(...rulesOf(alice), ...rulesOf(twin, 101)),
        opened: [twin],
      }),
    ).toEqual({ [twin.requestId]: ['Nobody can newly reach anything: other rules admit the same.'] });
    expect(
      changes({
        first: body(...rulesOf(alice), ...rulesOf(twin, 101)),
        last: body(...rulesOf(alice)),
        shut: [twin],
      }),
    ).toEqual({ [twin.requestId]: ['Nobody is newly kept from anything: other rules admit the same.'] });
  });

  it('tells both of two grants that open for the same packets at once', () => {
    const twin = { ...alice, requestId: 'c'.repeat(32) };
    const last = body(...rulesOf(alice), ...rulesOf(twin, 101));
    const told = changes({ last, opened: [alice, twin] });
    const sentence = `203.0.113.7 can now reach 10.1.0.4 on Tcp 22 ${ruleOf(alice)}.`;
    expect(told).toEqual({ [alice.requestId]: [sentence], [twin.requestId]: [sentence] });
  });

  it('compares with the same rules without its own where they were there when the NSG was first read', () => {
    const both = body(...rulesOf(alice), ...rulesOf(bob, 101));
    expect(changes({ first: both, last: both, opened: [alice] })).toEqual({
      [alice.requestId]: [
        'Its rules were there when the network security group was first read. Compared with the same rules without them:',
        `203.0.113.7 can now reach 10.1.0.4 on Tcp 22 ${ruleOf(alice)}.`,
      ],
    });
  });

  it('compares with the same rules and its own where these were gone when the NSG was first read', () => {
    const others = body(foreignRule('deny-ssh', 1000, { destinationPortRange: '22' }), ...rulesOf(bob));
    expect(changes({ first: others, last: others, shut: [alice] })).toEqual({
      [alice.requestId]: [
        'Its rules were gone when the network security group was first read. Compared with the same rules and them:',
        `203.0.113.7 can no longer reach 10.1.0.4 on Tcp 22 ${ruleOf(alice)}.`,
      ],
    });
  });

  it('takes a rule that was turned into one that denies what nobody sends for gone', () => {
    const [rule] = rulesOf(alice);
    const deny = {
      name: rule?.['name'] ?? '',
      properties: {
        ...(rule?.['properties'] as JsonObject),
        access: 'Deny',
        sourceAddressPrefix: '192.0.2.0/32',
        destinationAddressPrefix: '192.0.2.0/32',
      },
    };
    expect(changes({ first: body(...rulesOf(alice)), last: body(deny), shut: [alice] })).toEqual({
      [alice.requestId]: [`203.0.113.7 can no longer reach 10.1.0.4 on Tcp 22 ${ruleOf(alice)}.`],
    });
  });

  it('is bounded for a grant of many parts, and says how many are left out', () => {
    const wide = {
      ...alice,
      boxes: Array.from({ length: 20 }, (_, index) => ({
        protocol: 'Tcp' as const,
        sourceAddressPrefixes: Array.from({ length: 30 }, (_none, part) => `203.0.113.${2 * part}/32`),
        destinationAddressPrefixes: [`10.1.0.${2 * index}/32`],
        destinationPorts: [22],
      })),
    };
    const lines = changes({ last: body(...rulesOf(wide)), opened: [wide] })[wide.requestId] ?? [];
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toBe('And 15 more changes.');
    expect(lines[0]).toContain(
      '203.0.113.0, 203.0.113.2, 203.0.113.4, 203.0.113.6 and 26 more can now reach',
    );
  });

  it('is worked out for as many grants at once as an NSG can hold beside 100 rules', () => {
    const grants = Array.from({ length: 800 }, (_, index) =>
      grantOf(index.toString(16).padStart(4, '0'), `203.0.${index >> 8}.${index & 255}/32`),
    );
    const foreign = Array.from({ length: 100 }, (_, index) =>
      foreignRule(`rule-${index}`, 1100 + index, { sourceAddressPrefix: `203.0.${index % 4}.0/24` }),
    );
    const open = body(...foreign, ...grants.flatMap((grant, index) => rulesOf(grant, 100 + index)));
    const opening = changes({ first: body(...foreign), last: open, opened: grants });
    const closing = changes({ first: open, last: body(...foreign), shut: grants });
    const without = changes({ first: open, last: open, opened: grants });
    for (const [index, { requestId }] of grants.entries()) {
      const source = `203.0.${index >> 8}.${index & 255}`;
      expect(opening[requestId]?.join()).toContain(`${source} can now reach 10.1.0.4`);
      expect(closing[requestId]?.join()).toContain(`${source} can no longer reach 10.1.0.4`);
      expect(without[requestId]?.join()).toContain(`${source} can now reach 10.1.0.4`);
    }
  });

  it('is given up where it would take too long, and says so', () => {
    const foreign = Array.from({ length: 800 }, (_, index) =>
      foreignRule(`rule-${index}`, 1100 + index, {
        protocol: index % 3 === 0 ? '*' : 'Tcp',
        sourceAddressPrefix: index % 5 === 0 ? `Tag${index % 4}` : `203.0.${index % 256}.0/24`,
        destinationAddressPrefix: index % 2 === 0 ? '*' : `10.${index % 4}.${(index % 16) * 16}.0/20`,
        destinationPortRange: ['20-30', '22', '*', '1-65535', '3389'][index % 5] ?? '',
        access: index % 3 === 0 ? 'Deny' : 'Allow',
      }),
    );
    const wide = {
      ...alice,
      boxes: [
        {
          protocol: '*' as const,
          sourceAddressPrefixes: ['0.0.0.0/0'],
          destinationAddressPrefixes: ['10.0.0.0/8'],
          destinationPorts: Array.from({ length: 500 }, (_, index) => 2 * index),
        },
      ],
    };
    const told = changes({
      first: body(...foreign),
      last: body(...foreign, ...rulesOf(wide)),
      opened: [wide],
    });
    expect(told[wide.requestId]).toEqual([
      'What this changed was not worked out: it would have taken longer than it may.',
    ]);
  });
});
