import type { AccessRequest, Person, Protocol } from '../core/accessRequest.ts';
import type { reviewRefusals } from '../core/breakGlass.ts';
import type { Caller } from '../core/caller.ts';
import type { HealthStatus, LastSweep } from '../core/health.ts';
import type { decisionConflicts, decisionRefusals } from '../core/judgeApproval.ts';
import type { NetworkHint } from '../core/networkHint.ts';
import type { BaselineSource, Policy, PolicyConditions, PolicyEntry } from '../core/policy.ts';
import type { Decision, Reason } from '../core/reason.ts';
import type { DryRunResult } from './dryRun.ts';
import type { SentKey } from './idempotentCall.ts';
import type { JudgedTogether } from './judgeTogether.ts';
import type { OverQuota } from './personQuota.ts';

export type { JudgedTogether };

/** A port as it was asked for, syntactically valid; a protocol that is left out is taken from the policy. */
export interface AskedPort {
  number: number;
  protocol?: Protocol;
  /** Canonical prefix; what was left out means the caller's own address, and was filled in. */
  allowedSourceAddressPrefix: string;
}

/** A request as it was asked for: checked for form, not yet against any policy. */
export interface Submission {
  requester: Person;
  virtualMachines: { id: string; ports: AskedPort[] }[];
  /** ISO 8601. */
  duration: string;
  durationSeconds: number;
  /** The very end that was asked for, ISO 8601; left out, it is the start and the duration. */
  end?: string;
  /** When access is to begin, ISO 8601 in UTC; at once, or once it is approved, where it is left out. */
  start?: string;
  /** Skip approval: by somebody who has the role for it. */
  breakGlass?: true;
  justification: string;
  correlationId: string;
  idempotencyKey?: string;
  /** SHA-256 of the canonical body. */
  bodyHash: string;
}

export type SubmitResult =
  | { kind: 'accepted'; request: AccessRequest }
  /** Refused by policy or by the network as it stands; audited. */
  | { kind: 'denied'; decision: Decision }
  /** The Idempotency-Key was used before with another body. */
  | { kind: 'key-reused' }
  /** This person was refused too often of late; not audited. */
  | { kind: 'too-many-refusals'; retryAfterSeconds: number }
  /** More than one person may take at a time; not audited. */
  | OverQuota
  /** This installation's tables are lost: an administrator must act; nothing is stored. */
  | { kind: 'tables-lost' }
  /** Azure cannot be asked now; nothing is stored. */
  | { kind: 'unavailable'; retryAfterSeconds: number; message: string };

/** More time for a grant, as it was asked for: checked for form, not yet against any policy. */
export interface ExtensionCall {
  /** Of the request. */
  id: string;
  person: Person;
  /** What comes to its end, ISO 8601. */
  duration: string;
  durationSeconds: number;
  justification: string;
  correlationId: string;
  idempotencyKey?: string;
  /** SHA-256 of the canonical body. */
  bodyHash: string;
}

export type ExtendResult =
  /** The request, with its new end. */
  | { kind: 'extended'; request: AccessRequest }
  /** The request, as it was; its extension waits for people. */
  | { kind: 'waiting'; request: AccessRequest }
  /** Absent, or somebody else's. */
  | { kind: 'not-found' }
  /** It does not run, or another extension waits; not audited. */
  | { kind: 'conflict'; reason: Reason }
  | Exclude<SubmitResult, { kind: 'accepted' | 'tables-lost' }>;

/** What somebody decides on a request that waits for people. */
export interface DecisionCall {
  id: string;
  caller: Caller;
  decision: 'approve' | 'deny';
  comment: string;
  /** The end, ISO 8601, of what whoever decides has seen to wait; without it whatever waited when the call came in. */
  end?: string;
  correlationId: string;
  idempotencyKey?: SentKey;
}

