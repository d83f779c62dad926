import type { JsonObject } from './network.ts';
import type { Approval } from './approval.ts';
import type { Decision, Reason } from './reason.ts';

export const protocols = ['Tcp', 'Udp', '*'] as const;
/** As Azure spells it in a security rule; `*` is any. */
export type Protocol = (typeof protocols)[number];

export const requestStates = [
  'pending',
  'scheduled',
  'opening',
  'active',
  'closing',
  'closed',
  'denied',
  'expired',
  'failed',
] as const;
export type RequestState = (typeof requestStates)[number];

export const finalStates: ReadonlySet<RequestState> = new Set(['closed', 'denied', 'expired', 'failed']);

/** Somebody with a verified token. */
export interface Person {
  /** Object id in the tenant: what identifies them. */
  objectId: string;
  tenantId: string;
  /** For people to read; never compared. */
  displayName: string;
}

export interface RequestedPort {
  number: number;
  protocol: Protocol;
  /** Canonical prefixes, one per address range; never empty. */
  allowedSourceAddressPrefixes: string[];
}

export interface RequestedVirtualMachine {
  /** ARM id as the caller wrote it. */
  id: string;
  ports: RequestedPort[];
}

/**
 * What one grant admits through one NSG, as a cross product: every source × every destination × every port.
 * All prefixes of a box are of one address family.
 */
export interface Box {
  protocol: Protocol;
  sourceAddressPrefixes: string[];
  destinationAddressPrefixes: string[];
  destinationPorts: number[];
}

/** What a request wants of one NSG on the path. */
export interface NsgTarget {
  nsgId: string;
  boxes: Box[];
  accepted?: AcceptedRules;
}

/**
 * Rules that somebody has deleted or narrowed after they were read back: number of the rule → its form as accepted, which
 * is the desired form from then on. `absent`, or the properties of the rule as Azure showed them.
 */
export type AcceptedRules = Record<string, 'absent' | JsonObject>;

/** A virtual machine as it was found when the request was granted: what moves or changes ends the grant. */
export interface FoundVirtualMachine {
  virtualMachineId: string;
  /** Azure's own id of this very machine: one that was made anew under the same name has another. */
  vmId?: string;
  networkInterfaceId: string;
  /** Its private addresses, those that the grant speaks of among them. */
  addresses: string[];
  /** The NSGs before it. */
  nsgIds: string[];
}

/** What happens within a state. */
export const requestEvents = [
  'orchestration-restarted',
  /** One person's yes; the last that was needed is followed by the next state. */
  'approved',
  'extension-requested',
  'extension-approved',
  'extension-denied',
  'extension-expired',
  'extended',
  /** It ends in a few minutes. */
  'ending-soon',
  /** Somebody else has looked at why approval was skipped. */
  'break-glass-reviewed',
] as const;
export type RequestEvent = (typeof requestEvents)[number];

/** An extension that waits for approval; the grant goes on to its end meanwhile. */
export interface Extension {
  /** The end that is asked for, ISO 8601. */
  end: string;
  justification: string;
  requestedAt: string;
  approval: Approval;
}

/** A request that skipped approval. Somebody else must look at it afterwards. */
export interface BreakGlass {
  reviewed?: { by: Person; at: string; comment: string };
}

/**
 * One entry of a request's journal. The journal is the truth of what happened; the audit is made from it, entry by
 * entry and under the entry's number, so that each transition gets exactly one record whatever is retried or killed.
 */
export interface JournalEntry {
  /** 1, 2, 3 …: also the sequence number of its audit record. */
  number: number;
  /** The state entered, or what happened within a state. */
  event: RequestState | RequestEvent;
  /** ISO 8601 instant of the change. */
  at: string;
  /** `sallyport`, `sweep`, or the object id of a person. */
  actor: string;
  reasons: Reason[];
  /** Who could newly reach what, or no longer, as read back: sentences. */
  changes?: string[];
  /** It was not seen when it happened, at `at` or earlier: when it was seen, ISO 8601. */
  observedAt?: string;
  /** Of the call that asked for it, where that is not the request's own. */
  correlationId?: string;
  /** What a person said with it: why more time is needed, why it ends early, why it was decided so. */
  comment?: string;
  /** Of a person who is not the requester: their name, for people to read. */
  actorName?: string;
  /** Who calls again with the same Idempotency-Key is answered by this entry. */
  call?: IdempotentCall;
}

