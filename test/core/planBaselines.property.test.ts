import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import { endBaseline } from '../../src/core/baseline.ts';
import type { BaselineRow } from '../../src/core/baseline.ts';
import type { Json, JsonObject } from '../../src/core/network.ts';
import { planBody } from '../../src/core/nsgBody.ts';
import { plan } from '../../src/core/plan.ts';
import type { Plan } from '../../src/core/plan.ts';
import { baselines, packetsTo } from '../support/baselineArbitraries.ts';
import type { WantedBaseline } from '../support/baselineArbitraries.ts';
import {
  foreignRules,
  grants,
  installation,
  isGranted,
  noon,
  nsgBody,
  packetsFor,
} from '../support/nsgArbitraries.ts';
import { judgeOf, textOf } from '../support/packetOracle.ts';
import type { Packet } from '../support/packetOracle.ts';

const picks = fc.array(fc.nat(2 ** 31 - 1), { minLength: 60, maxLength: 60 });
const runs = { numRuns: 100 };
const { first, last } = installation.baselineBand;

interface Planned {
  plan: Plan;
  body: JsonObject;
}

function planned(body: JsonObject, shut: readonly BaselineRow[], rows: LiveRow[] = []): Planned {
  const result = plan({ body, rows, baselines: shut, now: noon, installation });
  return { plan: result, body: planBody(body, result.securityRules ?? rulesOf(body)) };
}

const rowsOf = (wanted: readonly WantedBaseline[]) => wanted.map(({ row }) => row);
const ended = (wanted: readonly WantedBaseline[]) => rowsOf(wanted).map((row) => endBaseline(row, noon));

