import type { Policy } from '../../src/core/policy.ts';
import { policyFor } from '../support/policyFor.ts';
import type { Submission } from '../../src/workflow/contracts.ts';
import { sourceOf, vmId } from './azureState.ts';

/** The policy of one machine: these ports, for the one person who asks for it. */
export function policyOf(machine: number, ports: readonly number[]): Policy {
  return policyFor(
    `p${machine}`,
    vmId(machine),
    ports.map((number) => ({
      number,
      protocol: 'Tcp' as const,
      allowedSourceAddressPrefixes: [`${sourceOf(machine)}/32`],
      maxRequestAccessDuration: 'PT3H',
    })),
  );
}

/** What that person asks for. */
export function submissionOf(machine: number, ports: readonly number[], durationSeconds: number): Submission {
  const number = machine.toString(16).padStart(12, '0');
  return {
    requester: {
      objectId: `00000000-0000-4000-8000-${number}`,
      tenantId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
      displayName: `Person ${machine}`,
    },
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
