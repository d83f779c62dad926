/**
 * What Sallyport asks of Azure's network. NSG documents are raw JSON: what we do not know must survive the round
 * trip, and the SDK's typed models drop unknown properties.
 */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export interface JsonObject {
  [key: string]: Json;
}

/** A network security group as it was read. */
export interface NsgDocument {
  id: string;
  etag: string;
  /** Unknown values are kept as they are; only `Succeeded` counts as settled. */
  provisioningState: string;
  /** The whole body, untouched. */
  body: JsonObject;
}

/** Whether an operation on the NSG is under way: a write would cancel it. */
export function isInProgress({ provisioningState }: Pick<NsgDocument, 'provisioningState'>): boolean {
  return provisioningState === 'Updating' || provisioningState === 'Deleting';
}

/** One address of a virtual machine's primary network interface. */
export interface VirtualMachineAddress {
  family: 'IPv4' | 'IPv6';
  address: string;
}

/** The way of inbound traffic to a virtual machine's primary network interface. */
export interface VirtualMachineNetwork {
  virtualMachineId: string;
  /** Azure's own id of this very machine; one that is made anew under the same name gets another. */
  vmId?: string;
  /** Name → value. */
  tags?: Record<string, string>;
  osType?: 'Windows' | 'Linux';
  networkInterfaceId: string;
  /** Of the primary IP configuration. */
  subnetId?: string;
  /** The primary IP configuration's address and, dual stack, the first of the other family. */
  addresses: VirtualMachineAddress[];
  /** The subnet's NSG, then the network interface's; at least one. */
  nsgIds: string[];
}

/** The same with the NSGs as they were read on the way, in the order of `nsgIds`. */
export interface ResolvedVirtualMachine extends VirtualMachineNetwork {
  nsgs: NsgDocument[];
  tags: Record<string, string>;
}

/** Expected refusals of resolving a virtual machine; the caller turns them into decisions. */
export type ResolveRefusal = {
  refused:
    | 'vm-not-found'
    | 'vm-not-supported'
    | 'no-network-security-group'
    | 'address-not-unique'
    | 'not-permitted'
    | 'throttled';
  message: string;
  retryAfterSeconds?: number;
  /** Of the virtual machine, where it was read before. */
  tags?: Record<string, string>;
};

export type ReadNsgResult =
  | { kind: 'read'; nsg: NsgDocument }
  | { kind: 'not-found'; message: string }
  | { kind: 'not-permitted'; message: string }
  | { kind: 'throttled'; retryAfterSeconds: number; message: string }
  /** A timeout, a reset, a 5xx: read again. */
  | { kind: 'unknown'; message: string };

/**
 * How one write of an NSG, or of one of its rules, went. `settled` says no more than that the operation ended, never
 * that the content is as wanted: the caller reads back.
 */
export type WriteNsgResult =
  | { kind: 'settled' }
  /** Not sent: `notAfter` had passed. */
  | { kind: 'too-late' }
  /** 412: somebody wrote in between. */
  | { kind: 'changed-meanwhile' }
  /** Canceled and superseded, timed out, reset after sending, 5xx: may or may not have been written. */
  | { kind: 'unknown'; message: string }
  /** 429 because another operation holds the parent: try again soon, it is no quota. */
  | { kind: 'locked'; retryAfterSeconds: number; message: string }
  /** 429 of a quota. */
  | { kind: 'throttled'; retryAfterSeconds: number; message: string }
  | { kind: 'not-found'; message: string }
  | { kind: 'not-permitted'; code: string; message: string }
  /** Another 4xx, or the operation failed: trying the same again cannot cure it. */
  | { kind: 'refused'; code: string; message: string };

export interface CallOptions {
  /** Sent as x-ms-correlation-request-id. */
  correlationId: string;
  /** No request is sent after this instant; following an accepted write to its end is not bound by it. */
  notAfter?: Date;
}

export interface Network {
  /** Throws when Azure gave no usable answer in time: that refuses nobody, it is asked again later. */
  resolveVirtualMachine(
    virtualMachineId: string,
    options: CallOptions,
  ): Promise<ResolvedVirtualMachine | ResolveRefusal>;
  readNsg(nsgId: string, options: CallOptions): Promise<ReadNsgResult>;
  /** Writes the whole NSG once with If-Match and follows the operation to its end. Never repeats the write. */
  writeNsg(nsg: NsgDocument, body: JsonObject, options: CallOptions): Promise<WriteNsgResult>;
  /**
   * Deletes the one rule of this name and follows the operation to its end; `settled` where there is none. Never repeated.
   * There is no precondition: whoever calls must be right whatever was written since the NSG was read.
   */
  deleteRule(nsg: NsgDocument, ruleName: string, options: CallOptions): Promise<WriteNsgResult>;
  /** Replaces the one rule of this rule's name, or makes it; in all else as `deleteRule`. */
  writeRule(nsg: NsgDocument, rule: JsonObject, options: CallOptions): Promise<WriteNsgResult>;
}
