import type { BaselineSource, Policy, PolicyPort } from '../../../src/core/policy.ts';
import type { PolicyContent } from '../../../src/workflow/contracts.ts';
import { approverGroup } from './people.ts';
import type { Machine } from './worldModel.ts';

/** The one policy of a machine in the simulation. */
export function policyIdOf({ id }: Machine): string {
  return `for ${id.split('/').at(-1) ?? ''}`;
}

/** What the policy of a machine is to demand. */
export interface Demands {
  /** 22 and 3389, if they are left out. */
  ports?: number[];
  /** How many people must approve; nobody, if it is left out. */
  approvers?: number;
  /** None, if it is left out. */
  baseline?: BaselineSource;
  /** Selects the machine by this tag and not by its id. */
  tag?: string;
}

/** The content of a machine's policy that demands this. */
export function contentFor(
  machine: Machine,
  { ports = [22, 3389], approvers = 0, baseline = { kind: 'none' }, tag }: Demands = {},
): Required<PolicyContent> {
  const selector =
    tag === undefined
      ? { virtualMachineIds: [machine.id] }
      : { scopes: [machine.id.slice(0, machine.id.indexOf('/providers'))], tags: { [tag]: 'yes' } };
  return {
    entries: [{ selector, ports: ports.map(portOf) }],
    conditions: approvers === 0 ? {} : { approval: { approvers, groups: [approverGroup] } },
    baseline,
  };
}

export const defaultContent = (machine: Machine): Pick<Policy, 'entries'> => contentFor(machine);

function portOf(number: number): PolicyPort {
  return {
    ...{ number, protocol: '*', maxRequestAccessDuration: 'PT3H' },
    allowedSourceAddressPrefixes: ['203.0.113.0/24'],
  };
}
