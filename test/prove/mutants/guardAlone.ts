import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../../src/core/network.ts';
import { reconcile } from '../../../src/workflow/reconcile.ts';
import { driftStores } from '../../support/driftStores.ts';
import { createMemoryBudget } from '../../support/memoryInventory.ts';
import { createMemoryNetwork } from '../../support/memoryNetwork.ts';
import { createMemoryLiveRows } from '../../support/memoryStores.ts';
import { nsgBody } from '../../support/nsgArbitraries.ts';
import { judgeOf, textOf } from '../../support/packetOracle.ts';
import { virtualClock } from '../../support/virtualClock.ts';
import { anInstallation, foreignRules, noon, someGrants, somePackets } from '../nsgWorld.ts';
import type { KnownGrant } from '../nsgWorld.ts';
import { createRandom } from '../random.ts';
import type { Random } from '../random.ts';

/** What came of so many worlds in which the planner is wrong and only the guard stands before the write. */
export interface GuardAlone {
  worlds: number;
  writes: number;
  /** Writes that the guard did not let leave. */
  refused: number;
  /** Writes that left and that the packet oracle finds wrong. */
  wrong: string[];
}

const packetsPerWrite = 60;

/**
 * Runs the real reconcile, whatever planner is in the source, over random NSGs and grants, twice in each: as they open, and
 * when some have ended. Every write that reaches the network is judged packet by packet by the oracle.
 */
export async function guardAlone(worlds: number): Promise<GuardAlone> {
  const result: GuardAlone = { worlds, writes: 0, refused: 0, wrong: [] };
  for (let seed = 1; seed <= worlds; seed += 1) await runWorld(seed, result);
  return result;
}

async function runWorld(seed: number, result: GuardAlone): Promise<void> {
  const random = createRandom(seed);
  const installation = anInstallation(random);
  const nsgId =
    '/subscriptions/s/resourceGroups/contoso/providers/Microsoft.Network/networkSecurityGroups/nsg';
  const clock = virtualClock(noon);
  const live = createMemoryLiveRows();
  let grants = grantsOf(random);
  let last: JsonObject = {};
  const network = createMemoryNetwork({
    clock,
    // A planner that is never content would go on for ever if its writes took no time.
    operationMilliseconds: 500,
    changed: (_id, by) => {
      const body = network.nsg(nsgId);
      if (body === undefined || by !== 'write') return;
      result.writes += 1;
      const problem = problemOf(random, last, body, grants);
      if (problem !== undefined) result.wrong.push(`world ${seed}: ${problem}`);
      last = body;
    },
  });
  network.addNsg(nsgId, nsgBody(foreignRules(random, random.below(25), installation)));
  last = network.nsg(nsgId) ?? {};
  for (const { row } of grants) await live.insert({ ...row, nsgId });
  const error = (message: string) => {
    if (message === 'write-not-proven') result.refused += 1;
  };
  const log = { info: () => undefined, warn: () => undefined, error };
  const run = () =>
    // A planner that is broken may throw as well: then nothing leaves.
    clock.run(
      Promise.allSettled([
        reconcile(
          {
            network,
            live,
            clock,
            log,
            installation,
            budget: createMemoryBudget(),
            ...driftStores(),
          },
          nsgId,
          { correlationId: '5a11f0a7-0000-4000-8000-000000000003', purpose: 'open' },
        ),
      ]),
    );
  await run();
  grants = grants.map((grant) => (random.oneIn(2) ? { ...grant, live: false } : grant));
  for (const { row, live: isLive } of grants) {
    const stored = await live.get(nsgId, row.requestId);
    if (stored === undefined || isLive) continue;
    await live.replace({ ...stored.row, state: 'closing', version: 2 }, stored.etag);
  }
  await run();
}

/** Without those whose life changes a millisecond after noon, for a reconcile takes longer. */
function grantsOf(random: Random): KnownGrant[] {
  const near = new Set([noon.getTime() + 1]);
  return someGrants(random, 1 + random.below(6), 1).filter(
    ({ row }) => !near.has(Date.parse(row.start)) && !near.has(Date.parse(row.end)),
  );
}

/** What is wrong with a write that has happened, or undefined. */
function problemOf(
  random: Random,
  before: JsonObject,
  after: JsonObject,
  grants: readonly KnownGrant[],
): string | undefined {
  if (!isDeepStrictEqual(foreignOf(before), foreignOf(after))) return 'a foreign rule was touched';
  const rest = (body: JsonObject) =>
    plain({ ...body, properties: { ...propertiesOf(body), securityRules: [] } });
  if (!isDeepStrictEqual(rest(before), rest(after))) return 'something beside the rules was touched';
  const places = rulesOf(after).map((rule) => {
    const { direction, priority } = propertiesOf(rule);
    return `${textOf(direction)} ${Number(priority)}`;
  });
  if (new Set(places).size < places.length) return 'two rules have one place';
  const judges = {
    before: judgeOf(before),
    without: judgeOf(withRules(after, foreignOf(after))),
    after: judgeOf(after),
  };
  const live = grants.filter((grant) => grant.live);
  for (const packet of somePackets(random, packetsPerWrite, rulesOf(after), grants)) {
    const isGranted = live.some((grant) => grant.isGranted(packet));
    const [passed, passes, would] = [judges.before(packet), judges.after(packet), judges.without(packet)];
    if (passes && !would && !isGranted) return `${JSON.stringify(packet, numbers)} is let in for nobody`;
    if (passed && !passes && (isGranted || would)) return `${JSON.stringify(packet, numbers)} is shut out`;
  }
  return undefined;
}

/** Foreign rules and the rest without what Azure itself changes with each write. */
function plain(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(body, (key, value: unknown) =>
      key === 'etag' || key === 'provisioningState' ? undefined : value,
    ),
  );
}

function foreignOf(body: JsonObject): JsonObject[] {
  return rulesOf(body)
    .filter((rule) => !textOf(rule['name']).toLowerCase().startsWith('sallyport-contoso-'))
    .map((rule) => plain(rule) as JsonObject);
}

function withRules(body: JsonObject, securityRules: JsonObject[]): JsonObject {
  return { ...body, properties: { ...propertiesOf(body), securityRules } };
}

function rulesOf(body: JsonObject): JsonObject[] {
  return propertiesOf(body)['securityRules'] as JsonObject[];
}

function propertiesOf(holder: JsonObject): JsonObject {
  return holder['properties'] as JsonObject;
}

function numbers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString(16) : value;
}
