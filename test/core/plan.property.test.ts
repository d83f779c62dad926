import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { plan } from '../../src/core/plan.ts';
import type { Plan } from '../../src/core/plan.ts';
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
import { judgeOf, matcherOf, textOf } from '../support/packetOracle.ts';
import type { Packet } from '../support/packetOracle.ts';

const picks = fc.array(fc.nat(2 ** 31 - 1), { minLength: 100, maxLength: 100 });
const runs = { numRuns: 150 };

function planned(body: JsonObject, rows: LiveRow[]): { plan: Plan; body: JsonObject } {
  const result = plan({ body, rows, now: noon, installation });
  return { plan: result, body: planBody(body, result.securityRules ?? rulesOf(body)) };
}

function rulesOf(body: JsonObject): Json[] {
  return (body['properties'] as JsonObject)['securityRules'] as Json[];
}

function propertiesOf(rule: Json): JsonObject {
  return (rule as JsonObject)['properties'] as JsonObject;
}

function nameOf(rule: Json): string {
  return textOf((rule as JsonObject)['name']);
}

function isOurs(rule: Json): boolean {
  return nameOf(rule).startsWith('sallyport-contoso-');
}

function rowsOf(granted: Grant[]): LiveRow[] {
  return granted.map(({ row }) => row);
}

function admittedGrants(granted: Grant[], result: Plan): Grant[] {
  const refused = new Set(result.refused.map(({ requestId }) => requestId));
  return granted.filter(({ row }) => !refused.has(row.requestId));
}

/** Fails at the first packet that is treated otherwise than it was, or than a grant wants it. */
function expectExactly(before: JsonObject, after: JsonObject, granted: Grant[], packets: Packet[]): void {
  const judgeBefore = judgeOf(before);
  const judgeAfter = judgeOf(after);
  for (const packet of packets) {
    const expected = judgeBefore(packet) || granted.some((grant) => isGranted(grant, packet));
    if (judgeAfter(packet) !== expected) {
      const shown = {
        ...packet,
        source: packet.source.toString(16),
        destination: packet.destination.toString(16),
      };
      expect.fail(`${JSON.stringify(shown)} should be ${expected ? 'admitted' : 'refused'}`);
    }
  }
}

function expectInBand(body: JsonObject): void {
  const { first, last } = installation.allowBand;
  for (const priority of rulesOf(body)
    .filter(isOurs)
    .map((rule) => Number(propertiesOf(rule)['priority']))) {
    expect(priority).toBeGreaterThanOrEqual(first);
    expect(priority).toBeLessThanOrEqual(last);
  }
}

