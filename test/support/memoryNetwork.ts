import type { Clock } from '../../src/core/clock.ts';
import type {
  CallOptions,
  Json,
  JsonObject,
  Network,
  NsgDocument,
  ReadNsgResult,
  ResolveRefusal,
  VirtualMachineNetwork,
  WriteNsgResult,
} from '../../src/core/network.ts';
import type { WriteCall, WriteFault } from '../contracts/network.ts';

/** What Azure may do instead of, or besides, what it was asked for. */
export type MemoryFault =
  /** Reads and writes: not done. */
  | { kind: 'unknown' }
  | { kind: 'throttled'; retryAfterSeconds?: number }
  | { kind: 'not-permitted'; code?: string }
  /** Writes, not done. */
  | { kind: 'changed-meanwhile' }
  | { kind: 'locked'; retryAfterSeconds?: number }
  | { kind: 'refused'; code?: string }
  /** Writes, done, although the answer does not say so. */
  | { kind: 'unknown-after-commit' }
  | { kind: 'superseded' }
  /** Written, but the operation fails and leaves the NSG in `Failed`. */
  | { kind: 'operation-failed' };

/** The same faults by the names that every network's contract uses. */
export const memoryFaults: Record<WriteFault, MemoryFault> = {
  superseded: { kind: 'superseded' },
  'operation-failed': { kind: 'operation-failed' },
  'reset-after-commit': { kind: 'unknown-after-commit' },
  'server-error': { kind: 'unknown' },
  'changed-meanwhile': { kind: 'changed-meanwhile' },
  locked: { kind: 'locked' },
  throttled: { kind: 'throttled' },
  forbidden: { kind: 'not-permitted' },
  'scope-locked': { kind: 'not-permitted', code: 'ScopeLocked' },
  policy: { kind: 'not-permitted', code: 'RequestDisallowedByPolicy' },
  refused: { kind: 'refused', code: 'InvalidRequestFormat' },
};

/** The memory's names of the writes that every network's contract speaks of. */
export const memoryWrites: Record<WriteCall, MemoryCall['method']> = {
  nsg: 'write',
  'rule-delete': 'deleteRule',
  'rule-write': 'writeRule',
};

export interface MemoryCall {
  method: 'resolve' | 'read' | 'write' | 'deleteRule' | 'writeRule';
  /** The NSG's or the virtual machine's id, as it was given. */
  id: string;
  correlationId: string;
}

// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- most have nothing to say
export type Happening = MemoryFault | undefined | void;

export interface MemoryNetworkOptions {
  clock: Clock;
  /** From the acceptance of a write to the end of its operation; 0 settles at once. */
  operationMilliseconds?: number;
  /**
   * Awaited before each call is looked at: the place for somebody else's edit in between. A fault that it gives is what
   * happens to the call.
   */
  before?: (call: MemoryCall) => Happening | Promise<Happening>;
  /** Told of each change of an NSG's content, at the moment at which it has it, and whose it was. */
  changed?: (id: string, by: 'write' | 'edit') => void;
}

/** What an edit of somebody else leaves running, as an operation that takes its time. */
export interface EditOperation {
  milliseconds: number;
  ends: 'Succeeded' | 'Failed';
}

/** A Network in memory that misbehaves as Azure does, and the hands to make it. */
export interface MemoryNetwork extends Network {
  /** Adds or replaces an NSG, settled. */
  addNsg(id: string, body: JsonObject): void;
  /** Changes an NSG as somebody else would: at once and under a new etag, settled if no operation is left running. */
  edit(id: string, change: (body: JsonObject) => JsonObject, operation?: EditOperation): void;
  removeNsg(id: string): void;
  /** The NSG as a read would show it now; it cannot be changed. */
  nsg(id: string): JsonObject | undefined;
  /** Every NSG as a list would show it now. */
  documents(): NsgDocument[];
  /** Every virtual machine that resolves. */
  machines(): VirtualMachineNetwork[];
  removeVirtualMachine(id: string): void;
  addVirtualMachine(network: VirtualMachineNetwork | (ResolveRefusal & { virtualMachineId: string })): void;
  /** Hits the next `times` calls of the method; faults are taken in the order in which they were added. */
  fail(method: MemoryCall['method'], fault: MemoryFault, times?: number): void;
  /** Forgets the faults that have not hit yet. */
  clearFaults(): void;
  /** Every call that was not too late, in order. */
  readonly calls: MemoryCall[];
}

