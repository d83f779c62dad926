import fc from 'fast-check';
import type { GrantedBox } from '../../../src/core/guard/grant.ts';
import type { GuardInput } from '../../../src/core/guard/guard.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { everyProbe, portless } from './bruteForce.ts';
import type { Probe } from './bruteForce.ts';

const sets = {
  'source in internet': '"Internet"',
  'source in virtualnetwork': '"VirtualNetwork"',
  'destination in virtualnetwork': '"VirtualNetwork"',
  'protocol gre': '"Gre"',
  [portless]: '',
};
const worlds = new Map<string, Probe[]>();

/**
 * The packets that can tell writes apart: every border of every rule of this world is among the corners, so that no
 * packet behaves otherwise than one of these. What a write does not speak of is left out.
 */
export function probesFor(input: object): Probe[] {
  const text = JSON.stringify(input);
  const mentioned = Object.entries(sets).filter(([, word]) => text.includes(word));
  const key = JSON.stringify([mentioned, text.includes('"Outbound"')]);
  const known = worlds.get(key);
  if (known !== undefined) return known;
  const probes = everyProbe({
    directions: text.includes('"Outbound"') ? ['Inbound', 'Outbound'] : ['Inbound'],
    sources: [
      ...['203.0.113.0', '203.0.113.1', '203.0.113.2', '198.51.100.9'],
      ...['2001:db8::', '2001:db8::1', 'fd00::1'],
    ],
    destinations: ['10.0.0.4', '10.0.0.5', '10.9.9.9', '2001:db8:1::4', '2001:db8:1::5', 'fd00::2'],
    sourcePorts: [1023, 1024],
    destinationPorts: [20, 21, 22, 23, 24],
    protocols: ['Tcp', 'Udp', 'Icmp', 'other'],
    sets: mentioned.map(([name]) => name),
  });
  worlds.set(key, probes);
  return probes;
}

const source = fc.constantFrom(
  '203.0.113.0/31',
  '203.0.113.0',
  '203.0.113.1/32',
  '203.0.113.2',
  '0.0.0.0/0',
  '2001:db8::/127',
  '2001:db8::1',
  '::/0',
);
const sourceOfRule = fc.oneof(
  { weight: 3, arbitrary: source },
  fc.constantFrom('*', 'Internet', 'VirtualNetwork'),
);
const destination = fc.constantFrom(
  '10.0.0.4',
  '10.0.0.5/32',
  '10.0.0.4/31',
  '2001:db8:1::4',
  '2001:db8:1::4/127',
);
const destinationOfRule = fc.oneof(
  { weight: 3, arbitrary: destination },
  fc.constantFrom('*', '*', 'VirtualNetwork'),
);

const properties = fc
  .record({
    direction: fc.constantFrom('Inbound', 'Inbound', 'Inbound', 'Inbound', 'Inbound', 'Outbound'),
    access: fc.constantFrom('Allow', 'Deny'),
    protocol: fc.constantFrom('Tcp', 'Tcp', 'Udp', '*', 'Icmp', 'Gre'),
    source: fc.oneof(
      sourceOfRule.map((text) => [text]),
      fc.array(source, { minLength: 1, maxLength: 3 }),
    ),
    destination: fc.oneof(
      destinationOfRule.map((text) => [text]),
      fc.array(destination, { minLength: 2, maxLength: 2 }),
    ),
    sourcePortRange: fc.constantFrom('*', '*', '*', '0-1023', '1024-65535'),
    ports: fc.oneof(
      fc.constantFrom('22', '23', '22-23', '*', '0-21', '22-65535').map((text) => [text]),
      fc.constant(['21', '23']),
    ),
  })
  .map(({ source: from, destination: to, ports, ...rest }): JsonObject => ({
    ...rest,
    ...(from.length === 1 ? { sourceAddressPrefix: from[0] ?? '' } : { sourceAddressPrefixes: from }),
    destinationAddressPrefixes: to,
    destinationPortRanges: [...ports],
  }));