/** A call that carried an Idempotency-Key. */
export interface IdempotentCall {
  /** Hash of the person and the key, 32 lower-case hexadecimal digits. */
  key: string;
  /** SHA-256 of the canonical body. */
  bodyHash: string;
}

/** The row of a request: the truth of its life, changed by ETag only. */
export interface AccessRequest {
  /** 32 lower-case hexadecimal digits. */
  id: string;
  state: RequestState;
  /** Grows by one with each change that reconcile must see; copied to the live rows. */
  version: number;
  requester: Person;
  virtualMachines: RequestedVirtualMachine[];
  targets: NsgTarget[];
  /** What the addresses in the boxes were found at; missing in rows of earlier versions. */
  found?: FoundVirtualMachine[];
  /** ISO 8601 duration as granted. */
  duration: string;
  justification: string;
  /** ISO 8601 instants. */
  requestedAt: string;
  start: string;
  end: string;
  /** When it was asked to begin, ISO 8601; absent where that is at once. */
  chosenStart?: string;
  /** The very end that was asked for, ISO 8601; absent where it comes of the duration. */
  chosenEnd?: string;
  decision: Decision;
  /** What it waits for or has got, where a policy wants people to approve. */
  approval?: Approval;
  breakGlass?: BreakGlass;
  extension?: Extension;
  /** When Azure last said that the requester may, ISO 8601; asked again before something is opened if that is old. */
  authorizedAt?: string;
  /** A policy wants flows that are established cut at the end. */
  flushConnection?: true;
  /** Where `closing` leads to. */
  outcome: 'closed' | 'failed';
  /** Why it ended or is ending. */
  reason?: Reason;
  /** An opening before which nothing was written yet: when it was last seen to wait, ISO 8601, and what for if it still does. */
  waiting?: { at: string; reason?: Reason };
  /** Of a grant never seen active: only a read after this instant, ISO 8601, says that it is closed. */
  conclusiveAfter?: string;
  correlationId: string;
  /** The orchestration instance that rings go to. */
  instance: string;
  /** When the next step is due, ISO 8601: the sweep acts when it has passed by far. */
  nextDue: string;
  journal: JournalEntry[];
  /** Number of the last journal entry whose audit record is known to be there. */
  recorded: number;
  /** Hash of the body that made it, for a repeated Idempotency-Key. */
  bodyHash: string;
}

/**
 * One grant as its NSG was last read back with it. It saves reading the NSG again, and tells "deleted by somebody" from
 * "never written". It is evidence and no wish: losing it costs reads, and opens nothing.
 */
export interface SeenGrant {
  /** Version of the live row that was read together with it. */
  version: number;
  /** When the NSG was asked for, ISO 8601: what somebody did to it before is in what was read. */
  readAt: string;
  /** `open`: every rule is there, as desired and settled. `shut`: it is over, and no rule of it that may admit is left. */
  state: 'open' | 'shut';
  /** While open: number of the rule → hash of its canonical meaning as read back. */
  rules: Record<string, string>;
  /** Who could newly reach what since the NSG was read before, or no longer: sentences for the audit. */
  changes: string[];
  /** Shut, and its rules were gone already when the NSG was first read: nobody here saw them go. */
  goneBefore?: true | undefined;
  /** Shut, of a grant that wants established flows cut: whether they were; left out where nobody saw it. */
  flows?: 'cut' | 'not-cut' | undefined;
}

/** What reconcile reads: one per grant and NSG. */
export interface LiveRow {
  nsgId: string;
  requestId: string;
  version: number;
  state: RequestState;
  start: string;
  end: string;
  boxes: Box[];
  accepted?: AcceptedRules;
  /** Flows that are established are to be cut with its end; of the whole NSG. */
  flushConnection?: true;
  seen?: SeenGrant;
}

/** Whether a grant is under way: its rules may be wanted, if its time has come and is not over. */
export function isRunning({ state }: Pick<LiveRow, 'state'>): boolean {
  return state === 'opening' || state === 'active';
}

/**
 * Whether a row is desired at an instant: the state decides, the clock only takes away. What was seen open has begun,
 * whatever a clock that lags behind says: else its worker would shut somebody's grant for nobody to open again.
 */
export function isDesired(row: Pick<LiveRow, 'state' | 'start' | 'end'>, now: Date): boolean {
  return (
    (row.state === 'active' || (row.state === 'opening' && Date.parse(row.start) <= now.getTime())) &&
    now.getTime() < Date.parse(row.end)
  );
}
