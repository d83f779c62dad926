import type { AccessRequest, Person } from './accessRequest.ts';
import { isApproved, type Approval, type ApprovalGiven } from './approval.ts';

/** Somebody who decides, and what is known of them: proven by their token, or told by Azure a moment ago. */
export interface Decider {
  person: Person;
  /** An application on its own account. */
  isApplication: boolean;
  /** Has the app role of approvers. */
  isApprover: boolean;
  /** Their groups, in lower case, as far as Azure tells; needed only where the role is not there. */
  groupIds: ReadonlySet<string>;
}

/** Why somebody's decision does not count. Stable: clients match on them. */
export const decisionRefusals = ['own-request', 'application-cannot-decide', 'not-an-approver'] as const;
export const decisionConflicts = ['approval-expired', 'decided-already'] as const;

export type Judgement =
  /** `approval` with this person's yes, and whether that was the last that was needed. */
  | { kind: 'counts'; approval: Approval; given: ApprovalGiven; isComplete: boolean }
  | { kind: 'refused'; code: (typeof decisionRefusals)[number]; message: string }
  | { kind: 'conflict'; code: (typeof decisionConflicts)[number]; message: string };

/** What whoever asked for something is told who wants to decide on it, whatever has become of it. */
export const ownRequest = {
  kind: 'refused',
  code: 'own-request',
  message: 'Nobody decides on their own request: somebody else must.',
} as const;

/**
 * Judges whether one person's decision counts for an approval that waits. A yes counts once for each rule that the person
 * may decide by; a no is theirs to say wherever a yes would count. Nobody decides on what they asked for themselves.
 */
export function judgeApproval(input: {
  approval: Approval;
  requester: Person;
  decider: Decider;
  comment: string;
  now: Date;
}): Judgement {
  const { approval, requester, decider, comment, now } = input;
  const { person } = decider;
  if (decider.isApplication) {
    return refused('application-cannot-decide', 'Only people decide: an application cannot.');
  }
  if (isSame(person, requester)) {
    return ownRequest;
  }
  const rules = approval.rules.flatMap((_rule, index) =>
    mayDecide(approval, index, decider) ? [index] : [],
  );
  if (rules.length === 0) {
    return refused(
      'not-an-approver',
      'This takes the role Sallyport.Approver, or membership in a group that the policy names.',
    );
  }
  if (now.getTime() >= Date.parse(approval.expiresAt)) {
    const message = `Nobody decided until ${approval.expiresAt}: it has to be asked for again.`;
    return { kind: 'conflict', code: 'approval-expired', message };
  }
  if (approval.given.some(({ by }) => isSame(by, person))) {
    return { kind: 'conflict', code: 'decided-already', message: 'You have approved this already.' };
  }
  const given: ApprovalGiven = { by: person, at: now.toISOString(), comment, rules };
  const after: Approval = { ...approval, given: [...approval.given, given] };
  return { kind: 'counts', approval: after, given, isComplete: isApproved(after) };
}

/** The approval that a request waits for now, its own or that of an extension; undefined if it waits for none. */
export function waitingApproval(
  request: Pick<AccessRequest, 'state' | 'approval' | 'extension'>,
): Approval | undefined {
  return request.state === 'pending' ? request.approval : request.extension?.approval;
}

/** The groups that a decision may come down to, in lower case. */
export function groupsOf({ rules }: Pick<Approval, 'rules'>): Set<string> {
  return new Set(rules.flatMap(({ groups }) => groups.map((group) => group.toLowerCase())));
}

/** Whether both are one person of one tenant. */
export function isSame(one: Person, other: Person): boolean {
  return one.objectId === other.objectId && one.tenantId === other.tenantId;
}

function mayDecide(
  { rules }: Approval,
  index: number,
  { isApprover, groupIds }: Pick<Decider, 'isApprover' | 'groupIds'>,
): boolean {
  return isApprover || (rules[index]?.groups.some((group) => groupIds.has(group.toLowerCase())) ?? false);
}

function refused(code: (typeof decisionRefusals)[number], message: string): Judgement {
  return { kind: 'refused', code, message };
}