export type DecideResult =
  | { kind: 'decided'; request: AccessRequest }
  | { kind: 'not-found' }
  /** The Idempotency-Key was used before with another body. */
  | { kind: 'key-reused' }
  /** This person may not decide. */
  | { kind: 'refused'; code: (typeof decisionRefusals)[number]; message: string }
  /** There is nothing for this person to decide any more. */
  | { kind: 'conflict'; code: 'not-pending' | (typeof decisionConflicts)[number]; message: string }
  /** Approved, and by now something else is against it: it is denied, and why is in the decision. */
  | { kind: 'denied'; decision: Decision }
  /** Azure cannot be asked now; the decision is not stored. */
  | { kind: 'unavailable'; retryAfterSeconds: number; message: string };

/** What somebody says who has looked at why approval was skipped. */
export type ReviewCall = Omit<DecisionCall, 'decision'>;

export type ReviewResult =
  | { kind: 'reviewed'; request: AccessRequest }
  | { kind: 'not-found' }
  | { kind: 'key-reused' }
  | { kind: 'refused'; code: (typeof reviewRefusals)[number]; message: string }
  | { kind: 'conflict'; code: 'no-review-open'; message: string };

/** Who ends a request early, and what they say to it. */
export interface RevokeCall {
  id: string;
  person: Person;
  comment?: string;
  correlationId: string;
}

export type RevokeResult = { kind: 'revoked'; request: AccessRequest } | { kind: 'not-found' };

/** What the HTTP layer may ask of the life of requests. */
export interface AccessRequestService {
  submit(submission: Submission): Promise<SubmitResult>;
  /** Says which of several submissions that belong together would be refused now; nothing is stored. */
  judgeTogether(submissions: readonly Submission[]): Promise<JudgedTogether>;
  /** Says what would come of a submission; nothing is stored. */
  dryRun(submission: Submission): Promise<DryRunResult>;
  find(id: string): Promise<AccessRequest | undefined>;
  /** Requests that have not ended; `requesterId` narrows to one person's. Newest first. */
  listUnended(requesterId?: string): Promise<AccessRequest[]>;
  /** Gives the requester more time for a grant that runs. */
  extend(call: ExtensionCall): Promise<ExtendResult>;
  /** Those that have not ended and the newest of the last 24 hours, whatever became of them. Newest first. */
  listRecent(): Promise<AccessRequest[]>;
  /** Requests that skipped approval and that nobody has looked at since, ended ones too. Newest first. */
  listToReview(): Promise<AccessRequest[]>;
  /** The ids of those among these that wait for a decision which this caller may make. */
  decidableBy(
    caller: Caller,
    requests: readonly AccessRequest[],
    correlationId: string,
  ): Promise<
    | { kind: 'known'; requestIds: ReadonlySet<string> }
    /** Azure does not tell the caller's groups now. */
    | { kind: 'unavailable'; retryAfterSeconds: number; message: string }
  >;
  /** Approves or denies a request that waits for people; the last yes opens it, or schedules it. */
  decide(call: DecisionCall): Promise<DecideResult>;
  /** Notes that somebody else has looked at why approval was skipped. */
  review(call: ReviewCall): Promise<ReviewResult>;
  /** Ends a request early; one that is ending or has ended stays as it is. */
  revoke(call: RevokeCall): Promise<RevokeResult>;
}

/** Starts and rings orchestrations. They carry a request's id and nothing else. */
export interface Orchestrations {
  /** Starts an instance for the request; one that runs already is success. */
  start(instance: string, requestId: string): Promise<void>;
  /** Rings; an instance that is unknown or has finished is success. */
  ring(instance: string): Promise<void>;
  /** `missing` if it is unknown, `ended` whatever the end was. */
  status(instance: string): Promise<'running' | 'ended' | 'missing'>;
  /** Deletes the histories of finished instances that were made in this span of time; returns how many. */
  purge(from: Date, to: Date): Promise<number>;
}

/** Starts what applies policies after a change of one; the sweep does the same, later. */
export interface PolicyRuns {
  /** One that runs for this version already is success. */
  start(policy: { id: string; version: number }): Promise<void>;
}

/** What an administrator wants of a policy, checked for its form. */
export interface PolicyContent {
  entries: PolicyEntry[];
  /** Left out: those of the policy that is there stay, and there are none where it is new. */
  conditions?: PolicyConditions;
  /** Left out: that of the policy that is there stays, and where it is new it is `internet`. */
  baseline?: BaselineSource;
}