interface Stored {
  body: JsonObject;
  /** Counts writes: an operation that is not the last one was superseded. */
  version: number;
}

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const { clock, operationMilliseconds = 0 } = options;
  const nsgs = new Map<string, Stored>();
  const machines = new Map<string, VirtualMachineNetwork | ResolveRefusal>();
  const faults: { method: MemoryCall['method']; fault: MemoryFault }[] = [];
  const calls: MemoryCall[] = [];
  let etags = 0;

  const key = (id: string) => id.toLowerCase();
  const late = ({ notAfter }: CallOptions) => notAfter !== undefined && clock.now() > notAfter;

  function show(body: JsonObject, provisioningState: string): JsonObject {
    etags += 1;
    const etag = `W/"00000000-0000-0000-0000-${String(etags).padStart(12, '0')}"`;
    const properties = asObject(body['properties']);
    const rules = Array.isArray(properties['securityRules']) ? properties['securityRules'] : [];
    const securityRules = rules.map((rule) => showRule(asObject(rule), etag, provisioningState));
    return frozenCopy({ ...body, etag, properties: { ...properties, provisioningState, securityRules } });
  }

  async function arrive(method: MemoryCall['method'], id: string, call: CallOptions) {
    const entry = { method, id, correlationId: call.correlationId };
    const happening = await options.before?.(entry);
    if (late(call)) return 'too-late';
    calls.push(entry);
    if (happening !== undefined) return happening;
    const index = faults.findIndex((planned) => planned.method === method);
    return index === -1 ? undefined : faults.splice(index, 1)[0]?.fault;
  }

  function document(id: string): NsgDocument {
    const stored = nsgs.get(key(id));
    if (!stored) throw new Error(`There is no ${id}.`);
    const { body } = stored;
    return { id, etag: textOf(body, 'etag'), provisioningState: stateOf(body), body };
  }

  async function readNsg(id: string, call: CallOptions): Promise<ReadNsgResult> {
    const fault = await arrive('read', id, call);
    if (fault === 'too-late') return { kind: 'unknown', message: 'It was too late to read.' };
    if (fault) return faultyRead(fault);
    if (!nsgs.has(key(id))) return { kind: 'not-found', message: `The resource ${id} was not found.` };
    return { kind: 'read', nsg: document(id) };
  }

  const writeNsg: Network['writeNsg'] = async (nsg, wanted, call) => {
    const fault = await arrive('write', nsg.id, call);
    if (fault === 'too-late') return { kind: 'too-late' };
    const refusal = fault && faultyWrite(fault);
    if (refusal) return refusal;
    const stored = nsgs.get(key(nsg.id));
    // Also where there is none: a precondition on something that is not there does not hold.
    if (!stored || textOf(stored.body, 'etag') !== nsg.etag) return { kind: 'changed-meanwhile' };
    const conflict = conflictOf(wanted);
    if (conflict !== undefined) {
      return { kind: 'refused', code: 'SecurityRuleConflict', message: conflict };
    }
    const kept = readOnlyOf(stored.body);
    const properties = { ...asObject(wanted['properties']), ...kept.properties };
    return commit(stored, { ...wanted, ...kept.top, properties }, fault);
  };

  /** Takes new content at once, and lets its operation end later or badly. */
  async function commit(
    stored: Stored,
    body: JsonObject,
    fault: MemoryFault | undefined,
  ): Promise<WriteNsgResult> {
    stored.version += 1;
    const { version } = stored;
    stored.body = show(body, 'Updating');
    options.changed?.(textOf(body, 'id'), 'write');

    const settle = async (): Promise<WriteNsgResult> => {
      await clock.sleep(operationMilliseconds);
      if (stored.version !== version) return superseded();
      stored.body = show(stored.body, fault?.kind === 'operation-failed' ? 'Failed' : 'Succeeded');
      return fault?.kind === 'operation-failed'
        ? { kind: 'unknown', message: 'An error occurred.' }
        : { kind: 'settled' };
    };
    if (fault?.kind === 'unknown-after-commit') {
      void settle();
      return { kind: 'unknown', message: 'read ECONNRESET' };
    }
    const result = await settle();
    return fault?.kind === 'superseded' ? superseded() : result;
  }

  /** Puts a rule into the place of the one of its name, or takes that away; no precondition. */
  async function changeRule(
    method: 'deleteRule' | 'writeRule',
    nsgId: string,
    name: string,
    rule: JsonObject | undefined,
    call: CallOptions,
  ): Promise<WriteNsgResult> {
    if (!/^\w[\w.-]*$/.test(name)) return { kind: 'not-found', message: 'This is no name of a rule.' };
    const fault = await arrive(method, nsgId, call);
    if (fault === 'too-late') return { kind: 'too-late' };
    const refusal = fault && faultyWrite(fault);
    if (refusal) return refusal;
    const stored = nsgs.get(key(nsgId));
    if (!stored) return { kind: 'not-found', message: `The resource ${nsgId} was not found.` };
    const properties = asObject(stored.body['properties']);
    const rules = Array.isArray(properties['securityRules']) ? properties['securityRules'] : [];
    const isThis = (other: Json) => textOf(asObject(other), 'name').toLowerCase() === name.toLowerCase();
    if (rule === undefined && !rules.some(isThis)) return { kind: 'settled' };
    const place = rules.some(isThis) ? rules.findIndex(isThis) : rules.length;
    const securityRules = rules.toSpliced(place, 1, ...(rule === undefined ? [] : [rule]));
    const body = { ...stored.body, properties: { ...properties, securityRules } };
    const conflict = conflictOf(body);
    if (conflict !== undefined) return { kind: 'refused', code: 'SecurityRuleConflict', message: conflict };
    return commit(stored, body, fault);
  }

  return {
    calls,
    readNsg,
    writeNsg,
    deleteRule: (nsg, name, call) => changeRule('deleteRule', nsg.id, name, undefined, call),
    writeRule: (nsg, rule, call) => changeRule('writeRule', nsg.id, textOf(rule, 'name'), rule, call),
    async resolveVirtualMachine(id, call) {
      const fault = await arrive('resolve', id, call);
      if (fault === 'too-late') throw new Error('It was too late to resolve.');
      if (fault?.kind === 'throttled') {
        return { refused: 'throttled', message: 'Too many requests.', retryAfterSeconds: seconds(fault, 10) };
      }
      if (fault?.kind === 'not-permitted') return { refused: 'not-permitted', message: 'No right to read.' };
      if (fault) throw new Error('Azure gave no usable answer.');
      const machine = machines.get(key(id));
      if (!machine) return { refused: 'vm-not-found', message: `There is no ${id}.` };
      if ('refused' in machine) return structuredClone(machine);
      return { tags: {}, ...structuredClone(machine), nsgs: machine.nsgIds.map(document) };
    },
    addNsg(id, body) {
      nsgs.set(key(id), { body: show({ ...structuredClone(body), id }, 'Succeeded'), version: 0 });
    },
    edit(id, change, operation) {
      const stored = nsgs.get(key(id));
      if (!stored) throw new Error(`There is no ${id}.`);
      stored.version += 1;
      const { version } = stored;
      stored.body = show(change(structuredClone(stored.body)), operation ? 'Updating' : 'Succeeded');
      options.changed?.(id, 'edit');
      if (!operation) return;
      void clock.sleep(operation.milliseconds).then(() => {
        if (stored.version === version) stored.body = show(stored.body, operation.ends);
      });
    },
    removeNsg(id) {
      nsgs.delete(key(id));
    },
    nsg(id) {
      return nsgs.get(key(id))?.body;
    },
    documents: () => [...nsgs.values()].map(({ body }) => document(textOf(body, 'id'))),
    machines: () =>
      [...machines.values()].filter((machine): machine is VirtualMachineNetwork => !('refused' in machine)),
    removeVirtualMachine(id) {
      machines.delete(key(id));
    },
    addVirtualMachine(network) {
      machines.set(key(network.virtualMachineId), network);
    },
    clearFaults() {
      faults.length = 0;
    },
    fail(method, fault, times = 1) {
      for (let count = 0; count < times; count += 1) faults.push({ method, fault });
    },
  };
}

