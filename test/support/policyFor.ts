import type { Policy, PolicyPort } from '../../src/core/policy.ts';

/** A policy as it is stored: these ports of one virtual machine, nothing more demanded, no baseline. */
export function policyFor(
  id: string,
  virtualMachineId: string,
  ports: PolicyPort[],
  changes: Partial<Policy> = {},
): Policy {
  return {
    id,
    version: 1,
    entries: [{ selector: { virtualMachineIds: [virtualMachineId] }, ports }],
    conditions: {},
    baseline: { kind: 'none' },
    provisioning: { state: 'succeeded', reasons: [] },
    changedAt: '2026-11-23T07:00:00.000Z',
    changedBy: '33333333-3333-4333-8333-333333333333',
    journal: [],
    recorded: 0,
    ...changes,
  };
}
