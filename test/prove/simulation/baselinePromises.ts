import type { JsonObject } from '../../../src/core/network.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { policyIdOf } from './machinePolicy.ts';
import {
  admittedBy,
  difference,
  intersection,
  isEmpty,
  matchedBy,
  sample,
  union,
  type PacketSet,
} from './packets.ts';
import { alwaysShut, noPackets, type PolicyLog } from './policyLog.ts';
import { isBaselineRule, machines, ownerOf, type Machine } from './worldModel.ts';

export interface BaselinePromises {
  /** An NSG as it is from now on. */
  changed: (
    nsgId: string,
    by: 'write' | 'edit',
    old: readonly JsonObject[],
    rules: readonly JsonObject[],
  ) => void;
  /** A policy is called applied, or is not. */
  noted: (row: Policy) => void;
  /** Whether what the newest version of its policy wants stands everywhere before this machine. */
  stands: (machine: Machine) => boolean;
  /** An administrator has touched a rule of a baseline. */
  touched: (nsgId: string) => void;
  /** All tables are lost. */
  lost: () => void;
  /** The machine is in no list any more: what stood for it stays, and what is new does not come. */
  vanished: (machine: Machine) => void;
  /** Everything that was decided or has befallen this NSG until then has had its time. */
  settled: (nsgId: string, until: number, rules: readonly JsonObject[]) => void;
  counted: { set: number; ended: number; 'put back': number };
}

/** How long a worker may go by what it has read of policies before: the patience of a step, and what is on its way then. */
const memory = 90_000;

/** What the denies of baselines refuse, whatever stands before them. */
function coveredBy(rules: readonly JsonObject[]): PacketSet {
  return rules.filter(isBaselineRule).map(matchedBy).reduce(union, noPackets);
}

/** Watches baselines by packets: what policies said when against what NSGs hold. */
export function createBaselinePromises(
  log: PolicyLog,
  now: () => number,
  violate: (promise: string, what: string) => void,
): BaselinePromises {
  const counted = { set: 0, ended: 0, 'put back': 0 };
  const touchedAt = new Map<string, number>();
  /** When an NSG last refused everything that the newest version of a machine's policy keeps out. */
  const stoodAt = new Map<string, number>();
  const standing = new Set<string>();
  const covered = new Map<string, PacketSet>();
  const vanished = new Set<string>();
  let lostAt = Infinity;
  /** What an NSG has refused since the tables were lost, by whoever still went by what had been read of them before. */
  const refusedSince = new Map<string, PacketSet>();
  const behind = (nsgId: string) => machines.filter((machine) => machine.nsgIds.includes(nsgId));
  const short = (id: string) => id.slice(id.lastIndexOf('/') + 1);
  const current = (machine: Machine) => log.since(machine, Infinity).at(-1)?.shut ?? noPackets;

  function measure(nsgId: string, machine: Machine): void {
    const key = `${nsgId} ${machine.id}`;
    const stands = isEmpty(difference(current(machine), covered.get(nsgId) ?? noPackets));
    if (stands || standing.has(key)) stoodAt.set(key, now());
    if (stands) standing.add(key);
    else standing.delete(key);
  }

  function checkTaken(nsgId: string, taken: PacketSet): void {
    for (const machine of behind(nsgId)) {
      const kept = intersection(taken, alwaysShut(log.since(machine, now() - memory)));
      if (isEmpty(kept)) continue;
      const what = `the baseline of ${short(machine.id)} in ${short(nsgId)} is taken away`;
      violate('I3', `${what}, and nobody has decided it: ${sample(kept)}`);
    }
  }

  return {
    counted,
    changed(nsgId, by, old, rules) {
      const [before, after] = [coveredBy(old), coveredBy(rules)];
      covered.set(nsgId, after);
      const hadTables = now() <= lostAt + memory / 2;
      const known = refusedSince.get(nsgId) ?? noPackets;
      if (hadTables) refusedSince.set(nsgId, now() < lostAt ? after : union(known, union(before, after)));
      for (const machine of behind(nsgId)) measure(nsgId, machine);
      const [taken, added] = [difference(before, after), difference(after, before)];
      if (by === 'edit' || (isEmpty(taken) && isEmpty(added))) return;
      // Rows that were written last may be for what somebody has taken away since: that may come back, and nothing else.
      if (!hadTables && !(isEmpty(taken) && isEmpty(difference(added, known)))) {
        violate('I3', `baselines of ${short(nsgId)} are changed although the tables are lost`);
      }
      if (!isEmpty(taken)) {
        counted.ended += 1;
        checkTaken(nsgId, taken);
      }
      if (isEmpty(added)) return;
      const changedAt = Math.max(...behind(nsgId).map(log.changedAt));
      counted[(touchedAt.get(nsgId) ?? -Infinity) > changedAt ? 'put back' : 'set'] += 1;
      touchedAt.delete(nsgId);
    },
    noted(row) {
      const machine = machines.find((one) => policyIdOf(one) === row.id);
      if (machine === undefined) return;
      const before = log.changedAt(machine);
      log.note(row, now());
      if (log.changedAt(machine) !== before) {
        for (const nsgId of machine.nsgIds) {
          standing.delete(`${nsgId} ${machine.id}`);
          stoodAt.delete(`${nsgId} ${machine.id}`);
          measure(nsgId, machine);
        }
      }
      if (row.provisioning.state !== 'succeeded' || row.isDeleted === true || vanished.has(machine.id))
        return;
      for (const nsgId of machine.nsgIds) {
        if (!stoodAt.has(`${nsgId} ${machine.id}`)) {
          violate(
            'I5',
            `the policy of ${short(machine.id)} is called applied and never was in ${short(nsgId)}`,
          );
        }
      }
    },
    stands: ({ id, nsgIds }) => nsgIds.every((nsgId) => standing.has(`${nsgId} ${id}`)),
    touched: (nsgId) => touchedAt.set(nsgId, now()),
    lost: () => {
      lostAt = now();
    },
    vanished: ({ id }) => vanished.add(id),
    settled(nsgId, until, rules) {
      if (lostAt < Infinity) return;
      const inForce = behind(nsgId).filter(
        (machine) =>
          !vanished.has(machine.id) && Math.max(log.changedAt(machine), touchedAt.get(nsgId) ?? 0) < until,
      );
      const admitted = admittedBy(rules);
      const granted = rules
        .filter((rule) => ownerOf(rule) !== undefined)
        .map(matchedBy)
        .reduce(union, noPackets);
      const there = covered.get(nsgId) ?? noPackets;
      for (const machine of inForce) {
        const wanted = current(machine);
        const letIn = difference(intersection(admitted, wanted), granted);
        const what = `${short(machine.id)} in ${short(nsgId)}`;
        if (!isEmpty(letIn)) violate('I10', `the baseline of ${what} lets in ${sample(letIn)}`);
        const own = intersection(there, allTo(machine));
        const missing = difference(wanted, own);
        if (!isEmpty(missing)) violate('I10', `the baseline of ${what} does not refuse ${sample(missing)}`);
        const excess = difference(own, wanted);
        if (!isEmpty(excess))
          violate('I10', `a baseline of ${what} that has ended refuses ${sample(excess)}`);
      }
    },
  };
}

function allTo({ address }: Machine): PacketSet {
  return matchedBy({
    properties: {
      protocol: '*',
      sourceAddressPrefix: '*',
      destinationAddressPrefix: `${address}/32`,
      destinationPortRange: '*',
    },
  });
}