export interface PolicyCall {
  caller: Caller;
  correlationId: string;
}

export interface PolicyChangeCall extends PolicyCall {
  /** Decides and tells, and changes nothing. */
  isDryRun?: boolean;
  /** Changes only a policy of this version; `none` only where there is no policy, `any` only where there is one. */
  ifVersion?: number | 'none' | 'any';
}

/** What a change of a policy does, or did, to one network security group: a whole sentence. */
export interface PolicyEffect {
  networkSecurityGroup?: string;
  message: string;
}

export type PolicyRefusal =
  | { kind: 'not-found' }
  /** Azure RBAC does not let this caller; each reason names what is missing where. */
  | { kind: 'not-authorized'; reasons: Reason[] }
  /** Azure cannot be asked now. */
  | { kind: 'unavailable'; retryAfterSeconds: number; message: string };

export type FindPolicyResult = { kind: 'found'; policy: Policy } | PolicyRefusal;
export type ListPoliciesResult = { kind: 'listed'; policies: Policy[] } | PolicyRefusal;
export type ChangePolicyResult =
  /** Changed, or what would be. `changes` are sentences for people; empty where it was so already, under the same version. */
  | { kind: 'changed'; policy: Policy; isNew: boolean; changes: string[]; effects: PolicyEffect[] }
  /** The policy is of another version than was demanded, or of none. */
  | { kind: 'version-mismatch'; version?: number }
  /** These machines have no baseline that stands after they have left. */
  | { kind: 'not-releasable'; virtualMachineIds: string[] }
  | PolicyRefusal;

/** Policies as both doors show and change them; whoever may do what is decided here, by Azure RBAC. */
export interface PolicyService {
  /** In the order of their ids, those that this caller may read; with `within`, an ARM id, those whose own id lies there. */
  list(call: PolicyCall, within?: string): Promise<ListPoliciesResult>;
  find(id: string, call: PolicyCall): Promise<FindPolicyResult>;
  /** Makes the policy of this id, or replaces what it says. */
  put(id: string, content: PolicyContent, call: PolicyChangeCall): Promise<ChangePolicyResult>;
  remove(id: string, call: PolicyChangeCall): Promise<ChangePolicyResult>;
  /** Lets the baselines of machines go that have left the policy; only administrators may. */
  release(id: string, virtualMachineIds: string[], call: PolicyChangeCall): Promise<ChangePolicyResult>;
}

/** What a change would do to what is there, told by whoever keeps baselines. Never rejects. */
export type ForeseePolicy = (
  change: { before?: Policy; after: Policy },
  call: { correlationId: string },
) => Promise<PolicyEffect[]>;

/** Looks where a hint points. Never rejects. */
export type FollowHint = (
  hint: NetworkHint,
  call: { orchestrations: Orchestrations; correlationId: string },
) => Promise<void>;

/** What one look at the health of the app needs. */
export interface HealthCall {
  correlationId: string;
  orchestrations: Pick<Orchestrations, 'status'>;
}

/** How one thing is that was looked at, since when, ISO 8601, and why it is not well. */
export interface CheckedHealth {
  name: string;
  status: HealthStatus;
  since: string;
  reason?: string;
}

/** How it goes, for auditors and administrators. Instants in ISO 8601; what could not be read is left out. */
export interface HealthReport {
  /** The worst of the checks. */
  status: HealthStatus;
  checkedAt: string;
  checks: CheckedHealth[];
  sweep: {
    /** When the last complete sweep, and the last one that saw every NSG, began. */
    lastComplete?: string;
    listedAt?: string;
    newest?: LastSweep;
  };
  overdueCloses: {
    count?: number;
    oldest?: { requestId: string; since: string; seconds: number; networkSecurityGroups: string[] };
    /** Requests that could not be looked at. */
    unread?: number;
  };
  installation: string;
  /** `bundle` is the SHA-256 of what was loaded first, which names all else that is. */
  program: { node: string; version?: string; bundle?: string };
}

/** Tells how it goes. Never rejects for what it finds. */
export type Health = (call: HealthCall) => Promise<HealthReport>;
