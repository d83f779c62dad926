import { isDeepStrictEqual } from 'node:util';
import { endBaseline } from '../../../src/core/baseline.ts';
import type { BaselineRow } from '../../../src/core/baseline.ts';
import { guard } from '../../../src/core/guard/guard.ts';
import { liveGrants } from '../../../src/core/guard/liveGrants.ts';
import { standingBaselines } from '../../../src/core/guard/standingBaselines.ts';
import type { Installation } from '../../../src/core/installation.ts';
import type { JsonObject } from '../../../src/core/network.ts';
import { planBody } from '../../../src/core/nsgBody.ts';
import { plan } from '../../../src/core/plan.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { packetsTo, wantedBaseline } from '../../support/baselineArbitraries.ts';
import type { WantedBaseline } from '../../support/baselineArbitraries.ts';
import { judgeOf, textOf } from '../../support/packetOracle.ts';
import type { Packet } from '../../support/packetOracle.ts';
import { noon, somePackets } from '../nsgWorld.ts';
import type { KnownGrant } from '../nsgWorld.ts';
import type { Random } from '../random.ts';

export interface BaselineCase {
  /** An NSG with no rule of ours. */
  body: JsonObject;
  grants: readonly KnownGrant[];
  installation: Installation;
}

/** What was judged. */
export interface BaselineCounts {
  baselines: number;
  packets: number;
  shut: number;
}

const packetsPerPlan = 25;
const budget = 1_000_000;

/**
 * Baselines through their life on one NSG: written, grants opened and closed beside them, damaged by somebody and put right,
 * ended. After each plan packets are judged by the oracle and the write by the guard. Throws what is wrong.
 */
export function checkBaselines(random: Random, { body, grants, installation }: BaselineCase): BaselineCounts {
  const wanted = someBaselines(random);
  const rows = wanted.map(({ row }) => row);
  const counts: BaselineCounts = { baselines: 0, packets: 0, shut: 0 };
  const live = grants.filter((grant) => grant.live);
  const packets = () => [
    ...somePackets(random, packetsPerPlan, rulesOf(body), grants),
    ...packetsTo(wanted).filter(() => random.oneIn(4)),
  ];

  const shut = go(body, rows, []);
  const seated = seatedOf(shut.plan);
  counts.baselines += seated.length;
  expectShut(body, shut.body, seated);

  const open = go(shut.body, rows, live);
  const refused = new Set(open.plan.refused.map(({ requestId }) => requestId));
  const admitted = live.filter(({ row }) => !refused.has(row.requestId));
  const [wasShut, isOpen] = [judgeOf(shut.body), judgeOf(open.body)];
  for (const packet of packets()) {
    counts.packets += 1;
    const expected = wasShut(packet) || admitted.some(({ isGranted }) => isGranted(packet));
    expectThat(isOpen(packet) === expected, `a grant beside baselines: ${show(packet)}`);
  }
  expectThat(isDeepStrictEqual(go(open.body, rows, []).body, shut.body), 'a grant has left something behind');

  const damaged = planBody(
    shut.body,
    rulesOf(shut.body).flatMap((rule) => damage(random, rule)),
  );
  const repaired = go(damaged, rows, []);
  if (seatedOf(repaired.plan).length === wanted.length) expectShut(body, repaired.body, wanted);

  const ended = rows.map((row) => endBaseline(row, noon));
  expectThat(isDeepStrictEqual(go(shut.body, [], []).body, shut.body), 'a deny without a row is gone');
  expectThat(isDeepStrictEqual(go(shut.body, ended, []).body, body), 'ended baselines have left something');
  return counts;

  /** Plans, plans again over its result, and puts some plans to the guard. */
  function go(before: JsonObject, baselines: BaselineRow[], of: readonly KnownGrant[]) {
    const question = { rows: of.map(({ row }) => row), baselines, now: noon, installation };
    const planned = plan({ ...question, body: before });
    const after = planBody(before, planned.securityRules ?? rulesOf(before));
    expectThat(
      plan({ ...question, body: after }).securityRules === undefined,
      'planning the planned body with baselines changes it',
    );
    if (!random.oneIn(3)) return { plan: planned, body: after };
    const declined = new Set(planned.refused.map(({ requestId }) => requestId));
    const { standing, keys } = standingBaselines(baselines);
    const proof = guard({
      before,
      after,
      installation: installation.id,
      lastAllowPriority: installation.allowBand.last,
      grants: liveGrants(question.rows, noon, declined),
      baselines: standing,
      decided: keys,
      budget,
    });
    expectThat(proof.verdict !== 'refused', `the guard refuses an honest plan: ${JSON.stringify(proof)}`);
    return { plan: planned, body: after };
  }

  function seatedOf({ baselines }: Plan): WantedBaseline[] {
    const without = new Set(
      baselines
        .filter(({ state }) => state === 'no-capacity')
        .map(({ virtualMachineId }) => virtualMachineId),
    );
    return wanted.filter(({ row }) => !without.has(row.virtualMachineId));
  }

  /** A packet of a baseline is let in by nobody but a rule of others before the end of the band; all others pass as before. */
  function expectShut(before: JsonObject, after: JsonObject, standing: readonly WantedBaseline[]): void {
    const { last } = installation.baselineBand;
    const early = rulesOf(before).filter((rule) => Number(propertiesOf(rule)['priority']) <= last);
    const judges = {
      before: judgeOf(before),
      after: judgeOf(after),
      early: judgeOf({ properties: { securityRules: early } }),
    };
    for (const packet of packets()) {
      const isShut = standing.some((one) => one.isShut(packet));
      const passes = judges.after(packet);
      counts.packets += 1;
      if (isShut) counts.shut += 1;
      const right = isShut ? !passes || judges.early(packet) : passes === judges.before(packet);
      expectThat(right, `beside baselines ${show(packet)} is ${passes ? 'admitted' : 'refused'}`);
    }
  }
}

