import type { PolicyPort } from './policy.ts';

/** A policy for one virtual machine. */
export interface EffectivePolicy {
  /** Stable name, unique per virtual machine. */
  id: string;
  /** ARM id as the administrator wrote it; compared ignoring case. */
  virtualMachineId: string;
  ports: PolicyPort[];
}

/** Where policies are kept. */
export interface EffectivePolicies {
  /** The policy of this virtual machine; the id's case does not matter. */
  forVirtualMachine(virtualMachineId: string): Promise<EffectivePolicy | undefined>;
  /** Adds or replaces the policy of its virtual machine. */
  put(policy: EffectivePolicy): Promise<void>;
}
