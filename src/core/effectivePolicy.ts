import type { Protocol } from './accessRequest.ts';
import { rangeOf, type AddressRange } from './address.ts';
import type { ApprovalRule } from './approval.ts';
import { canonicalJson } from './canonicalJson.ts';
import { parseDuration } from './duration.ts';
import type { Policy, PolicyConditions, PolicyPort, TimeWindow } from './policy.ts';
import { needsTags, selects, type Selectable } from './selector.ts';

/** What may be asked for on one port by one protocol, by everything that policies say of it. */
export interface EffectivePort {
  number: number;
  protocol: Protocol;
  /** Whether a policy spells this protocol: what leaves it out means one of these. */
  isNamed: boolean;
  /** Canonical prefixes in the order of their addresses, none within another; empty where policies have no source in common. */
  allowedSourceAddressPrefixes: string[];
  maximumSeconds: number;
  /** Every one must be met. */
  approval: ApprovalRule[];
  /** The shortest prefix length that may be asked for. */
  largestSource: NonNullable<PolicyConditions['largestSource']>;
  /** Access may begin where each list holds, a list where one of its windows does. */
  timeWindows: TimeWindow[][];
  /** The justification must match every one. */
  justificationPatterns: string[];
  flushConnection: boolean;
}

/** What all policies together say of one virtual machine. */
export interface EffectivePolicy {
  /** Ids of the policies behind it, in order; at least one. */
  policies: string[];
  ports: EffectivePort[];
}

/** Whether one of the policies may select this machine by its tags: they must be known to decide. */
export function dependsOnTags(policies: readonly Policy[], virtualMachineId: string): boolean {
  return policies.some(
    ({ isDeleted, entries }) =>
      isDeleted !== true && entries.some(({ selector }) => needsTags(selector, virtualMachineId)),
  );
}

/**
 * What the policies together say of a machine: of ports the union; of each port and protocol whatever is strictest of
 * every policy entry that names any of it. In whatever order they come, the result is the same.
 * Undefined if none selects it. Throws where that is a matter of tags that are not known.
 */
export function effectivePolicy(
  policies: readonly Policy[],
  machine: Selectable,
): EffectivePolicy | undefined {
  const selecting = policies
    .filter(({ isDeleted }) => isDeleted !== true)
    .map((policy) => ({
      policy,
      entries: policy.entries.filter(({ selector }) => selects(selector, machine)),
    }))
    .filter(({ entries }) => entries.length > 0);
  if (selecting.length === 0) return undefined;
  const said = selecting.flatMap(({ policy, entries }) =>
    entries.flatMap(({ ports }) => ports.map((port): Said => ({ port, conditions: policy.conditions }))),
  );
  const numbers = [...new Set(said.map(({ port }) => port.number))].sort((a, b) => a - b);
  return {
    policies: [...new Set(selecting.map(({ policy }) => policy.id))].sort(),
    ports: numbers.flatMap((number) =>
      portsOf(
        number,
        said.filter(({ port }) => port.number === number),
      ),
    ),
  };
}

/** What one entry of one policy says of a port. */
interface Said {
  port: PolicyPort;
  conditions: PolicyConditions;
}

/** One for each protocol that some entry admits; any protocol is bound by what is said of Tcp and of Udp too. */
function portsOf(number: number, said: readonly Said[]): EffectivePort[] {
  return (['*', 'Tcp', 'Udp'] as const)
    .filter((protocol) => said.some(({ port }) => port.protocol === '*' || port.protocol === protocol))
    .map((protocol) =>
      strictest(
        number,
        protocol,
        said.filter(({ port }) => [port.protocol, protocol].includes('*') || port.protocol === protocol),
      ),
    );
}

function strictest(number: number, protocol: Protocol, said: readonly Said[]): EffectivePort {
  const conditions = said.map((each) => each.conditions);
  return {
    number,
    protocol,
    isNamed: said.some(({ port }) => port.protocol === protocol),
    allowedSourceAddressPrefixes: common(said.map(({ port }) => port.allowedSourceAddressPrefixes)),
    maximumSeconds: Math.min(...said.map(({ port }) => maximumOf(port))),
    approval: distinct(conditions.flatMap(({ approval }) => approval ?? [])),
    largestSource: longest(conditions),
    timeWindows: distinct(conditions.flatMap(({ timeWindows }) => (timeWindows ? [timeWindows] : []))),
    justificationPatterns: distinct(
      conditions.flatMap(({ justificationPattern }) => justificationPattern ?? []),
    ),
    flushConnection: conditions.some(({ flushConnection }) => flushConnection === true),
  };
}

/** A maximum that cannot be read admits nothing. */
function maximumOf(port: PolicyPort): number {
  const maximum = parseDuration(port.maxRequestAccessDuration);
  return maximum.ok ? maximum.seconds : 0;
}

interface Source extends AddressRange {
  prefix: string;
}

/** What every list admits: two prefixes are apart, or one holds the other, and both admit the narrower one. */
function common(lists: readonly (readonly string[])[]): string[] {
  const [first = [], ...others] = lists.map((list) =>
    disjoint(list.map((prefix) => ({ prefix, ...rangeOf(prefix) }))),
  );
  return others
    .reduce((one, other) => disjoint(one.flatMap((a) => other.flatMap((b) => narrower(a, b)))), first)
    .map(({ prefix }) => prefix);
}

function narrower(a: Source, b: Source): Source[] {
  return holds(a, b) ? [b] : holds(b, a) ? [a] : [];
}

function holds(outer: AddressRange, inner: AddressRange): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** In the order of their addresses, without those that lie in another. */
function disjoint(sources: readonly Source[]): Source[] {
  const sorted = [...sources].sort((a, b) =>
    a.family !== b.family
      ? compare(a.family, b.family)
      : compare(a.first, b.first) || compare(b.last, a.last),
  );
  const kept: Source[] = [];
  for (const source of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !holds(last, source)) kept.push(source);
  }
  return kept;
}

function compare<Value extends string | bigint>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function longest(conditions: readonly PolicyConditions[]): EffectivePort['largestSource'] {
  const of = (family: 'IPv4' | 'IPv6') => {
    const lengths = conditions.flatMap(({ largestSource }) => largestSource?.[family] ?? []);
    return lengths.length === 0 ? {} : { [family]: Math.max(...lengths) };
  };
  return { ...of('IPv4'), ...of('IPv6') };
}

/** Each once, in an order of their own: what is said twice is one demand. */
function distinct<Value>(values: readonly Value[]): Value[] {
  const byText = new Map(values.map((value) => [canonicalJson(value), value]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
