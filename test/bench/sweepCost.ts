import type { SweepReport } from '../../src/workflow/sweep.ts';
import { engineSettings } from './activityQueue.ts';
import { createSimulatedArm, type ArmCall } from './simulatedArm.ts';
import { createStores, startWorker, type Complaint } from './sallyport.ts';
import { policyOf, submissionOf } from './submissions.ts';
import { createVirtualTime, takeOverTimers } from './virtualTime.ts';

/** What one sweep asked of Azure Resource Manager, with one active grant on every NSG and nothing to do. */
export interface SweepCost {
  /** Reads, by the type of what was read or listed. */
  reads: Record<string, number>;
  writes: number;
  throttled: number;
  /** How long it took, with 10 ms for each call of storage and of Azure. */
  seconds: number;
  report: SweepReport;
}

export interface SweepCosts {
  /** The first sweep of a process lists every NSG that can be seen. */
  first: SweepCost;
  /** One of those that follow. */
  usual: SweepCost;
  complaints: string[];
}

const ports = [22, 3389];
const idle = {
  start: () => Promise.resolve(),
  ring: () => Promise.resolve(),
  purge: () => Promise.resolve(0),
};

/** Opens one grant on each NSG and sweeps. */
export async function sweepCosts(nsgs: number): Promise<SweepCosts> {
  const time = createVirtualTime(new Date('2026-11-23T09:00:00.000Z'));
  takeOverTimers(time);
  const arm = createSimulatedArm(time, {
    ...{ nsgs, machines: nsgs, callMilliseconds: 10 },
    settings: { operationMs: 1000, throttling: false },
  });
  const stores = createStores(time, engineSettings.storageMilliseconds);
  const complaints: Complaint[] = [];
  const worker = startWorker(time, arm, stores, {
    name: 'worker-0',
    nsgOf: (machine) => machine,
    complaints,
  });
  const orchestrations = { ...idle, status: () => Promise.resolve('running' as const) };
  const service = worker.service(orchestrations);

  async function open(machine: number): Promise<void> {
    await stores.policies.insert(policyOf(machine, ports));
    const submitted = await service.submit(submissionOf(machine, ports, 3 * 3600));
    if (submitted.kind !== 'accepted') throw new Error(`It was not accepted: ${submitted.kind}.`);
    await worker.step(submitted.request.id);
  }

  async function cost(): Promise<SweepCost> {
    const from = arm.calls.length;
    const began = time.elapsed();
    const report = await worker.sweep(orchestrations);
    const calls = arm.calls.slice(from);
    return {
      reads: countByType(calls.filter(({ method }) => method === 'GET')),
      writes: calls.filter(({ method }) => method !== 'GET').length,
      throttled: calls.filter(({ status }) => status === 429).length,
      seconds: (time.elapsed() - began) / 1000,
      report,
    };
  }

  await time.run(Promise.all(Array.from({ length: nsgs }, (_, machine) => open(machine))));
  arm.simulator.settings.throttling = true;
  await time.run(time.sleep(600_000));
  const first = await time.run(cost());
  await time.run(time.sleep(60_000));
  return { first, usual: await time.run(cost()), complaints: complaints.map(({ message }) => message) };
}

/** By the last type that the path names: `networkSecurityGroups`, `virtualMachines` … */
function countByType(calls: readonly ArmCall[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { path } of calls) {
    const segments = path.split('/').filter((segment) => segment !== '');
    const type = segments.toReversed().find((segment) => /^[a-z]+s$/i.test(segment)) ?? path;
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}
