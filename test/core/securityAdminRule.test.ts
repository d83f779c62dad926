import { describe, expect, it } from 'vitest';
import type { Box } from '../../src/core/accessRequest.ts';
import { adminRuleReasons } from '../../src/core/adminRuleReasons.ts';
import { judgeBox, virtualNetworkOf } from '../../src/core/securityAdminRule.ts';
import { adminRule } from '../support/memoryAdminRules.ts';

const box: Box = {
  protocol: 'Tcp',
  sourceAddressPrefixes: ['203.0.113.0/24'],
  destinationAddressPrefixes: ['10.1.0.4/32'],
  destinationPorts: [22],
};
const ofFamily6: Box = {
  ...box,
  sourceAddressPrefixes: ['2001:db8:1::/48'],
  destinationAddressPrefixes: ['fd00:1::4/128'],
};
const prefixes = (...all: string[]) =>
  all.map((addressPrefix) => ({ addressPrefix, addressPrefixType: 'IPPrefix' }));
const group = [{ addressPrefix: '/networkGroups/jump', addressPrefixType: 'NetworkGroup' }];
const denied = (rules: Parameters<typeof judgeBox>[0], of = box) =>
  judgeBox(rules, of)?.verdicts.map(({ access, isCertain }) => [access, isCertain]);

describe('security admin rules', () => {
  it.each<[string, Record<string, unknown>, Box]>([
    ['everybody, IPv4', {}, box],
    ['everybody, IPv6', {}, ofFamily6],
    ['a prefix that holds the source', { sources: prefixes('203.0.0.0/16') }, box],
    ['a prefix of the other family as well', { sources: prefixes('::/0', '0.0.0.0/0') }, ofFamily6],
    ['a range of ports', { destinationPortRanges: ['20-23'] }, box],
    ['any protocol', { protocol: 'Any' }, box],
    ['a protocol in capitals', { protocol: 'TCP', access: 'DENY' }, box],
  ])('keep out by a Deny of %s', (_what, properties, of) => {
    const rule = adminRule('deny', 'Deny');
    expect(denied([{ ...rule, properties: { ...rule.properties, ...(properties as object) } }], of)).toEqual([
      ['deny', true],
    ]);
  });

  it.each<[string, Parameters<typeof adminRule>[2]]>([
    ['a network group', { sources: group }],
    ['no source', { sources: [] }],
    ['no port', { destinationPortRanges: [] }],
    ['a prefix with host bits', { sources: prefixes('203.0.113.7/24') }],
    ['a protocol that nobody knows', { protocol: 'Sctp' }],
    ['no direction', { direction: null }],
    ['an access that nobody knows', { access: 'Quarantine' }],
  ])('are not certain where a rule speaks of %s', (_what, properties) => {
    const [first] = denied([adminRule('odd', 'Deny', properties)]) ?? [];
    expect(first).toEqual(['deny', false]);
  });

  it('are judged by priority, and a rule without one may stand anywhere', () => {
    const allow = (priority: number) => adminRule('allow', 'Allow', { priority });
    expect(denied([adminRule('deny', 'Deny'), allow(5)])).toEqual([]);
    expect(denied([allow(15), adminRule('deny', 'Deny')])).toEqual([['deny', true]]);
    expect(denied([adminRule('deny', 'Deny', { priority: null }), allow(5)])).toEqual([['deny', false]]);
  });

  it('are too many to judge beyond a bound, and that is said and refuses nobody', () => {
    const tag = (addressPrefix: string) => [{ addressPrefix, addressPrefixType: 'ServiceTag' }];
    // Each of them cuts every piece in two that the ones before it left: who is in a tag is not known.
    const rules = Array.from({ length: 24 }, (_, index) =>
      adminRule(`deny-${index}`, 'Deny', {
        ...{ priority: index + 1, sources: tag(`From${index}`), destinations: tag(`To${index}`) },
      }),
    );
    const place = { virtualNetworkId: '/virtualNetworks/contoso', boxes: [box], field: 'id' };
    const { against, warnings } = adminRuleReasons({ kind: 'read', rules }, place);
    expect([against, warnings.map(({ code }) => code)]).toEqual([[], ['not-checked']]);
  });

  it('are told of at most five at a time', () => {
    const rules = Array.from({ length: 9 }, (_, index) =>
      adminRule(`always-${index}`, 'AlwaysAllow', {
        priority: index + 1,
        sources: prefixes(`198.51.100.${index}`),
      }),
    );
    const place = { virtualNetworkId: '/virtualNetworks/contoso', boxes: [box], field: 'id' };
    expect(adminRuleReasons({ kind: 'read', rules }, place).warnings).toHaveLength(5);
  });

  it('belong to the network of a subnet', () => {
    const network = '/subscriptions/a/resourceGroups/b/providers/Microsoft.Network/virtualNetworks/c';
    expect(virtualNetworkOf(`${network}/Subnets/web`)).toBe(network);
    expect(virtualNetworkOf(network)).toBeUndefined();
  });
});
