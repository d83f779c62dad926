import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../src/core/accessRequest.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { readMeaning } from '../../src/core/securityRule.ts';
import { trafficMeets, trafficOfBox, trafficOfRule } from '../../src/core/traffic.ts';
import { foreignRules, grants } from '../support/nsgArbitraries.ts';
import { matcherOf, span } from '../support/packetOracle.ts';
import type { Packet } from '../support/packetOracle.ts';

const box: Box = {
  protocol: 'Tcp',
  sourceAddressPrefixes: ['203.0.113.0/24'],
  destinationAddressPrefixes: ['10.0.0.4/32'],
  destinationPorts: [22, 3389],
};

/** Whether a rule with these properties may meet the box. */
function mayMeet(properties: JsonObject, other: Box): boolean {
  return trafficMeets(trafficOfRule(readMeaning({ properties })), trafficOfBox(other));
}

function meets(properties: JsonObject, other: Partial<Box> = {}): boolean {
  const all = {
    protocol: '*',
    sourceAddressPrefix: '*',
    destinationAddressPrefix: '*',
    destinationPortRange: '*',
  };
  return mayMeet({ ...all, ...properties }, { ...box, ...other });
}

describe('the traffic of a rule and of a box', () => {
  it.each<[string, JsonObject]>([
    ['everything', {}],
    ['the protocol', { protocol: 'TCP' }],
    ['a part of the sources', { sourceAddressPrefix: '203.0.113.255' }],
    ['more than the sources', { sourceAddressPrefix: '203.0.0.0/16' }],
    ['one of the ports', { destinationPortRange: '3000-4000' }],
    ['a tag as source', { sourceAddressPrefix: 'AzureLoadBalancer' }],
    ['a tag beside others', { sourceAddressPrefixes: ['192.0.2.1', 'Storage.WestEurope'] }],
    ['a group as source', { sourceAddressPrefix: '', sourceApplicationSecurityGroups: [{ id: '/a' }] }],
    [
      'a group as destination',
      { destinationAddressPrefix: '', destinationApplicationSecurityGroups: [{ id: '/a' }] },
    ],
    ['host bits that nobody can read', { sourceAddressPrefix: '192.0.2.1/8' }],
    ['ports that nobody can read', { destinationPortRange: '80,443' }],
    ['a protocol that nobody knows', { protocol: 'Sctp' }],
    ['no source at all', { sourceAddressPrefix: '' }],
  ])('counts a rule about %s', (_, properties) => {
    expect(meets(properties)).toBe(true);
  });

  it.each<[string, JsonObject]>([
    ['another protocol', { protocol: 'Udp' }],
    ['ICMP', { protocol: 'Icmp' }],
    ['other sources', { sourceAddressPrefix: '198.51.100.0/24' }],
    ['the other family', { sourceAddressPrefix: '::/0' }],
    ['multicast destinations', { destinationAddressPrefix: '224.0.0.0/4' }],
    ['the next machine', { destinationAddressPrefix: '10.0.0.5' }],
    ['the ports between', { destinationPortRange: '23-3388' }],
  ])('leaves out a rule about %s', (_, properties) => {
    expect(meets(properties)).toBe(false);
  });

  it('counts every rule about one protocol for a box of any', () => {
    expect(meets({ protocol: 'Icmp' }, { protocol: '*' })).toBe(true);
  });

  it('is as the packets say where all is understood, and never less', () => {
    fc.assert(
      fc.property(foreignRules(), grants, (foreign, granted) => {
        for (const rule of foreign.map((raw) => raw['properties'] as JsonObject)) {
          for (const candidate of granted.flatMap(({ row }) => row.boxes)) {
            const isMet = cornersOf(rule, candidate).some(matcherOf(rule));
            const answer = mayMeet(rule, candidate);
            if (isMet) expect(answer).toBe(true);
            else if (!/virtualnetwork|internet|azureloadbalancer/i.test(JSON.stringify(rule))) {
              expect(answer).toBe(false);
            }
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** If a rule and a box meet at all, then at the first address of one of the two, in each dimension. */
function cornersOf(rule: JsonObject, { protocol, ...candidate }: Box): Packet[] {
  const { family } = span(candidate.sourceAddressPrefixes[0] ?? '');
  const texts = Object.entries(rule)
    .filter(([field]) => field.includes('AddressPrefix'))
    .flatMap(([, value]) => value)
    .filter(isAddress);
  const inBox = (prefixes: string[]) => [
    ...new Set(
      [...prefixes, ...texts]
        .map(span)
        .filter((range) => range.family === family)
        .map(({ first }) => first)
        .filter((first) => prefixes.map(span).some((range) => range.first <= first && first <= range.last)),
    ),
  ];
  const protocols = protocol === '*' ? (['Tcp', 'Udp', 'Icmp'] as const) : [protocol];
  return protocols.flatMap((one) =>
    inBox(candidate.sourceAddressPrefixes).flatMap((source) =>
      inBox(candidate.destinationAddressPrefixes).flatMap((destination) =>
        candidate.destinationPorts.map((destinationPort) => ({
          protocol: one,
          family,
          source,
          destination,
          destinationPort,
        })),
      ),
    ),
  );
}

function isAddress(value: Json): value is string {
  return typeof value === 'string' && /^[0-9a-f.:]*[.:][0-9a-f.:]*(\/\d+)?$/.test(value);
}
