import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import { explainGrants } from '../../src/core/guard/explainGrants.ts';
import { guard } from '../../src/core/guard/guard.ts';
import { liveGrants } from '../../src/core/guard/liveGrants.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { ownedRules, rawRule } from '../../src/core/ownedRule.ts';
import { plan } from '../../src/core/plan.ts';
import { acceptedOf } from '../support/narrowing.ts';
import {
  foreignRules,
  grants,
  installation,
  isGranted,
  noon,
  nsgBody,
  packetsFor,
} from '../support/nsgArbitraries.ts';
import type { Grant } from '../support/nsgArbitraries.ts';
import { judgeOf, matcherOf } from '../support/packetOracle.ts';

const picks = fc.array(fc.nat(2 ** 31 - 1), { minLength: 60, maxLength: 60 });
const runs = { numRuns: 60 };

/** Grants that were opened, and what somebody then made of their rules. */
function edited(granted: Grant[], foreign: JsonObject[], seeds: number[]) {
  const rows = granted.map(({ row }) => row);
  const open = planned(nsgBody(foreign), rows);
  const acceptedRows = granted.map(({ row }, index): LiveRow => {
    const accepted = acceptedOf(row, seeds.slice(index * 3));
    return Object.keys(accepted).length === 0 ? row : { ...row, accepted };
  });
  const left = rulesOf(open).flatMap((rule): Json[] => {
    const form = formOf(rule, acceptedRows);
    if (form === 'absent') return [];
    return [form === undefined ? rule : { ...rule, properties: { ...propertiesOf(rule), ...form } }];
  });
  return { rows, acceptedRows, open, body: planBody(open, left) };
}

function planned(body: JsonObject, rows: LiveRow[]): JsonObject {
  return planBody(body, plan({ body, rows, now: noon, installation }).securityRules ?? rulesOf(body));
}

function formOf(rule: JsonObject, rows: LiveRow[]) {
  const [, requestId, number] = /^sallyport-contoso-(\w+)-(\d+)$/.exec(nameOf(rule)) ?? [];
  return rows.find((row) => row.requestId === requestId)?.accepted?.[number ?? ''];
}

function rulesOf(body: JsonObject): JsonObject[] {
  return (body['properties'] as JsonObject)['securityRules'] as JsonObject[];
}

function propertiesOf(rule: JsonObject): JsonObject {
  return rule['properties'] as JsonObject;
}

function nameOf({ name }: { name?: unknown }): string {
  return String(name);
}

function isOurs(rule: JsonObject): boolean {
  return nameOf(rule).startsWith('sallyport-contoso-');
}

/** The question that is put to the guard about a write. */
function judge(before: JsonObject, after: JsonObject, rows: LiveRow[], declined: ReadonlySet<string>) {
  return guard({
    ...{ before, after, installation: installation.id, lastAllowPriority: installation.allowBand.last },
    ...{ grants: liveGrants(rows, noon, declined), budget: 5_000_000 },
  });
}

function declinedOf(body: JsonObject, rows: LiveRow[]): Set<string> {
  const { refused } = plan({ body, rows, now: noon, installation });
  return new Set(refused.map(({ requestId }) => requestId));
}

