import { isDeepStrictEqual } from 'node:util';
import { guard } from '../../../src/core/guard/guard.ts';
import { liveGrants } from '../../../src/core/guard/liveGrants.ts';
import type { Installation } from '../../../src/core/installation.ts';
import type { Json, JsonObject } from '../../../src/core/network.ts';
import { planBody } from '../../../src/core/nsgBody.ts';
import { plan } from '../../../src/core/plan.ts';
import { nsgBody } from '../../support/nsgArbitraries.ts';
import { judgeOf, matcherOf, textOf } from '../../support/packetOracle.ts';
import type { Packet } from '../../support/packetOracle.ts';
import { checkBaselines } from './fBaselines.ts';
import { replayCommand, seedsOf, seedWords } from '../layer.ts';
import type { Failure, LayerOptions, LayerResult, Size } from '../layer.ts';
import { anInstallation, aRuleCount, foreignRules, noon, someGrants, somePackets } from '../nsgWorld.ts';
import type { KnownGrant } from '../nsgWorld.ts';
import { createRandom } from '../random.ts';
import type { Random } from '../random.ts';

const layer = 'F';
const cases: Record<Size, number> = { quick: 300, usual: 10_000, full: 100_000 };
const packetsPerPlan = 50;
/** Elementary steps of the guard: as many as the product allows itself. */
const budget = 1_000_000;

interface Counts {
  plans: number;
  proven: number;
  opened: number;
  packets: number;
  granted: number;
  baselines: number;
  shut: number;
}

/**
 * Random NSGs of up to 1,000 rules with random grants: opened, changed by everybody, and closed again. After each plan
 * packets are judged by an oracle that shares no code with the planner, and the write by the guard.
 */
export function run(options: LayerOptions): Promise<LayerResult> {
  const began = performance.now();
  const total = cases[options.size];
  const counts: Counts = { plans: 0, proven: 0, opened: 0, packets: 0, granted: 0, baselines: 0, shut: 0 };
  const failures: Failure[] = [];
  const seeds = seedsOf(options, total);
  for (const seed of seeds) {
    const what = problemOf(seed, counts);
    if (what !== undefined) failures.push({ seed: String(seed), what, replay: replayCommand(layer, seed) });
  }
  return Promise.resolve({
    layer,
    title: 'the planner against a packet oracle',
    counted: {
      cases: seeds.length,
      plans: counts.plans,
      'of them put to the guard': counts.proven,
      'grants in place after a plan': counts.opened,
      'packets judged': counts.packets,
      'of them granted': counts.granted,
      'baselines in place': counts.baselines,
      'packets of theirs judged': counts.shut,
    },
    seeds: seedWords(options, total),
    milliseconds: performance.now() - began,
    failures,
  });
}