/** Baselines of which the plan does not say that they find no room. */
function seated(wanted: readonly WantedBaseline[], { baselines: of }: Plan): WantedBaseline[] {
  const without = new Set(
    of.filter(({ state }) => state === 'no-capacity').map(({ virtualMachineId }) => virtualMachineId),
  );
  return wanted.filter(({ row }) => !without.has(row.virtualMachineId));
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

const isOurs = (rule: Json) => nameOf(rule).startsWith('sallyport-contoso-');
const isDeny = (rule: Json) => nameOf(rule).startsWith('sallyport-contoso-deny-');

/** The NSG with no rule behind a priority, not even Azure's own. */
function upTo(priority: number, body: JsonObject): JsonObject {
  const properties = body['properties'] as JsonObject;
  const securityRules = rulesOf(body).filter((rule) => Number(propertiesOf(rule)['priority']) <= priority);
  return { ...body, properties: { ...properties, securityRules, defaultSecurityRules: [] } };
}

/** Fails at the first packet that a baseline should refuse and a rule behind the band admits, or that changes otherwise. */
function expectShut(before: JsonObject, after: JsonObject, shut: WantedBaseline[], packets: Packet[]): void {
  const [judgeBefore, judgeAfter, early] = [judgeOf(before), judgeOf(after), judgeOf(upTo(last, before))];
  for (const packet of packets) {
    const isShut = shut.some((one) => one.isShut(packet));
    const passes = judgeAfter(packet);
    // Somebody else's allow before or within the band is theirs: it may let a packet of a baseline in, and is not fought.
    const right = isShut ? !passes || early(packet) : passes === judgeBefore(packet);
    if (!right) expect.fail(`${show(packet)} is ${passes ? 'admitted' : 'refused'} and should not be`);
  }
}

function show(packet: Packet): string {
  const [source, destination] = [packet.source.toString(16), packet.destination.toString(16)];
  return JSON.stringify({ ...packet, source, destination });
}

describe('a plan over random NSGs and baselines', () => {
  it('lets no rule behind the band admit what a baseline keeps shut, and changes nothing else', () => {
    fc.assert(
      fc.property(foreignRules(), baselines, picks, (foreign, wanted, seeds) => {
        const before = nsgBody(foreign);
        const after = planned(before, rowsOf(wanted));
        const packets = [...packetsFor(after.body, [], seeds), ...packetsTo(wanted)];
        expectShut(before, after.body, seated(wanted, after.plan), packets);
      }),
      runs,
    );
  });

  it('leaves the NSG as it was once they have ended by a decision, and only then (I3)', () => {
    fc.assert(
      fc.property(foreignRules(), baselines, (foreign, wanted) => {
        const before = nsgBody(foreign);
        const shut = planned(before, rowsOf(wanted));
        expect(rulesOf(shut.body).filter((rule) => !isOurs(rule))).toEqual(foreign);
        expect(planned(shut.body, []).body).toEqual(shut.body);
        const open = planned(shut.body, ended(wanted));
        expect(open.body).toEqual(before);
        expect(planned(open.body, ended(wanted)).plan.baselines.map(({ state }) => state)).toEqual(
          wanted.map(() => 'gone'),
        );
      }),
      runs,
    );
  });

  it('ends one and leaves the denies of the others, rule by rule', () => {
    fc.assert(
      fc.property(foreignRules(), baselines, fc.nat(), (foreign, wanted, which) => {
        const shut = planned(nsgBody(foreign), rowsOf(wanted));
        const index = which % wanted.length;
        const rows = rowsOf(wanted).map((row, at) => (at === index ? endBaseline(row, noon) : row));
        const after = planned(shut.body, rows);
        const stay = rulesOf(shut.body).filter((rule) => !describes(rule, wanted[index]?.row));
        expect(rulesOf(after.body)).toEqual(expect.arrayContaining(stay));
        expect(rulesOf(after.body).filter((rule) => describes(rule, wanted[index]?.row))).toEqual([]);
      }),
      runs,
    );
  });

  it('gives every baseline all of its rules, inbound denies in the band, or says that there is no room', () => {
    fc.assert(
      fc.property(foreignRules(), baselines, (foreign, wanted) => {
        const after = planned(nsgBody(foreign), rowsOf(wanted));
        const denies = rulesOf(after.body).filter(isDeny);
        const expected = seated(wanted, after.plan).reduce((sum, { row }) => sum + row.boxes.length, 0);
        expect(denies).toHaveLength(expected);
        for (const { access, direction, priority } of denies.map(propertiesOf)) {
          expect([access, direction]).toEqual(['Deny', 'Inbound']);
          expect(Number(priority)).toBeGreaterThanOrEqual(first);
          expect(Number(priority)).toBeLessThanOrEqual(last);
        }
        const places = rulesOf(after.body)
          .map(propertiesOf)
          .map(({ direction, priority }) => `${textOf(direction)} ${Number(priority)}`);
        expect(new Set(places).size).toBe(places.length);
        const inBand = rulesOf(after.body)
          .map(propertiesOf)
          .filter(({ direction, priority }) => direction === 'Inbound' && Number(priority) >= first)
          .filter(({ priority }) => Number(priority) <= last);
        const free = last - first + 1 - inBand.length;
        for (const { state, virtualMachineId } of after.plan.baselines) {
          const needed = wanted.find(({ row }) => row.virtualMachineId === virtualMachineId)?.row.boxes
            .length;
          if (state === 'no-capacity') expect(free).toBeLessThan(needed ?? 0);
        }
      }),
      runs,
    );
  });

  it('has nothing to do over its own result, and then finds them standing', () => {
    fc.assert(
      fc.property(foreignRules(), baselines, grants, (foreign, wanted, granted) => {
        const rows = granted.map(({ row }) => row);
        const once = planned(nsgBody(foreign), rowsOf(wanted), rows);
        const again = plan({ body: once.body, rows, baselines: rowsOf(wanted), now: noon, installation });
        expect(again.securityRules).toBeUndefined();
        expect(again.refused).toEqual(once.plan.refused);
        expect(again.baselines.map(({ state }) => state === 'no-capacity')).toEqual(
          once.plan.baselines.map(({ state }) => state === 'no-capacity'),
        );
        expect(again.baselines.every(({ state }) => state === 'standing' || state === 'no-capacity')).toBe(
          true,
        );
      }),
      runs,
    );
  });

  it('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(foreignRules(), baselines, grants, (foreign, wanted, granted) => {
        const rows = granted.map(({ row }) => row);
        const body = nsgBody(foreign);
        expect(planned(body, rowsOf(wanted).reverse(), rows)).toEqual(planned(body, rowsOf(wanted), rows));
      }),
      runs,
    );
  });

  it('lets grants in that are granted beside them, and shuts them again with the grant', () => {
    fc.assert(
      fc.property(foreignRules(), baselines, grants, picks, (foreign, wanted, granted, seeds) => {
        const before = nsgBody(foreign);
        const rows = granted.map(({ row }) => row);
        const shut = planned(before, rowsOf(wanted));
        const open = planned(shut.body, rowsOf(wanted), rows);
        const refused = new Set(open.plan.refused.map(({ requestId }) => requestId));
        const admitted = granted.filter(({ row }) => !refused.has(row.requestId));
        const [judgeShut, judgeOpen] = [judgeOf(shut.body), judgeOf(open.body)];
        for (const packet of [...packetsFor(shut.body, granted, seeds), ...packetsTo(wanted)]) {
          const expected = judgeShut(packet) || admitted.some((grant) => isGranted(grant, packet));
          if (judgeOpen(packet) !== expected) {
            expect.fail(`${show(packet)} should be ${expected ? 'admitted' : 'refused'}`);
          }
        }
        expect(planned(open.body, rowsOf(wanted)).body).toEqual(shut.body);
      }),
      runs,
    );
  });

  it('puts right whatever was done to them, once and exactly, and takes none away for want of room', () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(9), fc.nat(35)), { maxLength: 5 });
    fc.assert(
      fc.property(foreignRules(), baselines, damages, picks, (foreign, wanted, list, seeds) => {
        const shut = planned(nsgBody(foreign), rowsOf(wanted));
        const damaged = planBody(shut.body, list.reduce(damage, rulesOf(shut.body)));
        const notOurs = rulesOf(damaged).filter((rule) => !isOurs(rule));
        const repaired = planned(damaged, rowsOf(wanted));
        expect(rulesOf(repaired.body).filter((rule) => !isOurs(rule))).toEqual(notOurs);
        expect(planned(repaired.body, rowsOf(wanted)).plan.securityRules).toBeUndefined();
        const standing = seated(wanted, repaired.plan);
        const packets = [...packetsFor(repaired.body, [], seeds), ...packetsTo(wanted)];
        if (standing.length === wanted.length) {
          expectShut(planBody(damaged, notOurs), repaired.body, standing, packets);
        }
        const [was, is, early] = [
          judgeOf(damaged),
          judgeOf(repaired.body),
          judgeOf(upTo(last, planBody(damaged, notOurs))),
        ];
        for (const packet of packets.filter((one) => wanted.some(({ isShut }) => isShut(one)))) {
          // One that somebody had moved before an allow of others is put back behind it.
          const wasLetIn = was(packet) || early(packet);
          if (is(packet)) expect(wasLetIn, show(packet)).toBe(true);
        }
      }),
      runs,
    );
  });
});

