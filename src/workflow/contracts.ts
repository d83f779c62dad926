import type { AccessRequest, Person, Protocol } from '../core/accessRequest.ts';
import type { NetworkHint } from '../core/networkHint.ts';
import type { Decision } from '../core/reason.ts';

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
  /** This installation's tables are lost: an administrator must act; nothing is stored. */
  | { kind: 'tables-lost' }
  /** Azure cannot be asked now; nothing is stored. */
  | { kind: 'unavailable'; retryAfterSeconds: number; message: string };

export type RevokeResult = { kind: 'revoked'; request: AccessRequest } | { kind: 'not-found' };

/** What the HTTP layer may ask of the life of requests. */
export interface AccessRequestService {
  submit(submission: Submission): Promise<SubmitResult>;
  find(id: string): Promise<AccessRequest | undefined>;
  /** Requests that have not ended; `requesterId` narrows to one person's. Newest first. */
  listUnended(requesterId?: string): Promise<AccessRequest[]>;
  /** Ends a request early; one that is ending or has ended stays as it is. */
  revoke(id: string, actor: Person, correlationId: string): Promise<RevokeResult>;
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

/** Looks where a hint points. Never rejects. */
export type FollowHint = (
  hint: NetworkHint,
  call: { orchestrations: Orchestrations; correlationId: string },
) => Promise<void>;
