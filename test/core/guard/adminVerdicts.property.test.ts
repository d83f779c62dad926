import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adminVerdicts, type AdminRule } from '../../../src/core/guard/adminVerdicts.ts';

/** A little world: four sources, three ports, two tags and a network group of which nobody knows who is in them. */
const sources = ['198.51.100.0', '198.51.100.1', '198.51.100.2', '198.51.100.3'];
const ports = [21, 22, 3389];
const unknownSets = ['TagOne', 'TagTwo', '/networkGroups/group'];

interface SmallRule {
  list: string;
  access: string;
  priority: number;
  protocol: string;
  direction: string;
  /** Indexes of sources that it names, and of unknown sets. */
  from: { addresses: number[]; sets: number[] } | 'everybody';
  port: string;
}

const smallRule = fc.record<SmallRule>({
  list: fc.constantFrom('one', 'other'),
  access: fc.constantFrom('Allow', 'Deny', 'AlwaysAllow'),
  priority: fc.integer({ min: 1, max: 4 }),
  protocol: fc.constantFrom('Tcp', 'Any', 'Any', 'Udp'),
  direction: fc.constantFrom('Inbound', 'Inbound', 'Inbound', 'Outbound'),
  from: fc.oneof(
    fc.constant('everybody' as const),
    fc
      .record({ addresses: fc.subarray([0, 1, 2, 3]), sets: fc.subarray([0, 1, 2]) })
      .filter(({ addresses, sets }) => addresses.length + sets.length > 0),
  ),
  port: fc.constantFrom('*', '22', '20-22', '3389'),
});
const anyRules = fc.array(smallRule, { maxLength: 4 });
/** Of one list and each with a priority of its own: nothing about their order is in doubt. */
const orderedRules = anyRules.map((rules) =>
  rules.map((rule, index) => ({ ...rule, list: 'one', priority: index + 1 })),
);
const smallBox = fc.record({
  from: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
  ports: fc.subarray(ports, { minLength: 1 }),
});
type SmallBox = typeof smallBox extends fc.Arbitrary<infer Box> ? Box : never;

function judged(rules: SmallRule[], box: SmallBox) {
  const verdicts = adminVerdicts({
    rules: rules.map(ruleOf),
    box: {
      protocol: 'Tcp',
      sourceAddressPrefixes: box.from.map((index) => `${sources[index] ?? ''}/32`),
      destinationAddressPrefixes: ['10.1.0.4/32'],
      destinationPorts: box.ports,
    },
    budget: 1_000_000,
  });
  if (verdicts === undefined) throw new Error('It was too much.');
  const named = (access: string, isCertain?: boolean) =>
    verdicts.verdicts.some(
      (one) => one.access === access && (isCertain === undefined || one.isCertain === isCertain),
    );
  return { isKeptOut: verdicts.isKeptOut, named };
}

function ruleOf({ list, access, priority, protocol, direction, from, port }: SmallRule): AdminRule {
  const everybody = { addressPrefix: '*', addressPrefixType: 'IPPrefix' };
  const named =
    from === 'everybody'
      ? [everybody]
      : [
          ...from.addresses.map((index) => ({
            addressPrefix: sources[index] ?? '',
            addressPrefixType: 'IPPrefix',
          })),
          ...from.sets.map((index) => ({
            addressPrefix: unknownSets[index] ?? '',
            addressPrefixType: index === 2 ? 'NetworkGroup' : 'ServiceTag',
          })),
        ];
  return {
    list,
    properties: {
      ...{ access, priority, protocol, direction, sources: named, destinations: [everybody] },
      sourcePortRanges: ['0-65535'],
      destinationPortRanges: [port],
    },
  };
}

/** What may become of one packet, in every order that is possible and for whomever the unknown sets hold. */
function fates(rules: SmallRule[], source: number, port: number): Set<string> {
  const found = new Set<string>();
  for (const order of permutations(rules).filter(isPossible)) {
    for (let members = 0; members < 8; members++) {
      const first = order.find((rule) => matches(rule, source, port, members));
      found.add(first === undefined || first.access === 'Allow' ? 'left to others' : first.access);
    }
  }
  return found;
}

function isPossible(order: SmallRule[]): boolean {
  return order.every((rule, index) =>
    order.slice(index + 1).every((later) => later.list !== rule.list || later.priority >= rule.priority),
  );
}

function matches(rule: SmallRule, source: number, port: number, members: number): boolean {
  const isFrom =
    rule.from === 'everybody' ||
    rule.from.addresses.includes(source) ||
    rule.from.sets.some((index) => (members & (1 << index)) !== 0);
  const isTo = rule.port === '*' || rule.port === String(port) || (rule.port === '20-22' && port <= 22);
  return isFrom && isTo && rule.direction === 'Inbound' && rule.protocol !== 'Udp';
}

function permutations<Item>(items: Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]),
  );
}

const fatesIn = (rules: SmallRule[], box: SmallBox) =>
  box.from.flatMap((source) => box.ports.map((port) => fates(rules, source, port)));
const isOnly = (fate: Set<string>, access: string) => fate.size === 1 && fate.has(access);

describe('verdicts of security admin rules', () => {
  const accesses = [
    ['deny', 'Deny'],
    ['always-allow', 'AlwaysAllow'],
  ] as const;

  it('are certain exactly where every membership of tags and groups comes to the same', () => {
    fc.assert(
      fc.property(orderedRules, smallBox, (rules, box) => {
        const found = judged(rules, box);
        const expected = fatesIn(rules, box);
        for (const [access, fate] of accesses) {
          expect(found.named(access, true)).toBe(expected.some((one) => isOnly(one, fate)));
          expect(found.named(access)).toBe(expected.some((one) => one.has(fate)));
        }
        expect(found.isKeptOut).toBe(expected.every((one) => isOnly(one, 'Deny')));
      }),
      { numRuns: 400 },
    );
  });

  it('are never certain where another order of two lists, or of equal priorities, comes to something else', () => {
    fc.assert(
      fc.property(anyRules, smallBox, (rules, box) => {
        const found = judged(rules, box);
        const expected = fatesIn(rules, box);
        for (const [access, fate] of accesses) {
          if (found.named(access, true)) expect(expected.some((one) => isOnly(one, fate))).toBe(true);
          if (expected.some((one) => one.has(fate))) expect(found.named(access)).toBe(true);
        }
        if (found.isKeptOut) expect(expected.every((one) => isOnly(one, 'Deny'))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