const box: fc.Arbitrary<GrantedBox> = fc
  .tuple(
    fc.constantFrom('Tcp' as const, 'Udp' as const, '*' as const),
    fc.constantFrom(
      { sourceAddressPrefixes: ['203.0.113.0/31', '203.0.113.2'], destinationAddressPrefixes: ['10.0.0.4'] },
      { sourceAddressPrefixes: ['203.0.113.0'], destinationAddressPrefixes: ['10.0.0.4', '10.0.0.5'] },
      { sourceAddressPrefixes: ['0.0.0.0/0'], destinationAddressPrefixes: ['10.0.0.4/31'] },
      { sourceAddressPrefixes: ['2001:db8::/127'], destinationAddressPrefixes: ['2001:db8:1::4'] },
    ),
    fc.constantFrom([22], [22, 23], [21, 22, 23]),
  )
  .map(([protocol, ends, destinationPorts]) => ({
    protocol,
    sourceAddressPrefixes: [...ends.sourceAddressPrefixes],
    destinationAddressPrefixes: [...ends.destinationAddressPrefixes],
    destinationPorts: [...destinationPorts],
  }));

const baseline = fc.tuple(box, fc.constantFrom('*', 'Internet', '203.0.113.0/31')).map(([shut, from]) => ({
  ...shut,
  sourceAddressPrefixes: [from],
}));

/** Writes of random owned rules among random foreign ones; half of the owned rules are exactly a grant's box. */
export const writes: fc.Arbitrary<GuardInput> = fc
  .record({
    foreign: fc.uniqueArray(fc.tuple(properties, fc.constantFrom(101, 103, 109, 111, 113, 115, 131, 133)), {
      maxLength: 4,
      selector: ([, priority]) => priority,
    }),
    owned: fc.array(
      fc.record({
        properties,
        granted: fc.option(fc.nat(9)),
        access: fc.constantFrom('Allow', 'Allow', 'Deny'),
        inBefore: fc.constantFrom('same', 'absent', 'elsewhere', 'otherwise'),
        inAfter: fc.boolean(),
        other: properties,
      }),
      { maxLength: 4 },
    ),
    boxes: fc.array(
      fc.tuple(fc.array(box, { minLength: 1, maxLength: 2 }), fc.constantFrom(false, false, true)),
      { maxLength: 3 },
    ),
    baselines: fc.array(baseline, { maxLength: 2 }),
    withDefaults: fc.boolean(),
  })
  .map(({ foreign, owned, boxes, baselines, withDefaults }) => {
    const grants = boxes.map(([list, declined], index) => ({
      requestId: String(index).repeat(32),
      boxes: list,
      declined,
    }));
    const foreignRules = foreign.map(([rule, priority], index) => ({
      name: `rule-${index}`,
      properties: { ...rule, priority },
    }));
    const [before, after]: JsonObject[][] = [[...foreignRules], [...foreignRules]];
    owned.forEach((one, index) => {
      const grant = one.granted === null ? undefined : grants[one.granted % Math.max(1, grants.length)];
      const granted = grant?.boxes[0];
      const said: JsonObject =
        granted === undefined
          ? { ...one.properties, access: one.access }
          : {
              direction: 'Inbound',
              access: 'Allow',
              protocol: granted.protocol,
              sourcePortRange: '*',
              sourceAddressPrefixes: granted.sourceAddressPrefixes,
              destinationAddressPrefixes: granted.destinationAddressPrefixes,
              destinationPortRanges: granted.destinationPorts.map(String),
            };
      const name = `sallyport-contoso-${grant?.requestId ?? 'f'.repeat(32)}-${index + 1}`;
      const rule = { name, properties: { ...said, priority: 110 + 2 * index } };
      if (one.inBefore === 'same') before?.push(rule);
      if (one.inBefore === 'elsewhere')
        before?.push({ name, properties: { ...said, priority: 120 + 2 * index } });
      if (one.inBefore === 'otherwise')
        before?.push({ name, properties: { ...one.other, priority: 110 + 2 * index } });
      if (one.inAfter) after?.push(rule);
    });
    return {
      before: body(before ?? [], withDefaults),
      after: body(after ?? [], withDefaults),
      installation: 'contoso',
      lastAllowPriority: 117,
      grants,
      baselines,
      budget: 10_000_000,
    };
  });

function body(securityRules: JsonObject[], withDefaults: boolean): JsonObject {
  const rule = (name: string, priority: number, access: string, tag: string): JsonObject => ({
    name,
    properties: {
      ...{
        priority,
        access,
        direction: 'Inbound',
        protocol: '*',
        sourcePortRange: '*',
        destinationPortRange: '*',
      },
      ...{ sourceAddressPrefix: tag, destinationAddressPrefix: tag },
    },
  });
  const defaultSecurityRules = [
    rule('AllowVnetInBound', 65000, 'Allow', 'VirtualNetwork'),
    rule('DenyAllInBound', 65500, 'Deny', '*'),
  ];
  return { properties: { securityRules, ...(withDefaults ? { defaultSecurityRules } : {}) } };
}