describe('rules that somebody has deleted or narrowed, once that is accepted', () => {
  it('are as desired, so that nothing is to be done and the grants count as admitted', () => {
    fc.assert(
      fc.property(foreignRules(), grants, picks, (foreign, granted, seeds) => {
        const { rows, acceptedRows, open, body } = edited(granted, foreign, seeds);
        const result = plan({ body, rows: acceptedRows, now: noon, installation });
        // A grant that there was no room for may find it now.
        fc.pre(declinedOf(open, rows).size === 0);
        expect(result.securityRules).toBeUndefined();
        expect(result.refused).toEqual([]);
        expect(result.admitted).toEqual(rows.map(({ requestId }) => requestId).sort());
      }),
      runs,
    );
  });

  it('admit exactly what was left of them, whatever was written over them since (I2)', () => {
    fc.assert(
      fc.property(foreignRules(), grants, picks, fc.boolean(), (foreign, granted, seeds, reverted) => {
        const { acceptedRows, open, body } = edited(granted, foreign, seeds);
        const from = reverted ? open : body;
        const after = planned(from, acceptedRows);
        const declined = declinedOf(from, acceptedRows);
        const left = acceptedRows
          .filter(({ requestId }) => !declined.has(requestId))
          .flatMap((row) =>
            ownedRules(row, installation.id).map((rule) => ({
              name: rule.name,
              grant: granted.find((one) => one.row.requestId === row.requestId),
              matches: matcherOf(propertiesOf(rawRule(rule, 0))),
            })),
          );
        expect(rulesOf(after).filter(isOurs).map(nameOf).sort()).toEqual(left.map(nameOf).sort());
        const [judgeBefore, judgeAfter] = [judgeOf(nsgBody(foreign)), judgeOf(after)];
        for (const packet of packetsFor(after, granted, seeds)) {
          const isLeft = left.some(
            ({ grant, matches }) => grant !== undefined && isGranted(grant, packet) && matches(packet),
          );
          expect(judgeAfter(packet)).toBe(judgeBefore(packet) || isLeft);
        }
      }),
      runs,
    );
  });

  it('are proven by the guard, written again or left, and reported as admitted', () => {
    fc.assert(
      fc.property(foreignRules(), grants, picks, fc.boolean(), (foreign, granted, seeds, reverted) => {
        const { acceptedRows, open, body } = edited(granted, foreign, seeds);
        const from = reverted ? open : body;
        const after = planned(from, acceptedRows);
        const declined = declinedOf(from, acceptedRows);
        expect(judge(from, after, acceptedRows, declined)).toMatchObject({ verdict: 'proven' });
        const live = liveGrants(acceptedRows, noon, declined);
        const states = explainGrants({
          body: after,
          grants: live,
          installation: installation.id,
          budget: 5e6,
        });
        const blocked = states.filter(
          ({ requestId, state }) => state !== 'admitted' && !declined.has(requestId),
        );
        expect(blocked).toEqual([]);
      }),
      runs,
    );
  });

  it('are not opened again: the guard refuses a write of what was granted at first wherever it lets more in', () => {
    fc.assert(
      fc.property(foreignRules(), grants, picks, (foreign, granted, seeds) => {
        const { rows, acceptedRows, open, body } = edited(granted, foreign, seeds);
        const again = planned(body, rows);
        const declined = declinedOf(body, rows);
        fc.pre(declinedOf(open, rows).size === 0 && declined.size === 0);
        const [judgeLeft, judgeAgain] = [body, again].map((nsg) =>
          judgeOf(planBody(nsg, rulesOf(nsg).filter(isOurs))),
        );
        const isMore = packetsFor(again, granted, seeds).some(
          (packet) => judgeAgain?.(packet) && !judgeLeft?.(packet),
        );
        fc.pre(isMore);
        expect(judge(body, again, acceptedRows, new Set())).toMatchObject({ verdict: 'refused' });
      }),
      runs,
    );
  });

  it('leave the NSG as it was once the grants have ended (I3)', () => {
    fc.assert(
      fc.property(foreignRules(), grants, picks, (foreign, granted, seeds) => {
        const { acceptedRows, body } = edited(granted, foreign, seeds);
        const closing = acceptedRows.map((row) => ({ ...row, state: 'closing' as const }));
        expect(planned(body, closing)).toEqual(nsgBody(foreign));
      }),
      runs,
    );
  });
});

describe('a live row that accepts what it must not', () => {
  const row: LiveRow = {
    ...{ nsgId: '/nsg', requestId: 'a'.repeat(32), version: 1, state: 'active' },
    ...{ start: '2026-03-04T11:00:00Z', end: '2026-03-04T13:00:00Z' },
    boxes: [
      {
        protocol: 'Tcp',
        sourceAddressPrefixes: ['203.0.113.0/24'],
        destinationAddressPrefixes: ['10.0.0.4/32'],
        destinationPorts: [22],
      },
    ],
  };
  const narrow: JsonObject = {
    ...{ protocol: 'Tcp', sourcePortRange: '*', destinationPortRange: '22', access: 'Allow' },
    ...{ sourceAddressPrefix: '203.0.113.7', destinationAddressPrefix: '10.0.0.4', direction: 'Inbound' },
  };

  it.each<[string, LiveRow['accepted']]>([
    ['another source', { 1: { ...narrow, sourceAddressPrefix: '*' } }],
    ['another port', { 1: { ...narrow, destinationPortRanges: ['23'] } }],
    ['another protocol', { 1: { ...narrow, protocol: '*' } }],
    ['another direction', { 1: { ...narrow, direction: 'Outbound' } }],
    ['a deny', { 1: { ...narrow, access: 'Deny' } }],
    ['a rule that the grant has not', { 2: 'absent' }],
  ])('is malformed and named: %s', (_, accepted) => {
    const body = nsgBody([]);
    const ask = (changes: LiveRow['accepted']) =>
      plan({ body, rows: [{ ...row, accepted: changes ?? {} }], now: noon, installation });
    expect(() => ask(accepted)).toThrow(`The live row of request ${row.requestId} is malformed: it accepts`);
    expect(ask({ 1: narrow }).securityRules).toHaveLength(1);
  });

  it('is not believed by the guard beyond what was granted', () => {
    const body = nsgBody([]);
    const wide = { ...narrow, sourceAddressPrefix: '203.0.0.0/16' };
    const rule = { name: `sallyport-contoso-${row.requestId}-1`, properties: { ...narrow, priority: 110 } };
    const write = (properties: JsonObject) => planBody(body, [{ ...rule, properties }]);
    const rows = [{ ...row, accepted: { 1: wide } }];
    expect(judge(body, write({ ...wide, priority: 110 }), rows, new Set())).toMatchObject({
      verdict: 'refused',
      violations: [{ kind: 'owned-rule-too-wide' }],
    });
    expect(judge(body, write(rule.properties), rows, new Set())).toMatchObject({ verdict: 'proven' });
    const denied = [{ ...row, accepted: { 1: { ...narrow, access: 'Deny' } } }];
    expect(judge(body, write(rule.properties), denied, new Set())).toMatchObject({ verdict: 'refused' });
  });
});