describe('a plan over random NSGs and grants', () => {
  it('admits the granted packets more and no others (I2)', () => {
    fc.assert(
      fc.property(foreignRules(), grants, picks, (foreign, granted, seeds) => {
        const before = nsgBody(foreign);
        const after = planned(before, rowsOf(granted));
        const opened = admittedGrants(granted, after.plan);
        expectExactly(before, after.body, opened, packetsFor(before, granted, seeds));
      }),
      runs,
    );
  });

  it('refuses a grant of which a packet meets a foreign deny before the end of the band', () => {
    fc.assert(
      fc.property(foreignRules(), grants, picks, (foreign, granted, seeds) => {
        const body = nsgBody(foreign);
        const denies = foreign
          .map(propertiesOf)
          .filter((rule) => rule['access'] === 'Deny' && rule['direction'] === 'Inbound')
          .filter((rule) => Number(rule['priority']) <= installation.allowBand.last)
          .map(matcherOf);
        const { plan: result } = planned(body, rowsOf(granted));
        const blocked = result.refused.filter(({ reason }) => reason.code === 'blocked-by-foreign-rule');
        if (denies.length === 0) expect(blocked).toEqual([]);
        for (const packet of packetsFor(body, granted, seeds)) {
          if (!denies.some((matches) => matches(packet))) continue;
          const hit = granted.filter((grant) => isGranted(grant, packet)).map(({ row }) => row.requestId);
          expect(blocked.map(({ requestId }) => requestId)).toEqual(expect.arrayContaining(hit));
        }
      }),
      runs,
    );
  });

  it('gives every grant all of its rules or a reason', () => {
    fc.assert(
      fc.property(foreignRules(), grants, (foreign, granted) => {
        const before = nsgBody(foreign);
        const after = planned(before, rowsOf(granted));
        const names = rulesOf(after.body).filter(isOurs).map(nameOf);
        const expected = admittedGrants(granted, after.plan).flatMap(({ row }) =>
          row.boxes.map((_, index) => `sallyport-contoso-${row.requestId}-${index + 1}`),
        );
        expect(names.sort()).toEqual(expected.sort());
      }),
      runs,
    );
  });

  it('leaves the NSG as it was once everything is closed (I3)', () => {
    fc.assert(
      fc.property(foreignRules(), grants, (foreign, granted) => {
        const before = nsgBody(foreign);
        const open = planned(before, rowsOf(granted));
        expect(rulesOf(open.body).filter((rule) => !isOurs(rule))).toEqual(foreign);
        const closing = rowsOf(granted).map((row) => ({ ...row, state: 'closing' as const }));
        expect(planned(open.body, closing).body).toEqual(before);
        expect(planned(open.body, []).body).toEqual(before);
      }),
      runs,
    );
  });

  it('keeps priorities unique per direction and ours inside the band', () => {
    fc.assert(
      fc.property(foreignRules(), grants, (foreign, granted) => {
        const after = planned(nsgBody(foreign), rowsOf(granted));
        const rules = rulesOf(after.body);
        const places = rules
          .map(propertiesOf)
          .map((rule) => `${textOf(rule['direction'])} ${Number(rule['priority'])}`);
        expect(new Set(places).size).toBe(places.length);
        expectInBand(after.body);
      }),
      runs,
    );
  });

  it('has nothing to do over its own result, and then finds what it opened admitted', () => {
    fc.assert(
      fc.property(foreignRules(), grants, (foreign, granted) => {
        const rows = rowsOf(granted);
        const first = planned(nsgBody(foreign), rows);
        const second = plan({ body: first.body, rows, now: noon, installation });
        expect(second.securityRules).toBeUndefined();
        expect(second.refused).toEqual(first.plan.refused);
        const open = admittedGrants(granted, first.plan).map(({ row }) => row.requestId);
        expect(second.admitted).toEqual(open.sort());
        expect(second.present).toEqual(second.admitted);
      }),
      runs,
    );
  });

  it('keeps the other grants open, rule by rule, when one is closed (I7)', () => {
    fc.assert(
      fc.property(foreignRules(), grants, fc.nat(), picks, (foreign, granted, which, seeds) => {
        const before = nsgBody(foreign);
        const open = planned(before, rowsOf(granted));
        const closed = granted[which % granted.length]?.row.requestId;
        const rows = rowsOf(granted).map((row) =>
          row.requestId === closed ? { ...row, state: 'closing' as const } : row,
        );
        const after = planned(open.body, rows);
        const stay = rulesOf(open.body).filter((rule) => !JSON.stringify(rule).includes(`-${closed ?? ''}-`));
        expect(rulesOf(after.body)).toEqual(expect.arrayContaining(stay));
        const others = admittedGrants(granted, after.plan).filter(({ row }) => row.requestId !== closed);
        expectExactly(before, after.body, others, packetsFor(before, granted, seeds));
      }),
      runs,
    );
  });

  it('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(foreignRules(), grants, fc.infiniteStream(fc.nat(100)), (foreign, granted, keys) => {
        const rows = rowsOf(granted);
        const shuffled = rows
          .map((row) => ({ row, key: Number(keys.next().value) }))
          .sort((a, b) => a.key - b.key)
          .map(({ row }) => row);
        expect(planned(nsgBody(foreign), shuffled)).toEqual(planned(nsgBody(foreign), rows));
      }),
      runs,
    );
  });

  it('repairs whatever was done to its own rules, once and exactly', () => {
    const afterTheBand = (priority: number, rule: JsonObject) =>
      rule['access'] === 'Allow' || priority > installation.allowBand.last;
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(9), fc.nat(35)), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(foreignRules(afterTheBand), grants, damages, picks, (foreign, granted, list, seeds) => {
        const rows = rowsOf(granted);
        const open = planned(nsgBody(foreign), rows);
        const damaged = planBody(open.body, list.reduce(damage, rulesOf(open.body)));
        fc.pre(!rulesOf(damaged).some(looksLikeBaseline));
        const notOurs = rulesOf(damaged).filter((rule) => !isOurs(rule));
        const repaired = planned(damaged, rows);
        expect(rulesOf(repaired.body).filter((rule) => !isOurs(rule))).toEqual(notOurs);
        expectInBand(repaired.body);
        expect(planned(repaired.body, rows).plan.securityRules).toBeUndefined();
        const granting = admittedGrants(granted, repaired.plan);
        const without = planBody(damaged, notOurs);
        expectExactly(without, repaired.body, granting, packetsFor(without, granted, seeds));
      }),
      runs,
    );
  });
});