function problemOf(seed: number, counts: Counts): string | undefined {
  try {
    runCase(createRandom(seed), counts);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What was there, what is wanted, and what the planner made of it. */
interface Round {
  before: JsonObject;
  grants: readonly KnownGrant[];
  installation: Installation;
}

function runCase(random: Random, counts: Counts): void {
  const installation = anInstallation(random);
  const foreign = foreignRules(random, aRuleCount(random), installation);
  const first = someGrants(random, 1 + random.below(random.oneIn(10) ? 60 : 8), 1);
  const empty = nsgBody(foreign);
  const open = check(random, { before: empty, grants: first, installation }, counts);

  const later = [...changedGrants(random, first), ...someGrants(random, random.below(4), 1_000)];
  const edited = editedBySomebody(random, open, installation);
  const after = check(random, { before: edited, grants: later, installation }, counts);

  const closing = later.map((grant) => ended(random, grant));
  const closed = check(random, { before: after, grants: closing, installation }, counts);
  expectThat(
    isDeepStrictEqual(closed, settled(planBody(edited, foreignOf(edited)))),
    'after the last grant the NSG is not what it would be without us',
  );

  // One in three, for each is seven plans more.
  if (!random.oneIn(3)) return;
  const shut = checkBaselines(random, { body: closed, grants: later, installation });
  counts.baselines += shut.baselines;
  counts.packets += shut.packets;
  counts.shut += shut.shut;
}

/** Plans, judges the plan in every way there is, and returns the body as it is to be written. */
function check(random: Random, round: Round, counts: Counts): JsonObject {
  const { before, grants, installation } = round;
  const rows = grants.map(({ row }) => row);
  const planned = plan({ body: before, rows, now: noon, installation });
  const after = settled(planBody(before, planned.securityRules ?? rulesOf(before)));
  const refused = new Map(planned.refused.map(({ requestId, reason }) => [requestId, reason.code]));
  counts.plans += 1;

  expectThat(isDeepStrictEqual(foreignOf(after), foreignOf(before)), 'a foreign rule was touched');
  expectThat(
    isDeepStrictEqual(planBody(after, []), settled(planBody(before, []))),
    'something beside the rules was touched',
  );
  expectPlaces(after, installation);
  expectAllOrReason(round, after, refused);
  const again = plan({ body: after, rows, now: noon, installation });
  expectThat(again.securityRules === undefined, 'planning the planned body changes it');
  if (planned.securityRules !== undefined && random.oneIn(3)) {
    counts.proven += 1;
    expectProven(round, planBody(before, planned.securityRules), new Set(refused.keys()));
  }

  const admitted = grants.filter(({ row, live }) => live && !refused.has(row.requestId));
  counts.opened += admitted.length;
  const packets = somePackets(random, packetsPerPlan, rulesOf(before), grants);
  expectPackets(round, after, admitted, packets, counts);
  return after;
}

/** As ARM shows it when the write has succeeded. */
function settled(body: JsonObject): JsonObject {
  const securityRules = rulesOf(body).map((rule) =>
    isOurs(rule) && propertiesOf(rule)['provisioningState'] !== undefined
      ? { ...rule, properties: { ...propertiesOf(rule), provisioningState: 'Succeeded' } }
      : rule,
  );
  const properties = body['properties'] as JsonObject;
  return { ...body, properties: { ...properties, provisioningState: 'Succeeded', securityRules } };
}

function expectPlaces(body: JsonObject, { allowBand }: Installation): void {
  const places = rulesOf(body).map((rule) => {
    const { direction, priority } = propertiesOf(rule);
    return `${textOf(direction)} ${Number(priority)}`;
  });
  expectThat(new Set(places).size === places.length, 'two rules share a priority');
  expectThat(places.length <= 1_000, 'there are more rules than Azure allows');
  const ours = rulesOf(body).filter(isOurs);
  const outside = ours.find((rule) => {
    const priority = Number(propertiesOf(rule)['priority']);
    return priority < allowBand.first || priority > allowBand.last;
  });
  expectThat(outside === undefined, `${JSON.stringify(outside)} is outside its band`);
}

/** Each live grant has all of its rules or a reason that is true; nobody else has any. */
function expectAllOrReason(
  { grants, installation, before }: Round,
  after: JsonObject,
  refused: ReadonlyMap<string, string>,
): void {
  const names = rulesOf(after)
    .filter(isOurs)
    .map((rule) => nameOf(rule).toLowerCase());
  const wanted = grants
    .filter(({ row, live }) => live && !refused.has(row.requestId))
    .flatMap(({ row }) => row.boxes.map((_, index) => `sallyport-contoso-${row.requestId}-${index + 1}`));
  expectThat(isDeepStrictEqual(names.sort(), wanted.sort()), 'the owned rules are not those of the grants');

  const inbound = rulesOf(after)
    .map(propertiesOf)
    .filter((rule) => rule['direction'] === 'Inbound')
    .map((rule) => Number(rule['priority']));
  const { first, last } = installation.allowBand;
  const free = last - first + 1 - inbound.filter((priority) => priority >= first && priority <= last).length;
  const denies = foreignDenies(before, installation);
  for (const [requestId, code] of refused) {
    const grant = grants.find(({ row }) => row.requestId === requestId);
    expectThat(grant?.live === true, `${requestId} is refused and was not wanted`);
    const needed = grant?.row.boxes.length ?? 0;
    if (code === 'no-capacity') {
      const full = free < needed || rulesOf(after).length + needed > 1_000;
      expectThat(full, `${requestId} is refused for want of room, and there is room`);
    } else {
      expectThat(denies.length > 0, `${requestId} is refused for a foreign deny, and there is none`);
    }
  }
}

function foreignDenies(body: JsonObject, { allowBand }: Installation): JsonObject[] {
  return foreignOf(body)
    .map(propertiesOf)
    .filter((rule) => rule['access'] === 'Deny' && rule['direction'] === 'Inbound')
    .filter((rule) => Number(rule['priority']) <= allowBand.last);
}

function expectProven(
  { before, grants, installation }: Round,
  after: JsonObject,
  declined: Set<string>,
): void {
  const live = liveGrants(
    grants.map(({ row }) => row),
    noon,
    declined,
  );
  const { allowBand, id } = installation;
  const lastAllowPriority = allowBand.last;
  const result = guard({ before, after, installation: id, lastAllowPriority, grants: live, budget });
  expectThat(result.verdict !== 'refused', `the guard refuses an honest plan: ${JSON.stringify(result)}`);
}

/** Fails at the first packet that is treated otherwise than without us, or than a grant wants it. */
function expectPackets(
  { before, installation }: Round,
  after: JsonObject,
  admitted: readonly KnownGrant[],
  packets: readonly Packet[],
  counts: Counts,
): void {
  const judgeWithout = judgeOf(planBody(before, foreignOf(before)));
  const judgeAfter = judgeOf(after);
  const denies = foreignDenies(before, installation).map(matcherOf);
  for (const packet of packets) {
    const granted = admitted.some(({ isGranted }) => isGranted(packet));
    const without = judgeWithout(packet);
    const passes = judgeAfter(packet);
    counts.packets += 1;
    if (granted) counts.granted += 1;
    // A deny that came after the grant may block it: whether it does is not ours to fight.
    const mayBeBlocked = granted && !without && denies.some((matches) => matches(packet));
    const right = mayBeBlocked || passes === (without || granted);
    expectThat(right, `${show(packet)} is ${passes ? 'admitted' : 'refused'} and should not be`);
  }
}

/** The same grants some time later: some have ended, some last longer, some were refused what they asked. */
function changedGrants(random: Random, grants: readonly KnownGrant[]): KnownGrant[] {
  return grants
    .filter(() => !random.oneIn(6))
    .map((grant) => {
      if (random.oneIn(3)) return ended(random, grant);
      if (!random.oneIn(4)) return grant;
      const end = new Date(Date.parse(grant.row.end) + 60_000).toISOString();
      return grant.live ? { ...grant, row: { ...grant.row, end } } : grant;
    });
}

function ended(random: Random, grant: KnownGrant): KnownGrant {
  const row = random.oneIn(2)
    ? { ...grant.row, state: 'closing' as const }
    : { ...grant.row, end: noon.toISOString() };
  return { ...grant, row, live: false };
}

/** What others did meanwhile: to their own rules, to ours, and to the NSG itself. */
function editedBySomebody(random: Random, body: JsonObject, installation: Installation): JsonObject {
  const kept = rulesOf(body).filter((rule) => isOurs(rule) || !random.oneIn(5));
  const damaged = kept.flatMap((rule) => (isOurs(rule) && random.oneIn(4) ? damage(random, rule) : [rule]));
  const taken = damaged.map(propertiesOf);
  const places = (direction: string) =>
    taken.filter((rule) => rule['direction'] === direction).map((rule) => Number(rule['priority']));
  const outbound = new Set(places('Outbound'));
  const added = foreignRules(random, random.below(6), installation, places('Inbound')).filter(
    (rule) =>
      propertiesOf(rule)['direction'] === 'Inbound' || !outbound.has(Number(propertiesOf(rule)['priority'])),
  );
  const rules = [...damaged];
  for (const rule of added.slice(0, 1_000 - rules.length))
    rules.splice(random.below(rules.length + 1), 0, rule);
  const state = random.oneIn(10) ? 'Failed' : 'Succeeded';
  return {
    ...body,
    tags: { owner: random.pick(['fabrikam', 'contoso']) },
    properties: { ...(body['properties'] as JsonObject), provisioningState: state, securityRules: rules },
  };
}

function damage(random: Random, rule: JsonObject): JsonObject[] {
  const change = (properties: JsonObject, name = rule['name'] ?? ''): JsonObject[] => [
    { ...rule, name, properties: { ...propertiesOf(rule), ...properties } },
  ];
  const name = nameOf(rule);
  return random.pick([
    () => [],
    () => change({ sourceAddressPrefix: '*', sourceAddressPrefixes: [] }),
    () => change({ destinationPortRange: '*', destinationPortRanges: [] }),
    () => change({ protocol: '*' }),
    () => change({ access: 'Deny' }),
    () => change({ access: 'Deny', sourceAddressPrefix: '192.0.2.0/32', sourceAddressPrefixes: [] }),
    () => change({ description: 'mine now' }),
    () => change({ provisioningState: 'Failed' }),
    () => change({}, name.toUpperCase()),
    () => change({}, `${name}7`),
    () => change({}, 'sallyport-contoso-left-over'),
  ])();
}

function rulesOf(body: JsonObject): JsonObject[] {
  return (body['properties'] as JsonObject)['securityRules'] as JsonObject[];
}

function foreignOf(body: JsonObject): JsonObject[] {
  return rulesOf(body).filter((rule) => !isOurs(rule));
}

function propertiesOf(rule: Json): JsonObject {
  return (rule as JsonObject)['properties'] as JsonObject;
}

function nameOf(rule: JsonObject): string {
  return textOf(rule['name']);
}

function isOurs(rule: JsonObject): boolean {
  return nameOf(rule).toLowerCase().startsWith('sallyport-contoso-');
}

function show(packet: Packet): string {
  const { source, destination } = packet;
  return JSON.stringify({
    ...packet,
    source: source.toString(16),
    destination: destination.toString(16),
  });
}

function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
