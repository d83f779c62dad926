import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import { endBaseline } from '../../src/core/baseline.ts';
import type { BaselineRow } from '../../src/core/baseline.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { plan } from '../../src/core/plan.ts';
import { wantedBaseline } from '../support/baselineArbitraries.ts';
import { foreignRule } from '../support/foreignRule.ts';

const installation = {
  id: 'contoso',
  allowBand: { first: 110, last: 112 },
  baselineBand: { first: 113, last: 116 },
};
const noon = new Date('2026-03-04T12:00:00Z');
const four = wantedBaseline({ host: 4 }).row;
const five = wantedBaseline({ host: 5 }).row;

function nsg(rules: Json[]): JsonObject {
  return { properties: { provisioningState: 'Succeeded', securityRules: rules } };
}

function run(rules: Json[], baselines: BaselineRow[], rows: LiveRow[] = []) {
  return plan({ body: nsg(rules), rows, baselines, now: noon, installation });
}

/** The rules once this was planned and Azure has settled it. */
function shut(rules: Json[], ...baselines: BaselineRow[]): JsonObject[] {
  return (run(rules, baselines).securityRules ?? rules) as JsonObject[];
}

function changed(rule: JsonObject | undefined, properties: JsonObject): JsonObject {
  return { ...rule, properties: { ...(rule?.['properties'] as JsonObject), ...properties } };
}

function places(rules: Json[]): unknown[] {
  return rules.map((rule) => ((rule as JsonObject)['properties'] as JsonObject)['priority']);
}

function foreignIn(priority: number, count: number): JsonObject[] {
  return Array.from({ length: count }, (_, index) => foreignRule(`rule-${index}`, priority + index));
}

describe('the rules of a baseline', () => {
  it('are inbound denies in the lowest free places of the band, one for each box, named for the machine', () => {
    const [first, second] = shut([foreignRule('mine', 113)], four).slice(1);
    expect(first).toEqual({
      name: expect.stringMatching(/^sallyport-contoso-deny-[0-9a-f]{16}-1$/) as string,
      properties: {
        description: 'Sallyport baseline of vm-4: shut unless access is granted. Managed: do not edit.',
        protocol: 'Tcp',
        sourcePortRange: '*',
        destinationPortRange: '22',
        sourceAddressPrefix: 'Internet',
        destinationAddressPrefix: '10.0.0.4/32',
        access: 'Deny',
        priority: 114,
        direction: 'Inbound',
      },
    });
    expect(second).toMatchObject({
      name: expect.stringMatching(/-2$/) as string,
      properties: { destinationAddressPrefix: '2001:db8::4/128', priority: 115 },
    });
  });

  it('fit into what Azure takes for a name and a description, however long the name of the machine', () => {
    const long = { ...four, virtualMachineId: `/${'x'.repeat(200)}` };
    const [rule] = shut([], long) as { name: string; properties: { description: string } }[];
    expect(rule?.name.length).toBeLessThanOrEqual(80);
    expect(rule?.properties.description.length).toBeLessThanOrEqual(140);
  });

  it('are as desired as Azure shows them, with properties of its own and in other words', () => {
    const rules = shut([], four).map((rule) => ({
      ...changed(rule, { provisioningState: 'Succeeded', sourceAddressPrefixes: [], protocol: 'TCP' }),
      etag: 'W/"1"',
    }));
    const { securityRules, baselines } = run(rules, [four]);
    expect(securityRules).toBeUndefined();
    expect(baselines).toMatchObject([{ virtualMachineId: four.virtualMachineId, state: 'standing' }]);
  });

  it('keep a place of the band that somebody has moved them to, and are put back from behind it', () => {
    const [first, second] = shut([], four);
    const within = [changed(first, { priority: 116 }), second ?? null];
    expect(run(within, [four]).securityRules).toBeUndefined();
    expect(
      places(run([changed(first, { priority: 4000 }), second ?? null], [four]).securityRules ?? []),
    ).toEqual([113, 114]);
  });

  it.each([
    ['allow', { access: 'Allow' }],
    ['keep out fewer', { sourceAddressPrefix: '203.0.113.7/32' }],
    ['keep out more', { destinationPortRange: '*' }],
    ['have lost their description', { description: '' }],
    ['look outwards', { direction: 'Outbound' }],
  ])('are put right in their places where they %s', (_what, change) => {
    const rules = shut([], four);
    const damaged = rules.map((rule) => changed(rule, change));
    expect(run(damaged, [four]).securityRules).toEqual(rules);
  });

  it('go when their row is ending, and those of another row stay', () => {
    const rules = shut([], four, five);
    const { securityRules, baselines } = run(rules, [endBaseline(four, noon), five]);
    expect(securityRules).toEqual(
      shut([], five).map((rule, index) =>
        changed(rule, { priority: places(rules.slice(-2))[index] as number }),
      ),
    );
    expect(baselines.map(({ state }) => state).sort()).toEqual(['changing', 'standing']);
  });

  it('stay as they are where no row speaks of them, in the band and moved behind it, and are no longer ours to move', () => {
    const [first, second] = shut([], four);
    const rules = [
      changed(first, { sourceAddressPrefix: '203.0.113.0/24' }),
      changed(second, { priority: 3000 }),
    ];
    expect(run(rules, []).securityRules).toBeUndefined();
    expect(shut(rules, five).slice(0, 2)).toEqual(rules);
  });

  it('follow a row that wants fewer boxes', () => {
    const rules = shut([], four);
    const fewer = { ...four, version: 2, boxes: four.boxes.slice(0, 1) };
    expect(run(rules, [fewer]).securityRules).toEqual(rules.slice(0, 1));
  });
});

