import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, extentOf } from '../../src/core/extent.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { readMeaning } from '../../src/core/securityRule.ts';
import { narrowed } from '../support/narrowing.ts';
import { foreignRules } from '../support/nsgArbitraries.ts';
import { matcherOf, span, type Packet } from '../support/packetOracle.ts';

const rules = foreignRules()
  .filter((list) => list.length > 0)
  .map(([rule]) => ({ ...(rule?.['properties'] as JsonObject), direction: 'Inbound' }));
/** Rules that have to do with each other: the second is the first one narrowed, widened again or not. */
const pairs = fc.oneof(
  fc.tuple(rules, rules),
  fc.tuple(rules, fc.nat(15)).map(([rule, picks]): [JsonObject, JsonObject] => [rule, narrowed(rule, picks)]),
  fc.tuple(rules, fc.nat(15)).map(([rule, picks]): [JsonObject, JsonObject] => [narrowed(rule, picks), rule]),
);

function isCovered(outer: JsonObject, inner: JsonObject): boolean {
  const [one, other] = [outer, inner].map((properties) => extentOf(readMeaning({ properties })));
  return one !== undefined && other !== undefined && covers(one, other);
}

describe('a rule covers another', () => {
  it('exactly if no packet is about the inner one alone, wherever all is numbers', () => {
    fc.assert(
      fc.property(pairs, ([outer, inner]) => {
        const matchesOuter = matcherOf(outer);
        const matchesInner = matcherOf(inner);
        const beside = packetsAround(outer, inner).find(
          (packet) => matchesInner(packet) && !matchesOuter(packet),
        );
        // The oracle has no source ports and knows what is in a tag; of packets that mix families there are none.
        const text = JSON.stringify([outer, inner]);
        const isPlain = !/1024|Virtual|Internet|Azure|AddressPrefix":"\*|AddressPrefixes":\["\*/i.test(text);
        const families = [/\.\d/, /::/].filter((family) => family.test(text));
        if (isCovered(outer, inner)) expect(beside).toBeUndefined();
        else if (isPlain && families.length === 1) expect(beside).toBeDefined();
      }),
      { numRuns: 150 },
    );
  });

  it('if it is the same', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        expect(isCovered(rule, rule)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('never by source ports that are more, nor with a direction of its own', () => {
    const rule = { ...everything, sourcePortRange: '1024-65535' };
    expect(isCovered(everything, rule)).toBe(true);
    expect(isCovered(rule, everything)).toBe(false);
    expect(isCovered(everything, { ...everything, direction: 'Outbound' })).toBe(false);
  });

  it.each<[string, JsonObject]>([
    ['a tag', { sourceAddressPrefix: 'Storage.WestEurope' }],
    ['a group', { sourceAddressPrefix: '', sourceApplicationSecurityGroups: [{ id: '/groups/web' }] }],
    ['host bits that nobody can read', { sourceAddressPrefix: '203.0.113.7/8' }],
    ['no source at all', { sourceAddressPrefix: '' }],
    ['no port at all', { destinationPortRange: '' }],
    ['a port that nobody can read', { destinationPortRange: '80,443' }],
    ['every address', { sourceAddressPrefix: '*' }],
  ])('that says %s by numbers never', (_, properties) => {
    const numbers = { ...everything, sourceAddressPrefix: '0.0.0.0/0', destinationPortRange: '0-65534' };
    expect(isCovered(numbers, { ...numbers, ...properties })).toBe(false);
  });

  it('that says the same tag, and any other where the source is every address', () => {
    const tagged = { ...everything, sourceAddressPrefix: 'Internet' };
    expect(isCovered(tagged, { ...tagged, destinationPortRange: '22' })).toBe(true);
    expect(isCovered(everything, tagged)).toBe(true);
    expect(isCovered({ ...tagged, sourceAddressPrefix: 'VirtualNetwork' }, tagged)).toBe(false);
  });
});

const everything: JsonObject = {
  protocol: '*',
  sourcePortRange: '*',
  destinationPortRange: '*',
  sourceAddressPrefix: '*',
  destinationAddressPrefix: '*',
  access: 'Allow',
  direction: 'Inbound',
};

/** Every combination of the borders of both rules: where one ends and the other does not, one of them is. */
function packetsAround(outer: JsonObject, inner: JsonObject): Packet[] {
  const texts = (field: string) =>
    [outer, inner].flatMap((rule) => {
      const plural = `${field}${field.endsWith('x') ? 'es' : 's'}`;
      return [rule[field], ...((rule[plural] ?? []) as string[])].filter(
        (text): text is string => typeof text === 'string' && text !== '',
      );
    });
  const addresses = (field: string) => {
    const known = texts(field).filter((text) => /^[0-9a-f.:/]+$/.test(text));
    return [...known, '198.51.100.1', '2001:db8:1::1']
      .map(span)
      .flatMap(({ family, first, last }) =>
        [first, last, first - 1n, last + 1n]
          .filter((value) => value >= 0n && value < 2n ** (family === 4 ? 32n : 128n))
          .map((value) => ({ family, value })),
      );
  };
  const ports = texts('destinationPortRange')
    .flatMap((text) => (text === '*' ? [0, 65535] : text.split('-').map(Number)))
    .flatMap((port) => [port - 1, port, port + 1])
    .filter((port) => port >= 0 && port <= 65535);
  const matchesInner = matcherOf(inner);
  const destinations = addresses('destinationAddressPrefix');
  return addresses('sourceAddressPrefix').flatMap((source) =>
    destinations
      .filter(({ family }) => family === source.family)
      .flatMap((destination) =>
        [...new Set(ports)].flatMap((destinationPort) =>
          (['Tcp', 'Udp', 'Icmp'] as const)
            .map((protocol): Packet => ({
              protocol,
              family: source.family,
              source: source.value,
              destination: destination.value,
              destinationPort,
            }))
            .filter(matchesInner),
        ),
      ),
  );
}
