import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardRemoval } from '../../src/core/guard/guardRemoval.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { planWithoutRows, type WithoutRows } from '../../src/core/planWithoutRows.ts';
import { foreignRules, installation, noon, nsgBody, packetsFor } from '../support/nsgArbitraries.ts';
import { judgeOf } from '../support/packetOracle.ts';

const id = (number: number) => number.toString(16).padStart(32, '0');
/** Written out, and not by the code that writes descriptions. */
const says = (number: number, end: string) =>
  `Sallyport grant ${id(number)} until ${end}. Managed: do not edit.`;
const past = '2026-03-04T11:59:59.999Z';
const now = '2026-03-04T12:00:00.000Z';
const future = '2026-03-04T12:00:00.001Z';

/** What an owned rule may say of itself, and whether it stays while rows cannot be read. */
const descriptions: [(number: number) => string, boolean][] = [
  [(number) => says(number, future), true],
  [(number) => says(number, '2026-03-05T00:00:00.000Z'), true],
  [(number) => says(number, past), false],
  [(number) => says(number, now), false],
  [(number) => says(number + 1, future), false],
  [(number) => `${says(number, future)} Extended.`, false],
  [(number) => `Copy of ${says(number, future)}`, false],
  [(number) => says(number, '2026-03-05'), false],
  [(number) => says(number, '2026-13-05T00:00:00.000Z'), false],
  [(number) => says(number, '2026-03-05T00:00:00.000Z').toUpperCase(), false],
  [() => '', false],
];

interface Owned {
  rule: JsonObject;
  access: string;
  stays: boolean;
}

const owned = fc
  .array(
    fc.record({
      said: fc.constantFrom(...descriptions),
      access: fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny', 'allow', 'deny'),
      direction: fc.constantFrom('Inbound', 'Inbound', 'Outbound'),
      source: fc.constantFrom('203.0.113.7/32', '*', 'Internet', '2001:db8::/64'),
      name: fc.constantFrom('-1', '-2', '', '-1x', '-baseline'),
      shouted: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  .map((specs) =>
    specs.map(({ said: [describe, stays], access, direction, source, name, shouted }, number): Owned => {
      const text = `sallyport-contoso-${id(number)}${name}`;
      return {
        access,
        // Only a name as we write it says whose rule it is.
        stays: stays && (name === '-1' || name === '-2'),
        rule: {
          name: shouted ? text.toUpperCase() : text,
          properties: {
            description: describe(number),
            protocol: 'Tcp',
            sourcePortRange: '*',
            destinationPortRange: '22',
            sourceAddressPrefix: source,
            destinationAddressPrefix: source.includes(':') ? '2001:db8::4/128' : '10.0.0.4/32',
            access,
            // Behind and within the foreign ones, whose priorities end at 135.
            priority: number % 2 === 0 ? 136 + number : 90 + number,
            direction,
          },
        },
      };
    }),
  );
const mixed = fc
  .tuple(foreignRules(), owned, fc.array(fc.nat(), { maxLength: 18 }))
  .map(([foreign, ours, at]) => {
    const rules: (JsonObject | Owned)[] = [...foreign];
    ours.forEach((each, index) => rules.splice((at[index] ?? 0) % (rules.length + 1), 0, each));
    return {
      rules,
      body: nsgBody(rules.map((each) => ('stays' in each ? (each as Owned).rule : each))),
    };
  });
const tables = fc.constantFrom<WithoutRows>('unreadable', 'lost');
const picks = fc.array(fc.nat(2 ** 31 - 1), { minLength: 60, maxLength: 60 });

function goes(rule: JsonObject | Owned, why: WithoutRows): boolean {
  if (!('stays' in rule)) return false;
  const { access, stays } = rule as Owned;
  return access.toLowerCase() === 'allow' && (why === 'lost' || !stays);
}

describe('a plan without rows', () => {
  it('takes exactly the owned allows that must go, and leaves the rest as and where it is', () => {
    fc.assert(
      fc.property(mixed, tables, ({ rules, body }, why) => {
        const result = planWithoutRows({ body, tables: why, now: noon, installation });
        const kept = rules.filter((rule) => !goes(rule, why));
        const expected = kept.map((rule) => ('stays' in rule ? (rule as Owned).rule : rule));
        if (kept.length === rules.length) expect(result).not.toHaveProperty('securityRules');
        else expect(result.securityRules).toEqual(expected);
        expect(result.removed).toHaveLength(rules.length - kept.length);
      }),
    );
  });

  it('is proven by the guard, which opens nothing by it, and a packet that was refused stays refused', () => {
    fc.assert(
      fc.property(mixed, tables, picks, ({ body }, why, seeds) => {
        const { securityRules, removed } = planWithoutRows({ body, tables: why, now: noon, installation });
        if (securityRules === undefined) return;
        const after = planBody(body, securityRules);
        expect(guardRemoval({ before: body, after, installation: 'contoso', grants: [] })).toMatchObject({
          verdict: 'proven',
        });
        expect(removed.length).toBeGreaterThan(0);
        const [before, then] = [judgeOf(body), judgeOf(after)];
        const opened = packetsFor(body, [], seeds).filter((packet) => then(packet) && !before(packet));
        expect(opened).toEqual([]);
      }),
    );
  });

  it('finds nothing more to do in its own result, and says which grants may still be open', () => {
    fc.assert(
      fc.property(mixed, tables, ({ rules, body }, why) => {
        const first = planWithoutRows({ body, tables: why, now: noon, installation });
        const after = planBody(body, first.securityRules ?? []);
        const again = planWithoutRows({
          ...{ body: first.securityRules === undefined ? body : after, tables: why, now: noon, installation },
        });
        expect(again.removed).toEqual([]);
        const allows = rules.filter(
          (rule) => 'stays' in rule && (rule as Owned).access.toLowerCase() === 'allow' && !goes(rule, why),
        );
        expect(again.present).toHaveLength(allows.length);
        expect(first.present).toEqual(again.present);
      }),
    );
  });
});