/** A deny of ours behind the band and of no grant: it shuts something, so only a recorded decision takes it away. */
function looksLikeBaseline(rule: Json): boolean {
  const { access, priority } = propertiesOf(rule);
  const isOfGrant = /-[0-9a-f]{32}-\d+$/.test((rule as { name: string }).name);
  const isBehind = Number(priority) > installation.allowBand.last;
  return isOurs(rule) && !isOfGrant && access === 'Deny' && isBehind;
}

/** A rule of somebody else that takes the place of one of ours. */
function squatter(rule: Json, which: number): Json {
  const { priority } = propertiesOf(rule);
  const harmless = {
    protocol: 'Tcp',
    sourceAddressPrefix: '192.0.2.1',
    destinationPortRange: '9',
    access: 'Allow',
  };
  const rest = { destinationAddressPrefix: '192.0.2.2', direction: 'Inbound', priority: priority ?? 0 };
  return { name: `squatter-${which}`, properties: { ...harmless, ...rest } };
}

/** What somebody else might do to one of our rules; foreign ones are left alone. */
function damage(rules: Json[], [which, how, priority]: [number, number, number]): Json[] {
  const ours = rules.filter(isOurs);
  const victim = ours[which % Math.max(1, ours.length)];
  if (victim === undefined) return rules;
  const change = (properties: JsonObject, name = (victim as JsonObject)['name'] ?? ''): Json[] =>
    rules.map((rule) =>
      rule === victim ? { name, properties: { ...propertiesOf(rule), ...properties } } : rule,
    );
  const inbound = rules.map(propertiesOf).filter((rule) => rule['direction'] === 'Inbound');
  const taken = inbound.some((rule) => rule['priority'] === 100 + priority);
  const changes = [
    () => rules.filter((rule) => rule !== victim),
    () => change({ sourceAddressPrefix: '*', sourceAddressPrefixes: [] }),
    () => change({ access: 'Deny', sourceAddressPrefix: '192.0.2.0/32' }),
    () => change({ description: 'mine now' }),
    () => (taken ? rules : change({ priority: 100 + priority })),
    () => change({}, `sallyport-contoso-${which}`),
    () => change({ destinationPortRange: '*', destinationPortRanges: [] }),
    () => change({ access: 'Deny' }),
    () => change({ direction: 'Outbound', priority: installation.allowBand.first + (priority % 8) }),
    () => rules.map((rule) => (rule === victim ? squatter(rule, which) : rule)),
  ];
  return changes[how]?.() ?? rules;
}