const sources = [
  { 4: ['Internet'], 6: ['Internet'] },
  { 4: ['*'], 6: ['*'] },
  { 4: ['0.0.0.0/1', '128.0.0.0/2', '192.0.0.0/3'], 6: ['::/1'] },
];

function someBaselines(random: Random): WantedBaseline[] {
  const hosts = new Set(Array.from({ length: 1 + random.below(6) }, () => random.below(32)));
  return [...hosts].map((host) =>
    wantedBaseline({
      host,
      from: random.pick(sources),
      families: random.pick([[4, 6], [4, 6], [4]] as const),
      ports: random.pick([[22], [22, 3389], [5985, 5986, 80]]),
      protocol: random.pick(['Tcp', 'Tcp', '*'] as const),
    }),
  );
}

/** What somebody does to a deny of ours; most are left alone, and so is every other rule. */
function damage(random: Random, rule: JsonObject): JsonObject[] {
  if (!textOf(rule['name']).startsWith('sallyport-contoso-deny-') || random.oneIn(2)) return [rule];
  const change = (properties: JsonObject): JsonObject[] => [
    { ...rule, properties: { ...propertiesOf(rule), ...properties } },
  ];
  return random.pick([
    () => [],
    () => change({ access: 'Allow' }),
    () => change({ protocol: '*' }),
    () => change({ sourceAddressPrefix: '203.0.113.7', sourceAddressPrefixes: [] }),
    () => change({ destinationPortRange: '*', destinationPortRanges: [] }),
    () => change({ description: 'mine now' }),
    () => change({ direction: 'Outbound' }),
  ])();
}

function rulesOf(body: JsonObject): JsonObject[] {
  return propertiesOf(body)['securityRules'] as JsonObject[];
}

function propertiesOf(holder: JsonObject): JsonObject {
  return holder['properties'] as JsonObject;
}

function show(packet: Packet): string {
  const [source, destination] = [packet.source.toString(16), packet.destination.toString(16)];
  return JSON.stringify({ ...packet, source, destination });
}

function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
