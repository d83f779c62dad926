import type { Protocol } from './accessRequest.ts';

/** What may be asked for on one port of one virtual machine. */
export interface PolicyPort {
  /** 1 to 65535. */
  number: number;
  protocol: Protocol;
  /** Canonical CIDR prefixes, IPv4 and IPv6. */
  allowedSourceAddressPrefixes: string[];
  /** ISO 8601 duration, days at most: `PT3H`. */
  maxRequestAccessDuration: string;
}

/** A policy for one virtual machine. */
export interface Policy {
  /** Stable name, unique per virtual machine. */
  id: string;
  /** ARM id as the administrator wrote it; compared ignoring case. */
  virtualMachineId: string;
  ports: PolicyPort[];
}

/** Where policies are kept. */
export interface Policies {
  /** The policy of this virtual machine; the id's case does not matter. */
  forVirtualMachine(virtualMachineId: string): Promise<Policy | undefined>;
  /** Adds or replaces the policy of its virtual machine. */
  put(policy: Policy): Promise<void>;
}
