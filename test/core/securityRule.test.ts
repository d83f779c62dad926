import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/network.ts';
import { countValues, readHead, readMeaning, sameMeaning } from '../../src/core/securityRule.ts';

const singular: JsonObject = {
  protocol: 'Tcp',
  sourcePortRange: '*',
  destinationPortRange: '22',
  sourceAddressPrefix: '203.0.113.7',
  destinationAddressPrefix: '10.0.0.4/32',
  access: 'Allow',
  priority: 110,
  direction: 'Inbound',
};

function rule(properties: JsonObject): JsonObject {
  return { name: 'a', properties: { ...singular, ...properties } };
}

function same(a: JsonObject, b: JsonObject): boolean {
  return sameMeaning(readMeaning(rule(a)), readMeaning(rule(b)));
}

describe('the meaning of a rule', () => {
  it.each<[string, JsonObject, JsonObject]>([
    [
      'singular and plural',
      {},
      {
        sourceAddressPrefix: '',
        sourceAddressPrefixes: ['203.0.113.7/32'],
        destinationPortRange: null,
        destinationPortRanges: ['22'],
      },
    ],
    ['empty lists that the API adds', {}, { destinationPortRanges: [], sourceAddressPrefixes: [] }],
    ['upper and lower case', {}, { protocol: 'TCP', access: 'allow', direction: 'inbound' }],
    ['a port and a range of one', {}, { destinationPortRange: '22-22' }],
    ['every port', { destinationPortRange: '*' }, { destinationPortRange: '0-65535' }],
    [
      'the order of ports',
      { destinationPortRanges: ['80', '443'] },
      { destinationPortRanges: ['443', '80'] },
    ],
    ['neighbouring ports', { destinationPortRanges: ['23-24'] }, { destinationPortRange: '22-24' }],
    [
      'the order of prefixes',
      { sourceAddressPrefixes: ['198.51.100.0/24', '192.0.2.1'] },
      { sourceAddressPrefixes: ['192.0.2.1/32', '198.51.100.0/24'] },
    ],
    [
      'the case of IPv6',
      { sourceAddressPrefix: '2001:DB8:0::/48' },
      { sourceAddressPrefix: '2001:db8::/48' },
    ],
    ['the case of a tag', { sourceAddressPrefix: 'Internet' }, { sourceAddressPrefix: 'INTERNET' }],
    [
      'the case of an application security group',
      { sourceApplicationSecurityGroups: [{ id: '/Sub/A' }] },
      { sourceApplicationSecurityGroups: [{ id: '/sub/a' }] },
    ],
    ['priority and description', {}, { priority: 200, description: 'text' }],
  ])('is independent of %s', (_, a, b) => {
    expect(same(a, b)).toBe(true);
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['any address and any IPv4 address', { sourceAddressPrefix: '*' }, { sourceAddressPrefix: '0.0.0.0/0' }],
    ['a tag and any address', { sourceAddressPrefix: 'Internet' }, { sourceAddressPrefix: '*' }],
    ['protocols', {}, { protocol: '*' }],
    ['accesses', {}, { access: 'Deny' }],
    ['directions', {}, { direction: 'Outbound' }],
    ['ports', {}, { destinationPortRange: '23' }],
    ['one more port', {}, { destinationPortRanges: ['3389'] }],
    ['source ports', {}, { sourcePortRange: '1024-65535' }],
    ['sources', {}, { sourceAddressPrefix: '203.0.113.6/31' }],
    ['destinations', {}, { destinationAddressPrefix: '10.0.0.5' }],
    ['an added application security group', {}, { destinationApplicationSecurityGroups: [{ id: '/a' }] }],
    ['a malformed source and none', { sourceAddressPrefix: '10.0.0.1/8' }, { sourceAddressPrefix: '' }],
  ])('tells apart %s', (_, a, b) => {
    expect(same(a, b)).toBe(false);
  });

  it.each(['022', '0022-0022', '22-023', '00'])(
    'does not take %s for a number, nor does the guard',
    (port) => {
      const odd = readMeaning({ name: 'odd', properties: { ...singular, destinationPortRange: port } });
      expect(odd.destinationPorts).toEqual([port]);
      expect(sameMeaning(odd, readMeaning({ name: 'odd', properties: singular }))).toBe(false);
    },
  );

  it('keeps what it does not understand as text', () => {
    const meaning = readMeaning(rule({ destinationPortRange: '80,443', sourceAddressPrefix: '10.0.0.1/8' }));
    expect(meaning).toMatchObject({ destinationPorts: ['80,443'], sources: ['10.0.0.1/8'] });
  });

  it('survives any JSON that stands in the place of a rule', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom(...Object.keys(singular)), fc.jsonValue()),
        (raw, odd) => {
          for (const value of [raw, { properties: raw }, { properties: odd }] as JsonObject[]) {
            readHead(value);
            countValues(value);
            expect(sameMeaning(readMeaning(value), readMeaning(value))).toBe(true);
          }
        },
      ),
    );
  });
});