/** As Azure shows a rule: with the NSG's etag and state, and the four plural fields whether used or not. */
function showRule(rule: JsonObject, etag: string, provisioningState: string): JsonObject {
  const properties = asObject(rule['properties']);
  return {
    ...rule,
    etag,
    properties: {
      sourcePortRanges: [],
      destinationPortRanges: [],
      sourceAddressPrefixes: [],
      destinationAddressPrefixes: [],
      ...properties,
      provisioningState,
    },
  };
}

/** A copy that everybody may share, for nobody can change it; an NSG is read far more often than written. */
function frozenCopy(value: JsonObject): JsonObject;
function frozenCopy(value: Json): Json;
function frozenCopy(value: Json): Json {
  if (typeof value !== 'object' || value === null || frozenCopies.has(value)) return value;
  const copy = Array.isArray(value)
    ? value.map((item) => frozenCopy(item))
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, frozenCopy(inner)]));
  frozenCopies.add(copy);
  Object.freeze(copy);
  return copy;
}

const frozenCopies = new WeakSet();

/** What a PUT cannot change, whatever its body says. */
function readOnlyOf(body: JsonObject): { top: JsonObject; properties: JsonObject } {
  const pick = (from: JsonObject, names: string[]): JsonObject =>
    Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name] ?? null]] : [])));
  const properties = ['resourceGuid', 'defaultSecurityRules', 'networkInterfaces', 'subnets', 'flowLogs'];
  return {
    top: pick(body, ['id', 'name', 'type', 'location']),
    properties: pick(asObject(body['properties']), properties),
  };
}

