import type { Protocol } from './accessRequest.ts';
import type { ApprovalRule } from './approval.ts';
import type { Reason } from './reason.ts';
import type { Stored } from './stores.ts';

/** What may be asked for on one port. */
export interface PolicyPort {
  /** 1 to 65535. */
  number: number;
  protocol: Protocol;
  /** Canonical CIDR prefixes, IPv4 and IPv6. */
  allowedSourceAddressPrefixes: string[];
  /** ISO 8601 duration, days at most: `PT3H`. */
  maxRequestAccessDuration: string;
  /**
   * How an administrator gave the sources through Microsoft's API, where one text and a list of one are different
   * members: shown again, never decided by.
   */
  sourcesAsWritten?: string | string[];
}

/** Which virtual machines: those named, or those that lie in one of the scopes and carry every one of the tags. */
export type Selector =
  | { virtualMachineIds: string[] }
  | {
      /** ARM ids of subscriptions and resource groups; at least one. */
      scopes: string[];
      /** Name → value, as Azure compares them: names ignoring case, values not. */
      tags?: Record<string, string>;
    };

/** Ports of the virtual machines that a selector names. A machine that several entries select has the ports of all. */
export interface PolicyEntry {
  selector: Selector;
  ports: PolicyPort[];
}

/** A span of the week in which access may begin. */
export interface TimeWindow {
  /** 1 is Monday, 7 is Sunday. */
  days: number[];
  /** `HH:MM`; `to` may be `24:00` and is exclusive. A window does not go past midnight. */
  from: string;
  to: string;
  /** IANA name: `Europe/Berlin`. */
  timeZone: string;
}

/** From whom a baseline keeps the ports of a policy shut. */
export type BaselineSource =
  | { kind: 'internet' }
  /** Everybody but these: canonical prefixes, such as Bastion's subnet. */
  | { kind: 'everybody'; except: string[] }
  /** The policy sets no baseline. */
  | { kind: 'none' };

/** What a policy demands beyond ports, sources and durations; what is left out is not demanded. */
export interface PolicyConditions {
  approval?: ApprovalRule;
  /** The shortest prefix length that may be asked for, by family. */
  largestSource?: { IPv4?: number; IPv6?: number };
  /** Access may begin in any of these. */
  timeWindows?: TimeWindow[];
  /** Regular expression (RE2) that the whole justification must match. */
  justificationPattern?: string;
  /** Cut flows that are established when a grant ends; of the whole NSG. */
  flushConnection?: boolean;
}

/** A policy as it is stored. */
export interface Policy {
  /** The ARM id of a just-in-time policy (`/subscriptions/…/jitNetworkAccessPolicies/default`), or a name of our own. */
  id: string;
  /** Grows by one with every change; a policy that was deleted and is put again goes on counting. */
  version: number;
  entries: PolicyEntry[];
  conditions: PolicyConditions;
  baseline: BaselineSource;
  /** Whether its baselines stand. A new version begins as `updating`. */
  provisioning: { state: 'updating' | 'succeeded' | 'failed'; reasons: Reason[] };
  /** ISO 8601; the object id of a person. */
  changedAt: string;
  changedBy: string;
  /** Machines that have left its selectors, or are gone, and keep their baseline: since when, ISO 8601. */
  left?: { virtualMachineId: string; at: string }[];
  /** Machines that have left it and that an administrator has released; until their baselines are gone. */
  released?: string[];
  /** Deleted: kept, so that its baselines are known to be ended by a decision. */
  isDeleted?: true;
  /** Changes whose audit records are not known to be there yet. */
  journal: PolicyChange[];
  /** Number of the last change that was audited in the partition of this policy. */
  recorded: number;
}

export const policyEvents = ['put', 'deleted', 'left', 'released'] as const;
export type PolicyEvent = (typeof policyEvents)[number];

/** One change of a policy; its audit record is made from it, under its number in the policy's partition. */
export interface PolicyChange {
  /** 1, 2, 3 …: also the sequence number of its audit record. */
  number: number;
  event: PolicyEvent;
  at: string;
  actor: string;
  correlationId: string;
  /** What changed, as sentences for people. */
  changes: string[];
}

/** Where policies are kept. Few enough to be read together: each decision goes by all that are there. */
export interface Policies {
  /** Every policy that is not deleted. A row that cannot be read throws: it is never taken for "no policy". */
  list(): Promise<Stored<Policy>[]>;
  /** Every row, those of deleted policies too. */
  all(): Promise<Stored<Policy>[]>;
  /** Deleted ones too; the case of an id does not matter. */
  get(id: string): Promise<Stored<Policy> | undefined>;
  insert(policy: Policy): Promise<Stored<Policy> | 'exists'>;
  /** Replaces the row if it still has this ETag. */
  replace(policy: Policy, etag: string): Promise<Stored<Policy> | 'changed'>;
}
