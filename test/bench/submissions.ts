import type { Policy } from '../../src/core/policy.ts';
import { policyFor } from '../support/policyFor.ts';
import type { DecisionCall, Submission } from '../../src/workflow/contracts.ts';
import { sourceOf, vmId } from './azureState.ts';

const tenantId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

/** The policy of one machine: these ports, for the one person who asks for it, once so many others have approved. */
export function policyOf(machine: number, ports: readonly number[], approvers = 0): Policy {
  return policyFor(
    `p${machine}`,
    vmId(machine),
    ports.map((number) => ({
      number,
      protocol: 'Tcp' as const,
      allowedSourceAddressPrefixes: [`${sourceOf(machine)}/32`],
      maxRequestAccessDuration: 'PT3H',
    })),
    approvers === 0 ? {} : { conditions: { approval: { approvers, groups: [] } } },
  );
}

/** What that person asks for. */
export function submissionOf(machine: number, ports: readonly number[], durationSeconds: number): Submission {
  const number = machine.toString(16).padStart(12, '0');
  return {
    requester: { objectId: `00000000-0000-4000-8000-${number}`, tenantId, displayName: `Person ${machine}` },
    virtualMachines: [
      {
        id: vmId(machine),
        ports: ports.map((port) => ({
          number: port,
          protocol: 'Tcp' as const,
          allowedSourceAddressPrefix: `${sourceOf(machine)}/32`,
        })),
      },
    ],
    duration: `PT${durationSeconds}S`,
    durationSeconds,
    justification: 'Monday morning',
    correlationId: `5a11f0a7-0000-4000-8000-${number}`,
    bodyHash: String(machine),
  };
}

/** The yes of somebody with the role of approvers. */
export function approvalOf(id: string, approver: number): DecisionCall {
  const number = approver.toString(16).padStart(12, '0');
  const objectId = `00000000-0000-4000-8001-${number}`;
  return {
    id,
    caller: {
      person: { objectId, tenantId, displayName: `Approver ${approver}` },
      roles: ['Sallyport.Approver'],
    },
    decision: 'approve',
    comment: 'As every Monday',
    correlationId: `5a11f0a7-0000-4000-8001-${number}`,
  };
}
