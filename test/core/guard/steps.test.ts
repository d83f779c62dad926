import { describe, expect, it } from 'vitest';
import { guard } from '../../../src/core/guard/guard.ts';
import { standingBaselines } from '../../../src/core/guard/standingBaselines.ts';
import type { LiveGrant } from '../../../src/core/guard/grant.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { body, everything, input, rule } from './samples.ts';

const tags = ['Internet', 'VirtualNetwork', 'Storage', 'Sql', 'AzureLoadBalancer'];

/** Foreign rules that overlap with one another and with the grants: networks, tags and everybody. */
function foreign(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, index) =>
    rule(`rule-${index}`, 1100 + index, {
      sourceAddressPrefix: index % 5 === 0 ? (tags[index % 4] ?? '') : `203.0.${index % 256}.0/24`,
      destinationAddressPrefix: index % 2 === 0 ? '*' : `10.${index % 4}.${(index % 16) * 16}.0/20`,
      destinationPortRange: ['20-30', '22', '*', '1-65535', '3389'][index % 5] ?? '',
      protocol: index % 3 === 0 ? '*' : 'Tcp',
      access: index % 3 === 0 ? 'Deny' : 'Allow',
    }),
  );
}

function grantsOf(count: number): LiveGrant[] {
  return Array.from({ length: count }, (_, index) => ({
    requestId: index.toString(16).padStart(32, '0'),
    boxes: [
      {
        protocol: index % 4 === 0 ? '*' : 'Tcp',
        sourceAddressPrefixes: [`203.0.${index % 256}.${index % 250}/32`],
        destinationAddressPrefixes: [`10.${index % 4}.${(index % 16) * 16}.${index % 250}/32`],
        destinationPorts: index % 2 === 0 ? [22, 3389] : [22],
      },
    ],
  }));
}

function rulesOf(grants: LiveGrant[]): JsonObject[] {
  return grants.flatMap(({ requestId, boxes }) =>
    boxes.map((box) =>
      rule(`sallyport-contoso-${requestId}-1`, 100 + parseInt(requestId, 16), {
        protocol: box.protocol,
        sourceAddressPrefixes: box.sourceAddressPrefixes,
        destinationAddressPrefixes: box.destinationAddressPrefixes,
        destinationPortRange: '',
        destinationPortRanges: box.destinationPorts.map(String),
        sourceAddressPrefix: '',
        destinationAddressPrefix: '',
      }),
    ),
  );
}

function stepsFor(foreignCount: number, before: LiveGrant[], after: LiveGrant[], budget = 1_000_000): number {
  const theirs = foreign(foreignCount);
  const result = guard(
    input({
      ...{ before: body(...theirs, ...rulesOf(before)), after: body(...theirs, ...rulesOf(after)) },
      ...{ grants: after, lastAllowPriority: 999, budget },
    }),
  );
  if (result.verdict !== 'proven') expect.fail(JSON.stringify(result).slice(0, 500));
  return result.steps;
}

describe('the work of a proof', () => {
  it('is a tenth of a million steps for 1,000 rules, with 200 grants opened or closed at once', () => {
    const grants = grantsOf(200);
    expect(stepsFor(800, [], grants)).toBeLessThan(100_000);
    expect(stepsFor(800, grants, [])).toBeLessThan(100_000);
  });

  it('is a tenth of that for one of 200 grants', () => {
    const grants = grantsOf(200);
    expect(stepsFor(800, grants, grants.slice(1))).toBeLessThan(10_000);
  });

  it('is within the budget of a write when as many grants open at once as an NSG can hold beside 100 rules', () => {
    const grants = grantsOf(800);
    expect(stepsFor(100, [], grants)).toBeLessThan(500_000);
    expect(stepsFor(100, grants, [])).toBeLessThan(500_000);
  });

  it('is no more for 200 grants beside 50 baselines, and within the budget of a write when all of those begin or end at once', () => {
    const grants = grantsOf(200);
    const rows = Array.from({ length: 50 }, (_, index) => ({
      virtualMachineId: `/subscriptions/s/vm-${index}`,
      state: 'standing',
      boxes: [`10.${index % 4}.${(index % 16) * 16}.${index}/32`, `2001:db8::${index.toString(16)}/128`].map(
        (address) => ({
          protocol: 'Tcp' as const,
          sourceAddressPrefixes: ['Internet'],
          destinationAddressPrefixes: [address],
          destinationPorts: [22, 3389],
        }),
      ),
    }));
    const { standing, keys } = standingBaselines(rows);
    const names = [...keys].flatMap((key) =>
      [1, 2].map((number) => `sallyport-contoso-deny-${key}-${number}`),
    );
    const denies = standing.map((box, index) =>
      rule(names[index] ?? '', 1000 + index, {
        access: 'Deny',
        sourceAddressPrefix: 'Internet',
        destinationAddressPrefix: box.destinationAddressPrefixes.join(),
        destinationPortRange: '',
        destinationPortRanges: box.destinationPorts.map(String),
      }),
    );
    const theirs = foreign(700);
    const [without, shut] = [
      [...theirs, ...rulesOf(grants)],
      [...theirs, ...denies],
    ];
    const steps = (
      before: JsonObject[],
      after: JsonObject[],
      live: LiveGrant[],
      baselines: typeof standing,
    ) => {
      const result = guard(
        input({
          ...{ before: body(...before), after: body(...after), grants: live, baselines, decided: keys },
          ...{ lastAllowPriority: 999, budget: 1_000_000 },
        }),
      );
      if (result.verdict !== 'proven') expect.fail(JSON.stringify(result).slice(0, 500));
      return result.steps;
    };
    const all = [...shut, ...rulesOf(grants)];
    // Grants come and go beside standing baselines as they do without any; all baselines at once is what takes longest.
    expect(steps(shut, all, grants, standing)).toBeLessThan(100_000);
    expect(steps(all, shut, [], standing)).toBeLessThan(100_000);
    expect(steps(without, all, grants, standing)).toBeLessThan(1_000_000);
    expect(steps(all, without, grants, [])).toBeLessThan(1_000_000);
  });

  it('grows with the product of changed and other rules, not faster', () => {
    const [small, large] = [stepsFor(200, [], grantsOf(50)), stepsFor(800, [], grantsOf(200))];
    expect(large / small).toBeLessThan(16 * 1.3);
  });

  it('ends within its budget where a rule was made to admit everything among 800 others', () => {
    const theirs = foreign(800);
    const grants = grantsOf(200);
    const [first, ...others] = rulesOf(grants);
    const wide = rule(`sallyport-contoso-${'0'.repeat(32)}-1`, 100, everything);
    const question = input({
      ...{ before: body(...theirs, wide, ...others), after: body(...theirs, first ?? {}, ...others) },
      ...{ grants, lastAllowPriority: 999, budget: 200_000 },
    });
    expect(guard(question)).toEqual({ verdict: 'over-budget' });
  });
});
