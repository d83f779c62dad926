/**
 * Why something was decided or ended as it did. Codes are stable: clients and alerts match on them.
 */
export const reasonCodes = [
  // Decisions on a request.
  'within-policy',
  'not-authorized',
  'no-policy',
  'port-not-in-policy',
  'protocol-not-in-policy',
  'source-not-in-policy',
  'source-too-large',
  'duration-exceeds-policy',
  'justification-not-accepted',
  'outside-time-window',
  'approval-needed',
  'vm-not-found',
  'vm-not-supported',
  'no-network-security-group',
  'no-address-of-family',
  'address-not-unique',
  'not-closable',
  // What Virtual Network Manager has before every network security group.
  'blocked-by-security-admin-rule',
  'perhaps-blocked-by-security-admin-rule',
  'not-protected',
  'not-checked',
  // What a network security group answered.
  'no-capacity',
  'too-many-grants',
  'blocked-by-foreign-rule',
  'target-gone',
  'address-changed',
  'not-permitted',
  'throttled',
  'refused-by-azure',
  'not-settled',
  'not-opened-in-time',
  'write-not-proven',
  // What Sallyport itself has to wait for, or cannot do.
  'waiting-for-sweep',
  'tables-lost',
  // Decisions of people.
  'break-glass',
  'denied-by-approver',
  'approval-expired',
  'approval-changed',
  'start-not-allowed',
  // Ends.
  'ended',
  'revoked',
  'closed-unseen',
  'flows-cut',
  'flows-not-cut',
  // Extensions and warnings.
  'extended',
  'ending-soon',
  'not-running',
  'extension-waiting',
  'extension-expired',
  'extended-too-often',
  // Changes by others.
  'change-accepted',
  'change-reverted',
  'bypassed-by-foreign-rule',
  // Changes of our own beside rules.
  'flush-connection',
  // Repairs.
  'orchestration-missing',
  'orchestration-silent',
] as const;
export type ReasonCode = (typeof reasonCodes)[number];

/** One reason, for people and for programs. */
export interface Reason {
  code: ReasonCode;
  /** A whole sentence: what is so and, where somebody can act on it, what would be allowed. */
  message: string;
  /** JSON path of the field of the request that it speaks of: `virtualMachines[0].ports[1].number`. */
  field?: string;
  /** What would be allowed there. */
  allowed?: unknown;
}

/** A decision is data, never an exception. */
export interface Decision {
  outcome: 'granted' | 'needs-approval' | 'denied';
  reasons: Reason[];
  /** Ids of the policies behind it. */
  policies: string[];
}
