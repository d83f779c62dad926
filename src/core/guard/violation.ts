import { describePacket } from './packet.ts';
import type { Packet } from './packet.ts';

/** Why a write is refused. Codes are stable: alerts match on them. */
export type ViolationKind =
  /** Something other than the rules would change. */
  | 'body-changed'
  /** A foreign rule would be added, removed, changed or stand elsewhere in the list. */
  | 'foreign-rule-changed'
  /** An owned rule would have another rule's name, or its priority in the same direction. */
  | 'name-taken'
  | 'priority-taken'
  /** An owned rule would admit what no live grant admits. */
  | 'owned-rule-too-wide'
  /** A packet would be admitted that a foreign deny at or before the end of the allow band means to refuse. */
  | 'foreign-deny-overridden'
  /** A packet would be admitted that a baseline keeps shut. */
  | 'baseline-opened'
  /** A packet of a live grant would be refused that was admitted. */
  | 'live-grant-lost'
  /** A packet would be refused that somebody else's rule admits and no baseline refuses. */
  | 'refused-beside-baselines'
  /** A deny of ours would go or change, and no row decides on it. */
  | 'deny-without-decision'
  /** A deny of ours would stand where it shuts grants. */
  | 'deny-before-grants'
  /** A write that should only remove owned allow rules does something else. */
  | 'not-a-removal';

export interface Violation {
  kind: ViolationKind;
  /** A whole sentence for people. */
  message: string;
  /** The name of the rule that it is about. */
  rule?: string;
  /** Where it is about packets: one of them. */
  sample?: Packet;
}

/** A violation that is about packets, with one of them. */
export function violationOf(
  kind: ViolationKind,
  problem: string,
  rule: string | undefined,
  sample: Packet,
): Violation {
  return {
    kind,
    message: `${problem}: ${describePacket(sample)}.`,
    ...(rule === undefined ? {} : { rule }),
    sample,
  };
}
