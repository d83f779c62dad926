// Loaded before time stands still: loading is the only thing here that takes real time.
import '@azure/arm-network';
import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../dev/arm/faults.ts';
import { createArm } from '../../src/adapters/arm/arm.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { ownedRules, rawRule } from '../../src/core/ownedRule.ts';
import { createHeartbeat } from '../../src/workflow/heartbeat.ts';
import { createReconciler } from '../../src/workflow/reconciler.ts';
import { isShut } from '../../src/workflow/reconcilePath.ts';
import { azureState, nsgId, subscriptionId } from '../bench/azureState.ts';
import { createSimulatedArm, origin } from '../bench/simulatedArm.ts';
import { createVirtualTime } from '../bench/virtualTime.ts';
import { contoso, liveRow } from '../support/liveRow.ts';
import {
  createBeatingSweepState,
  createMemoryAuditTrail,
  createMemoryLiveRows,
  createMemoryNsgRecords,
  createMemoryRequests,
} from '../support/memoryStores.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const nsg = nsgId(0);
const group = nsg.slice(0, nsg.indexOf('/providers/'));
const groupOfOthers = `/subscriptions/${subscriptionId}/resourceGroups/others`;
const farm = `${groupOfOthers}/providers/Microsoft.Network/applicationSecurityGroups/farm`;
const ofOthers = {
  name: 'web',
  properties: {
    ...{ access: 'Allow', priority: 300, direction: 'Inbound', protocol: 'TCP' },
    ...{ sourcePortRange: '*', destinationPortRange: '443', destinationAddressPrefix: '*' },
    sourceApplicationSecurityGroups: [{ id: farm }],
  },
};
const ended = liveRow(nsg, noon, 1, { state: 'closing' });
const running = liveRow(nsg, noon, 2, { state: 'active' });

const deleteLock = { locks: [{ name: 'keep', scope: group, level: 'CanNotDelete' }] };
/** Everything but to join what is in the group of others. */
const withoutJoin = {
  permissions: [
    { principalId: '*', scope: '/', actions: ['*/read', 'Microsoft.Network/networkSecurityGroups/*'] },
  ],
};
const writeOfWhole = { method: 'PUT', path: '/networkSecurityGroups/[^/]+$' };
/** Azure Policy judges the whole NSG, with the rules of others in it, and a single rule by itself. */
const denyPolicy: FaultSpec = { match: writeOfWhole, fault: { kind: 'policy' } };
/** A rule that only a newer version of the interface can say is refused as soon as it is sent back. */
const beyondVersion: FaultSpec = {
  match: writeOfWhole,
  fault: { kind: 'status', status: 400, code: 'InvalidRequestFormat', message: 'Cannot parse the request.' },
};

function allowOf(grant: typeof ended, priority: number): JsonObject {
  const [rule] = ownedRules(grant, contoso.id);
  if (rule === undefined) throw new Error('A grant has a box.');
  return rawRule(rule, priority);
}