function conflictOf(body: JsonObject): string | undefined {
  const rules = asObject(body['properties'])['securityRules'];
  const taken = new Set<string>();
  for (const rule of Array.isArray(rules) ? rules : []) {
    const { direction, priority } = asObject(asObject(rule)['properties'] ?? null);
    const slot = JSON.stringify([direction, priority]);
    if (taken.has(slot)) return `Two rules have the direction and priority ${slot}.`;
    taken.add(slot);
  }
  return undefined;
}

function faultyRead(fault: MemoryFault): ReadNsgResult {
  if (fault.kind === 'throttled') {
    return { kind: 'throttled', retryAfterSeconds: seconds(fault, 10), message: 'Too many requests.' };
  }
  if (fault.kind === 'not-permitted') return { kind: 'not-permitted', message: 'No right to read.' };
  return { kind: 'unknown', message: 'Azure did not answer.' };
}

/** Undefined for the faults of a write that is done. */
function faultyWrite(fault: MemoryFault): WriteNsgResult | undefined {
  switch (fault.kind) {
    case 'unknown':
      return { kind: 'unknown', message: 'Azure did not answer.' };
    case 'changed-meanwhile':
      return { kind: 'changed-meanwhile' };
    case 'throttled':
      return { kind: 'throttled', retryAfterSeconds: seconds(fault, 10), message: 'Too many requests.' };
    case 'locked':
      return { kind: 'locked', retryAfterSeconds: seconds(fault, 14), message: 'Another operation runs.' };
    case 'not-permitted':
      return {
        kind: 'not-permitted',
        code: fault.code ?? 'AuthorizationFailed',
        message: 'No right to write.',
      };
    case 'refused':
      return { kind: 'refused', code: fault.code ?? 'InvalidRequestFormat', message: 'Not accepted.' };
    case 'unknown-after-commit':
    case 'superseded':
    case 'operation-failed':
      return undefined;
  }
}

function superseded(): WriteNsgResult {
  return { kind: 'unknown', message: 'Operation was canceled and superseded by another operation.' };
}

function seconds(fault: { retryAfterSeconds?: number }, otherwise: number): number {
  return fault.retryAfterSeconds ?? otherwise;
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function textOf(body: JsonObject, name: string): string {
  const value = body[name];
  return typeof value === 'string' ? value : '';
}

function stateOf(body: JsonObject): string {
  return textOf(asObject(body['properties']), 'provisioningState');
}