function describes(rule: Json, row: BaselineRow | undefined): boolean {
  const name = row?.virtualMachineId.split('/').at(-1) ?? '';
  return isDeny(rule) && textOf(propertiesOf(rule)['description']).includes(`of ${name}:`);
}

/** What somebody else might do to one of our denies; foreign rules are left alone. */
function damage(rules: Json[], [which, how, place]: [number, number, number]): Json[] {
  const ours = rules.filter(isDeny);
  const victim = ours[which % Math.max(1, ours.length)];
  if (victim === undefined) return rules;
  const change = (properties: JsonObject): Json[] =>
    rules.map((rule) =>
      rule === victim ? { name: nameOf(victim), properties: { ...propertiesOf(rule), ...properties } } : rule,
    );
  const squatter = {
    name: `squatter-${which}-${place}`,
    properties: { ...propertiesOf(victim), access: 'Allow', sourceAddressPrefix: '192.0.2.1' },
  };
  const priority = 100 + place;
  const isTaken = rules
    .map(propertiesOf)
    .some((rule) => rule['direction'] === 'Inbound' && rule['priority'] === priority);
  const changes = [
    () => rules.filter((rule) => rule !== victim),
    () => change({ access: 'Allow' }),
    () => change({ sourceAddressPrefix: '203.0.113.7', sourceAddressPrefixes: [] }),
    () => change({ sourceAddressPrefix: '*', sourceAddressPrefixes: [] }),
    () => change({ destinationPortRange: '9', destinationPortRanges: [] }),
    () => change({ description: 'mine now' }),
    () => (isTaken ? rules : change({ priority })),
    () => change({ direction: 'Outbound', priority: 4000 + place }),
    () => rules.map((rule) => (rule === victim ? squatter : rule)),
    () => change({ protocol: '*' }),
  ];
  return changes[how]?.() ?? rules;
}