/** An NSG with the rules of a grant that has ended and of one that runs, reached as in Azure, under these obstacles. */
async function world(state: object, faults: readonly FaultSpec[]) {
  const time = createVirtualTime(noon);
  const securityRules = [allowOf(ended, 100), allowOf(running, 101), ofOthers];
  const resources = [
    { id: nsg, location: 'westeurope', properties: { securityRules } },
    { id: farm, location: 'westeurope', properties: {} },
  ];
  const resourceGroups = [group, groupOfOthers].map((id) => ({ id, location: 'westeurope' }));
  const arm = createSimulatedArm(time, {
    ...{ nsgs: 0, callMilliseconds: 10, settings: { operationMs: 1000 } },
    state: { ...(azureState(0) as object), resourceGroups, resources, ...state },
  });
  for (const fault of faults) arm.simulator.faults.add(fault);
  const { network, budget } = createArm({
    ...{ endpoint: origin, credential: arm.credential, networkApiVersion: '2025-05-01' },
    ...{ clock: time, httpClient: arm.httpClient },
  });
  const live = createMemoryLiveRows();
  for (const row of [ended, running]) await live.insert(row);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const sweepState = createBeatingSweepState(time);
  const reconcileNsg = createReconciler({
    ...{ network, live, budget, clock: time, log, installation: contoso },
    ...{ sweepState, heartbeat: createHeartbeat({ sweepState, clock: time, log }, 60) },
    nsgs: createMemoryNsgRecords(),
    requests: createMemoryRequests(),
    audit: createMemoryAuditTrail(() => time.now()),
  });
  return {
    arm,
    close: () => time.run(reconcileNsg(nsg, { correlationId: 'any', purpose: 'close' })),
    rules: async () => {
      const read = await time.run(network.readNsg(nsg, { correlationId: 'any' }));
      if (read.kind !== 'read') throw new Error(read.kind);
      const { securityRules: rules } = read.nsg.body['properties'] as {
        securityRules: { name: string; properties: { access: string } }[];
      };
      return rules.map(({ name, properties }) => `${name} ${properties.access}`);
    },
    /** Writes in the order in which they were sent, and what Azure answered. */
    writes: () =>
      arm.calls
        .filter(({ kind }) => kind === 'write')
        .map(
          ({ method, path, status }) =>
            `${method} ${path.includes('/securityRules/') ? 'rule' : 'NSG'} ${status}`,
        ),
  };
}

const nameOf = (grant: typeof ended) => `sallyport-contoso-${grant.requestId}-1`;
const left = [`${nameOf(running)} Allow`, 'web Allow'];

describe('what has ended is closed', () => {
  it('by the write of the whole NSG where a delete lock stands on its group, without a DELETE', async () => {
    const here = await world(deleteLock, []);

    expect(isShut(await here.close(), ended.requestId)).toBe(true);
    expect(here.writes()).toEqual(['PUT NSG 200']);
    expect(await here.rules()).toEqual(left);
  });

  it.each<[string, object, FaultSpec[], string]>([
    ['a policy denies a rule of others', {}, [denyPolicy], 'PUT NSG 403'],
    ['the right to join a group that a rule of others names is missing', withoutJoin, [], 'PUT NSG 403'],
    ['our version of the interface cannot say a rule of others', {}, [beyondVersion], 'PUT NSG 400'],
  ])('by deleting its rule where %s', async (_obstacle, state, faults, refused) => {
    const here = await world(state, faults);

    expect(isShut(await here.close(), ended.requestId)).toBe(true);
    expect(here.writes()).toEqual([refused, 'DELETE rule 202']);
    expect(await here.rules()).toEqual(left);
  });

  it.each<[string, object, FaultSpec[], string]>([
    ['a policy denies a rule of others', deleteLock, [denyPolicy], 'PUT NSG 403'],
    ['that right to join is missing', { ...deleteLock, ...withoutJoin }, [], 'PUT NSG 403'],
    ['our version cannot say a rule of others', deleteLock, [beyondVersion], 'PUT NSG 400'],
  ])(
    'by turning its rule into a deny of nobody where %s and a delete lock stands, and that goes with the next write',
    async (_obstacle, state, faults, refused) => {
      const here = await world(state, faults);

      expect(isShut(await here.close(), ended.requestId)).toBe(true);
      expect(here.writes()).toEqual([refused, 'DELETE rule 409', 'PUT rule 200']);
      expect(await here.rules()).toEqual([`${nameOf(ended)} Deny`, ...left]);

      here.arm.simulator.faults.clear();
      here.arm.simulator.world.permissions = [
        { principalId: '*', scope: '/', actions: ['*'], notActions: [] },
      ];
      await here.close();
      expect(here.writes().at(-1)).toBe('PUT NSG 200');
      expect(await here.rules()).toEqual(left);
    },
  );
});
