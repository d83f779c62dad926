import { createArm } from '../../src/adapters/arm/arm.ts';
import type { Installation } from '../../src/core/installation.ts';
import { createAccessRequestService } from '../../src/workflow/accessRequestService.ts';
import type { AccessRequestService, Orchestrations } from '../../src/workflow/contracts.ts';
import type { Dependencies } from '../../src/workflow/dependencies.ts';
import { createHeartbeat } from '../../src/workflow/heartbeat.ts';
import { createReconciler } from '../../src/workflow/reconciler.ts';
import { createPersonQuota } from '../../src/workflow/personQuota.ts';
import { createStep } from '../../src/workflow/step.ts';
import type { StepResult } from '../../src/workflow/stepResult.ts';
import { createSweep, type SweepReport } from '../../src/workflow/sweep.ts';
import { createMemoryAdminRules } from '../support/memoryAdminRules.ts';
import { createMemoryAuthorization } from '../support/memoryAuthorization.ts';
import { createMemoryRights } from '../support/memoryInventory.ts';
import {
  createBeatingSweepState,
  createMemoryAuditTrail,
  createMemoryLiveRows,
  createMemoryPolicies,
  createMemoryRequests,
  createMemoryNsgRecords,
  createMemorySeals,
} from '../support/memoryStores.ts';
import { origin, type SimulatedArm } from './simulatedArm.ts';
import { addressOf, machineIdOf, networkInterfaceId, nsgId, subnetId, vmId } from './azureState.ts';
import type { VirtualTime } from './virtualTime.ts';
import { noQuotas } from '../support/noQuotas.ts';

export type Stores = Pick<
  Dependencies,
  'requests' | 'live' | 'audit' | 'seals' | 'nsgs' | 'policies' | 'sweepState'
>;

/** Wide enough for every grant that an NSG can hold. */
export const installation: Installation = {
  id: 'contoso',
  allowBand: { first: 100, last: 1999 },
  baselineBand: { first: 2000, last: 2099 },
};

const sweepPeriodSeconds = 60;

/** Sallyport's tables in memory, each call taking so many virtual milliseconds. */
export function createStores(time: VirtualTime, storageMilliseconds: number): Stores {
  const stores: Stores = {
    requests: createMemoryRequests(),
    live: createMemoryLiveRows(),
    audit: createMemoryAuditTrail(() => time.now()),
    seals: createMemorySeals(),
    nsgs: createMemoryNsgRecords(),
    sweepState: createBeatingSweepState(time),
    policies: createMemoryPolicies(),
  };
  const slow = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(from, name, receiver) {
        const member: unknown = Reflect.get(from, name, receiver);
        if (typeof member !== 'function') return member;
        return async (...parameters: unknown[]) => {
          await time.sleep(storageMilliseconds);
          return Reflect.apply(member, from, parameters) as unknown;
        };
      },
    });
  return {
    requests: slow(stores.requests),
    live: slow(stores.live),
    audit: slow(stores.audit),
    seals: slow(stores.seals),
    nsgs: slow(stores.nsgs),
    sweepState: slow(stores.sweepState),
    policies: slow(stores.policies),
  };
}

/** What a worker logged that is no routine. */
export interface Complaint {
  message: string;
  facts: Record<string, unknown> | undefined;
}

export interface Worker {
  step(requestId: string): Promise<StepResult>;
  service(orchestrations: Orchestrations): AccessRequestService;
  sweep(orchestrations: Orchestrations): Promise<SweepReport>;
}

/** One process of the app: the real adapters, reconciler and steps; only what a machine's network is, is known already. */
export function startWorker(
  time: VirtualTime,
  arm: SimulatedArm,
  stores: Stores,
  options: { name: string; nsgOf: (machine: number) => number; complaints: Complaint[] },
): Worker {
  const complain = (message: string, facts?: Record<string, unknown>) =>
    options.complaints.push({ message, facts });
  const azure = createArm({
    endpoint: origin,
    credential: arm.credential,
    networkApiVersion: '2025-05-01',
    clock: time,
    httpClient: arm.httpClient,
    userAgent: options.name,
  });
  const log = { info: () => undefined, warn: complain, error: complain };
  const dependencies: Dependencies = {
    ...stores,
    heartbeat: createHeartbeat({ sweepState: stores.sweepState, clock: time, log }, sweepPeriodSeconds),
    ...azure,
    network: {
      ...azure.network,
      resolveVirtualMachine: (virtualMachineId) => {
        const machine = Number(virtualMachineId.split('-').at(-1));
        const id = nsgId(options.nsgOf(machine));
        const body = { id, properties: { securityRules: [] } };
        return Promise.resolve({
          virtualMachineId: vmId(machine),
          vmId: machineIdOf(machine),
          subnetId: subnetId(options.nsgOf(machine)),
          networkInterfaceId: networkInterfaceId(machine),
          addresses: [{ family: 'IPv4', address: addressOf(machine) }],
          nsgIds: [id],
          tags: {},
          nsgs: [{ id, etag: 'W/"0"', provisioningState: 'Succeeded', body }],
        });
      },
    },
    // What a submission reads before it is accepted would be throttled long before any write.
    rights: createMemoryRights(),
    securityAdminRules: createMemoryAdminRules(),
    authorization: createMemoryAuthorization(),
    clock: time,
    log,
    installation,
    quotas: noQuotas,
    newId: newIds(options.name),
  };
  const reconcile = createReconciler(dependencies);
  const step = createStep(dependencies, reconcile);
  const sweep = createSweep(dependencies, {
    step,
    reconcile,
    periodSeconds: sweepPeriodSeconds,
    warnSeconds: 300,
  });
  const quota = createPersonQuota(noQuotas);
  return {
    step: (requestId) => step(requestId, 'sallyport'),
    service: (orchestrations) => createAccessRequestService(dependencies, quota, orchestrations, reconcile),
    sweep,
  };
}

function newIds(name: string): () => string {
  let ids = 0;
  const prefix = Buffer.from(name).toString('hex').slice(0, 16);
  return () => `${prefix}${(ids += 1).toString(16).padStart(32 - prefix.length, '0')}`;
}
