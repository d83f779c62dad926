import type { Person } from './accessRequest.ts';

/** Who must approve. Whoever holds the app role of approvers, or is in one of the groups, may. */
export interface ApprovalRule {
  /** How many different people, at least 1; never the requester. */
  approvers: number;
  /** Object ids of groups; without any, only the app role counts. */
  groups: string[];
}

/** What one person decided. */
export interface ApprovalGiven {
  by: Person;
  /** ISO 8601. */
  at: string;
  comment: string;
  /** Indices of the rules that this person counts for. */
  rules: number[];
}

/** The approval that a request, or the extension of one, waits for or has got. */
export interface Approval {
  /** All of them must be met, each by as many people as it says; one person may count for several. */
  rules: ApprovalRule[];
  given: ApprovalGiven[];
  /** Unapproved by then it expires, ISO 8601. */
  expiresAt: string;
}

/** Whether every rule is met. */
export function isApproved({ rules, given }: Pick<Approval, 'rules' | 'given'>): boolean {
  return rules.every(
    ({ approvers }, index) =>
      given.filter(({ rules: counted }) => counted.includes(index)).length >= approvers,
  );
}
