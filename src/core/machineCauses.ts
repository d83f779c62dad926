import type { BaselineCause } from './baseline.ts';
import type { Reason } from './reason.ts';
import type { MachinePlace } from './machinePlace.ts';
import type { Policy } from './policy.ts';
import { canonicalId } from './resourceId.ts';
import { selects } from './selector.ts';

/** Something that keeps a policy from protecting a machine, or that is to be told of it. */
export interface BaselineProblem {
  policyId: string;
  virtualMachineId: string;
  reason: Reason;
}

export interface MachineCauses {
  causes: BaselineCause[];
  problems: BaselineProblem[];
}

/** What is known when it is asked which policies want a machine shut. */
export interface MachineFacts {
  virtualMachineId: string;
  place: MachinePlace;
  /** What its rows say was wanted so far. */
  former: readonly BaselineCause[];
}

/**
 * Which policies want a machine shut from now on, and what they want. What was wanted before ends only by a decision that
 * is recorded in a policy: it is deleted, sets no baseline any more, does not name the machine any more, or an administrator
 * has released the machine. Whoever has merely left a selector, or is gone, or cannot be seen, keeps what it had.
 *
 * `policies` holds those that are deleted too, as far as `former` speaks of them: a policy that is not there at all is not
 * known to be deleted.
 */
export function machineCauses(
  policies: readonly Policy[],
  { virtualMachineId, place, former }: MachineFacts,
  now: Date,
): MachineCauses {
  const found: MachineCauses = { causes: [], problems: [] };
  const known = new Set(policies.map(({ id }) => canonicalId(id)));
  found.causes.push(...former.filter(({ policyId }) => !known.has(canonicalId(policyId))));
  for (const policy of policies) {
    if (policy.isDeleted === true || policy.baseline.kind === 'none') continue;
    const before = former.find(({ policyId }) => isSame(policyId, policy.id));
    const tell = (reason: Reason) => found.problems.push({ policyId: policy.id, virtualMachineId, reason });
    const isNamed = names(policy, virtualMachineId);
    const wanted = place.kind === 'there' ? wantedBy(policy, place, isNamed) : undefined;
    if (wanted !== undefined) {
      found.causes.push(
        isReleased(policy, virtualMachineId)
          ? wanted
          : withLeftPorts(wanted, { before, virtualMachineId, policy, now }),
      );
      continue;
    }
    if (before === undefined) {
      if (isNamed) tell(missing(virtualMachineId, place));
      continue;
    }
    if (place.kind === 'unknown') {
      found.causes.push(before);
      if (before.version !== policy.version || isReleased(policy, virtualMachineId)) {
        tell(missing(virtualMachineId, place));
      }
      continue;
    }
    if (isReleased(policy, virtualMachineId)) continue;
    if (!isNamed && isDecided(policy, before)) continue;
    const told = policy.left?.find((one) => isSame(one.virtualMachineId, virtualMachineId));
    found.causes.push({ ...before, leftAt: told?.at ?? before.leftAt ?? now.toISOString() });
  }
  found.causes.sort((a, b) => (a.policyId < b.policyId ? -1 : a.policyId > b.policyId ? 1 : 0));
  return found;
}

/** What a policy wants of a machine that it selects now. */
function wantedBy(
  policy: Policy,
  { machine: { id, tags = {} } }: Extract<MachinePlace, { kind: 'there' }>,
  isNamed: boolean,
): BaselineCause | undefined {
  const selecting = policy.entries.filter(({ selector }) => selects(selector, { id, tags }));
  const ports = risingPorts(selecting.flatMap((entry) => entry.ports));
  if (ports.length === 0) return undefined;
  return {
    policyId: policy.id,
    version: policy.version,
    ports,
    source: policy.baseline,
    ...(isNamed ? { isNamed } : {}),
  };
}

/** Each port once, by number and protocol. */
function risingPorts(ports: BaselineCause['ports']): BaselineCause['ports'] {
  const byKey = new Map(
    ports.map(({ number, protocol }) => [
      `${String(number).padStart(5, '0')} ${protocol}`,
      { number, protocol },
    ]),
  );
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port);
}

/**
 * With the ports that the policy wants of whoever carries a tag or lies in a scope, and that this machine had by that: it is
 * selected by another entry still, and has left that one as it could have left the whole policy.
 */
function withLeftPorts(
  wanted: BaselineCause,
  {
    before,
    virtualMachineId,
    policy,
    now,
  }: { before: BaselineCause | undefined; virtualMachineId: string; policy: Policy; now: Date },
): BaselineCause {
  const byScope = policy.entries.flatMap(({ selector, ports }) => ('scopes' in selector ? ports : []));
  const isIn = (list: BaselineCause['ports'], port: BaselineCause['ports'][number]) =>
    list.some(({ number, protocol }) => number === port.number && protocol === port.protocol);
  const left = (before?.ports ?? []).filter((port) => !isIn(wanted.ports, port) && isIn(byScope, port));
  if (left.length === 0) return wanted;
  const told = policy.left?.find((one) => isSame(one.virtualMachineId, virtualMachineId));
  return {
    ...wanted,
    ports: risingPorts([...wanted.ports, ...left]),
    leftAt: told?.at ?? before?.leftAt ?? now.toISOString(),
  };
}

/** Whether somebody has decided that the policy, which does not want this machine any more, is not about it. */
function isDecided(policy: Policy, before: BaselineCause): boolean {
  if (before.isNamed === true) return true;
  return before.version !== policy.version && policy.entries.every(({ selector }) => !('scopes' in selector));
}

function names({ entries }: Policy, virtualMachineId: string): boolean {
  return entries.some(
    ({ selector }) =>
      'virtualMachineIds' in selector &&
      selector.virtualMachineIds.some((id) => isSame(id, virtualMachineId)),
  );
}

function isReleased({ released = [] }: Policy, virtualMachineId: string): boolean {
  return released.some((id) => isSame(id, virtualMachineId));
}

function isSame(a: string, b: string): boolean {
  return canonicalId(a) === canonicalId(b);
}

function missing(virtualMachineId: string, { kind }: MachinePlace): Reason {
  return kind === 'unknown'
    ? { code: 'not-settled', message: `${virtualMachineId} could not be looked up; it is tried again.` }
    : { code: 'vm-not-found', message: `There is no virtual machine ${virtualMachineId}.` };
}
