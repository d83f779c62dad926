import { describe, expect, it } from 'vitest';
import { describeDifference } from '../../../src/core/guard/describeDifference.ts';
import { guard } from '../../../src/core/guard/guard.ts';
import type { LiveGrant } from '../../../src/core/guard/grant.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { alice, aliceRule, body, grant, input, rule } from './samples.ts';

/** Without default rules, so that no sentence depends on tags. */
function bare(...securityRules: JsonObject[]): JsonObject {
  return { properties: { securityRules } };
}

function say(before: JsonObject, after: JsonObject, grants: LiveGrant[], maximumLines?: number): string[] {
  const result = guard(input({ before, after, grants }));
  if (result.verdict !== 'proven') expect.fail(JSON.stringify(result));
  return describeDifference(result.difference, maximumLines);
}

describe('what a write changes, for people', () => {
  it('says who can now reach what', () => {
    expect(say(bare(), bare(rule(aliceRule, 100)), [grant(alice)])).toEqual([
      `203.0.113.7 can now reach 10.1.0.4 on Tcp 22 (rule ${aliceRule}).`,
    ]);
  });

  it('says who can no longer', () => {
    expect(say(bare(rule(aliceRule, 100)), bare(), [])).toEqual([
      `203.0.113.7 can no longer reach 10.1.0.4 on Tcp 22 (rule ${aliceRule}).`,
    ]);
  });

  it('says what it depends on where a tag decides whether it is new', () => {
    expect(say(body(), body(rule(aliceRule, 100)), [grant(alice)])).toEqual([
      `203.0.113.7 can now reach 10.1.0.4 on Tcp 22 (rule ${aliceRule}). Whether it could before depends on: source in VirtualNetwork, destination in VirtualNetwork.`,
    ]);
  });

  it('says of no tag that it depends on it where it is so for every membership', () => {
    const tagged = rule('deny-internet', 4000, { sourceAddressPrefix: 'Internet', access: 'Deny' });
    expect(say(bare(tagged), bare(tagged, rule(aliceRule, 100)), [grant(alice)])).toEqual([
      `203.0.113.7 can now reach 10.1.0.4 on Tcp 22 (rule ${aliceRule}).`,
    ]);
  });

  it('names ranges, whole families, source ports and every port', () => {
    const wide = rule(aliceRule, 100, {
      protocol: '*',
      sourceAddressPrefix: '*',
      sourcePortRange: '1024-65535',
      destinationAddressPrefixes: ['10.1.0.5'],
      destinationPortRange: '*',
    });
    const lines = say(bare(wide), bare(), []);
    expect(lines[0]).toBe(
      `every IPv4 address from port 1024-65535 can no longer reach 10.1.0.4/31 on Tcp, Udp, every port (rule ${aliceRule}).`,
    );
    expect(lines[1]).toContain('on Icmp, Esp, Ah, other');
  });

  it('says nothing where nothing changes', () => {
    const open = bare(rule(aliceRule, 100));
    expect(say(open, open, [grant(alice)])).toEqual([]);
  });

  it('is bounded, in lines and in their length', () => {
    const rules = Array.from({ length: 40 }, (_, index) =>
      rule(`sallyport-contoso-${'x'.repeat(300)}-${index}`, 100 + index, {
        sourceAddressPrefixes: Array.from(
          { length: 50 },
          (_none, part) => `2001:db8:${index}:${2 * part}::/64`,
        ),
        destinationAddressPrefix: '2001:db8:ffff::4',
        destinationPortRange: String(1000 + index),
      }),
    );
    const lines = say(bare(...rules), bare(), [], 10);
    expect(lines).toHaveLength(10);
    expect(lines[9]).toBe('And 31 more changes.');
    expect(lines[0]).toContain(' and 46 more can no longer reach');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(400);
  });
});
