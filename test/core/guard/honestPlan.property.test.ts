import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../../src/core/accessRequest.ts';
import { explainGrants } from '../../../src/core/guard/explainGrants.ts';
import { guard } from '../../../src/core/guard/guard.ts';
import type { GuardInput } from '../../../src/core/guard/guard.ts';
import { guardRemoval } from '../../../src/core/guard/guardRemoval.ts';
import { liveGrants } from '../../../src/core/guard/liveGrants.ts';
import type { Json, JsonObject } from '../../../src/core/network.ts';
import { planBody } from '../../../src/core/nsgBody.ts';
import { plan } from '../../../src/core/plan.ts';
import { foreignRules, grants, installation, noon, nsgBody } from '../../support/nsgArbitraries.ts';

const runs = { numRuns: 300 };

/** What the planner wants, and the question that is put to the guard about it. */
function ask(
  before: JsonObject,
  rows: LiveRow[],
): { input: GuardInput; after: JsonObject; admitted: string[] } {
  const planned = plan({ body: before, rows, now: noon, installation });
  const declined = new Set(planned.refused.map(({ requestId }) => requestId));
  const after = planBody(before, planned.securityRules ?? rulesOf(before));
  const live = liveGrants(rows, noon, declined);
  const input = {
    ...{ before, after, installation: installation.id, grants: live, budget: 5_000_000 },
    lastAllowPriority: installation.allowBand.last,
  };
  return { input, after, admitted: live.filter((one) => !one.declined).map(({ requestId }) => requestId) };
}

function rulesOf(body: JsonObject): Json[] {
  return (body['properties'] as JsonObject)['securityRules'] as Json[];
}

function expectProven(input: GuardInput): void {
  const result = guard(input);
  if (result.verdict !== 'proven') expect.fail(JSON.stringify(result));
}

const afterTheBand = (priority: number, rule: JsonObject) =>
  rule['access'] === 'Allow' || priority > installation.allowBand.last;

describe('an honest plan', () => {
  it('that opens grants is proven, and each that was not declined is admitted', () => {
    fc.assert(
      fc.property(foreignRules(), grants, (foreign, granted) => {
        const { input, after, admitted } = ask(
          nsgBody(foreign),
          granted.map(({ row }) => row),
        );
        expectProven(input);
        const { grants: live, installation: id, budget } = input;
        const states = explainGrants({ body: after, grants: live, installation: id, budget });
        const open = states.filter(({ state }) => state === 'admitted').map(({ requestId }) => requestId);
        expect(open).toEqual(expect.arrayContaining(admitted));
      }),
      runs,
    );
  });

  it('that closes some grants and opens others is proven, whatever foreign rules appeared meanwhile', () => {
    fc.assert(
      fc.property(
        foreignRules(),
        foreignRules(),
        grants,
        fc.nat(),
        fc.nat(),
        (first, second, granted, a, b) => {
          const rows = granted.map(({ row }) => row);
          const phase = (mask: number) =>
            rows.map((row, index) =>
              ((mask >> index) & 1) === 0 ? row : { ...row, state: 'closing' as const },
            );
          const opened = ask(nsgBody(first), phase(a)).after;
          const ours = rulesOf(opened).filter((rule) => JSON.stringify(rule).includes('sallyport-contoso-'));
          const places = new Set(ours.map(placeOf));
          const beside = second.filter((rule) => !places.has(placeOf(rule)));
          expectProven(ask(planBody(opened, [...beside, ...ours]), phase(b)).input);
        },
      ),
      runs,
    );
  });

  it('that repairs owned rules is proven', () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(5), fc.nat(15)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(foreignRules(afterTheBand), grants, damages, fc.nat(), (foreign, granted, list, mask) => {
        const rows = granted.map(({ row }) => row);
        const open = ask(nsgBody(foreign), rows).after;
        const damaged = planBody(open, list.reduce(damage, rulesOf(open)));
        const later = rows.map((row, index) =>
          ((mask >> index) & 1) === 0 ? row : { ...row, state: 'closing' as const },
        );
        expectProven(ask(damaged, later).input);
      }),
      runs,
    );
  });

  it('reduced to its removals is proven as a removal', () => {
    fc.assert(
      fc.property(foreignRules(), grants, fc.nat(), (foreign, granted, mask) => {
        const rows = granted.map(({ row }) => row);
        const open = ask(nsgBody(foreign), rows).after;
        const ended = rows.filter((_, index) => ((mask >> index) & 1) === 1);
        const isEnded = (rule: Json) =>
          ended.some(({ requestId }) => JSON.stringify(rule).includes(`-${requestId}-`));
        const kept = rulesOf(open).filter((rule) => !isEnded(rule));
        const result = guardRemoval({
          ...{ before: open, after: planBody(open, kept), installation: installation.id },
          grants: rows.filter((row) => !ended.includes(row)),
        });
        expect(result.verdict).toBe('proven');
      }),
      runs,
    );
  });
});

function placeOf(rule: Json): string {
  const { direction, priority } = (rule as JsonObject)['properties'] as JsonObject;
  return JSON.stringify([direction, priority]);
}

/** What somebody else might do to one of our rules. */
function damage(rules: Json[], [which, how, priority]: [number, number, number]): Json[] {
  const ours = rules.filter((rule) => JSON.stringify(rule).includes('sallyport-contoso-'));
  const victim = ours[which % Math.max(1, ours.length)] as
    { name: string; properties: JsonObject } | undefined;
  if (victim === undefined) return rules;
  const change = (properties: JsonObject) =>
    rules.map((rule) =>
      rule === victim ? { name: victim.name, properties: { ...victim.properties, ...properties } } : rule,
    );
  const taken = rules.some((rule) => placeOf(rule) === JSON.stringify(['Inbound', 136 + priority]));
  const changes = [
    () => rules.filter((rule) => rule !== victim),
    () => change({ sourceAddressPrefix: '*', sourceAddressPrefixes: [] }),
    () => change({ access: 'Deny' }),
    () => change({ access: 'Deny', sourceAddressPrefix: '192.0.2.0/32', sourceAddressPrefixes: [] }),
    () => (taken ? rules : change({ direction: 'Inbound', priority: 136 + priority })),
    () => change({ destinationPortRange: 'what', protocol: 'odd' }),
  ];
  return changes[how]?.() ?? rules;
}
