import type { Person } from './accessRequest.ts';

/** The actions that Defender for Cloud's just-in-time access asks for. */
export const actions = {
  initiate: 'Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action',
  readPolicy: 'Microsoft.Security/locations/jitNetworkAccessPolicies/read',
  writePolicy: 'Microsoft.Security/locations/jitNetworkAccessPolicies/write',
  deletePolicy: 'Microsoft.Security/locations/jitNetworkAccessPolicies/delete',
  readVirtualMachine: 'Microsoft.Compute/virtualMachines/read',
  writeVirtualMachine: 'Microsoft.Compute/virtualMachines/write',
} as const;

export type Permission =
  | { kind: 'allowed' }
  /** `message` is a whole sentence: what is missing where, and what would give it. */
  | { kind: 'denied'; missing: string[]; message: string }
  /** Azure cannot be asked now; nobody is let in on a guess. */
  | { kind: 'unknown'; message: string; retryAfterSeconds?: number };

export type Memberships =
  | { kind: 'known'; groupIds: ReadonlySet<string> }
  | { kind: 'unknown'; message: string; retryAfterSeconds?: number };

export interface AuthorizationCall {
  correlationId: string;
  /** Ask Azure now, whatever was answered a moment ago. */
  isFresh?: boolean;
}

/** What people may do, by their Azure role assignments. Nothing is read from a token. */
export interface Authorization {
  /** Whether this person may do all of these actions at this scope (the ARM id of a resource, group or subscription). */
  check(
    person: Pick<Person, 'objectId'>,
    scope: string,
    needed: readonly string[],
    call: AuthorizationCall,
  ): Promise<Permission>;
  /** Groups of this person that hold any role at this scope or above it, in lower case: what Azure tells of groups. */
  memberships(person: Pick<Person, 'objectId'>, scope: string, call: AuthorizationCall): Promise<Memberships>;
}

/** How long an answer holds, in seconds. A decision that is older is made anew before something is opened. */
export const authorizationHolds = 60;