describe('a baseline without room', () => {
  it('is refused with a reason, for its machine alone', () => {
    const { securityRules, baselines } = run(foreignIn(113, 1), [four, five]);
    expect(securityRules).toHaveLength(3);
    const states = new Map(baselines.map(({ virtualMachineId, state }) => [virtualMachineId, state]));
    expect([...states.values()].sort()).toEqual(['changing', 'no-capacity']);
    expect(baselines.find(({ state }) => state === 'no-capacity')?.reason).toEqual({
      code: 'no-capacity',
      message: expect.stringMatching(/^The baseline of vm-\d has no room .*priorities 113 to 116/) as string,
    });
  });

  it('keeps what stands of it, also what is not as desired any more', () => {
    const rules = shut([], four);
    const narrowed = changed(rules[0], { sourceAddressPrefix: '203.0.113.0/24', priority: 4000 });
    const full = [narrowed, rules[1] ?? null, ...foreignIn(115, 2), foreignRule('squatter', 113)];
    const { securityRules, baselines } = run(full, [four]);
    expect(securityRules).toBeUndefined();
    expect(baselines).toMatchObject([{ state: 'no-capacity' }]);
  });

  it('goes before a new grant where Azure allows only so many rules, and takes nothing from one that is open', () => {
    const wide = {
      ...installation,
      allowBand: { first: 100, last: 2999 },
      baselineBand: { first: 3000, last: 3999 },
    };
    const grant = (id: string): LiveRow => ({
      nsgId: four.nsgId,
      requestId: id.repeat(32),
      version: 1,
      state: 'opening',
      start: '2026-03-04T11:00:00Z',
      end: '2026-03-04T13:00:00Z',
      boxes: [
        {
          ...four.boxes[0],
          protocol: 'Tcp',
          sourceAddressPrefixes: ['203.0.113.7/32'],
          destinationAddressPrefixes: ['10.0.0.4/32'],
          destinationPorts: [22],
        },
      ],
    });
    const outbound = Array.from({ length: 997 }, (_, index) =>
      foreignRule(`rule-${index}`, 100 + index, { direction: 'Outbound' }),
    );
    const go = (rules: Json[], rows: LiveRow[], baselines: BaselineRow[]) =>
      plan({ body: nsg(rules), rows, baselines, now: noon, installation: wide });
    const open = go(outbound, [grant('a')], []).securityRules ?? [];
    const both = go(open, [grant('a'), grant('b')], [four]);
    expect(both.securityRules).toHaveLength(1000);
    expect(both.securityRules?.slice(0, 998)).toEqual(open);
    expect(both.refused).toMatchObject([{ requestId: 'b'.repeat(32), reason: { code: 'no-capacity' } }]);
    // One that finds no room takes none: the grant gets the last place.
    const more = [...open, foreignRule('one-more', 2000, { direction: 'Outbound' })];
    const last = go(more, [grant('a'), grant('b')], [four]);
    expect(last.baselines).toMatchObject([{ state: 'no-capacity' }]);
    expect(last.refused).toEqual([]);
    expect(last.securityRules).toHaveLength(1000);
  });

  it('counts the values of rules that no row speaks of against the limits of the grants', () => {
    const prefixes = Array.from({ length: 3999 }, (_, index) => `10.${index >> 8}.${index & 255}.1`);
    const rule = foreignRule('sallyport-contoso-deny-0123456789abcdef-1', 113, {
      destinationAddressPrefix: '',
      destinationAddressPrefixes: prefixes,
    });
    const { baselines } = run([rule], [four]);
    expect(baselines).toMatchObject([
      {
        state: 'no-capacity',
        reason: { message: expect.stringContaining('destination address prefixes') as string },
      },
    ]);
  });
});

describe('rows of baselines', () => {
  it('are refused if one is malformed or a machine has two', () => {
    expect(() => run([], [{ ...four, boxes: [] }])).toThrow(/malformed/);
    const twice = { ...four, virtualMachineId: four.virtualMachineId.toUpperCase() };
    expect(() => run([], [four, twice])).toThrow(/two baseline rows/);
  });
});
