import type { BaselineSource, Policy } from '../../../src/core/policy.ts';
import { difference, intersection, isEmpty, packetsOf, union, type PacketSet } from './packets.ts';
import { policyIdOf } from './machinePolicy.ts';
import { machines, type Machine } from './worldModel.ts';

/** What the policy of one machine said from an instant on. */
interface Said {
  /** Milliseconds since 1970. */
  at: number;
  /** How many people must approve. */
  approvers: number;
  ports: readonly number[];
  /** What its baseline keeps out. */
  shut: PacketSet;
}

/** What the policies of a world said when: from their rows as they were written, by arithmetic of its own. */
export interface PolicyLog {
  /** A row as it is from now on. */
  note: (row: Policy, at: number) => void;
  /** A machine has lost the tag by which its policy selects it. */
  untagged: (machine: Machine) => void;
  /** What was said of a machine at any time since then, the newest last. */
  since: (machine: Machine, from: number) => Said[];
  /** When the newest of it was said. */
  changedAt: (machine: Machine) => number;
  /** How many versions a policy had since the log began. */
  versions: (machine: Machine) => number;
}

const nothing = packetsOf({ source: '192.0.2.1/32', destination: '192.0.2.1/32', port: 1, protocol: 'Tcp' });

export function createPolicyLog(): PolicyLog {
  const said = new Map<string, Said[]>();
  const stamps = new Map<string, string>();
  const counted = new Map<string, number>();
  const away = new Set<string>();
  const latest = (id: string) => said.get(id)?.at(-1);

  return {
    note(row, at) {
      const machine = machines.find((one) => policyIdOf(one) === row.id);
      if (machine === undefined) return;
      const { id } = machine;
      const stamp = `${row.version} ${row.changedAt}`;
      if (stamps.get(id) === stamp) return;
      counted.set(id, (counted.get(id) ?? -1) + 1);
      stamps.set(id, stamp);
      const isGone = row.isDeleted === true;
      const ports = isGone ? [] : row.entries.flatMap((entry) => entry.ports.map(({ number }) => number));
      const before = latest(id)?.shut ?? nothing;
      const isReleased = (row.released ?? []).length > 0;
      const isLeft = away.has(id) && (isReleased || isEmpty(before));
      const shut = isGone || isLeft ? nothing : shutBy(machine, ports, row.baseline);
      const approvers = row.conditions.approval?.approvers ?? 0;
      said.set(id, [...(said.get(id) ?? []), { at, approvers, ports: away.has(id) ? [] : ports, shut }]);
    },
    untagged({ id }) {
      away.add(id);
    },
    since({ id }, from) {
      const all = said.get(id) ?? [];
      return all.filter((_, index) => (all[index + 1]?.at ?? Infinity) >= from);
    },
    changedAt: ({ id }) => latest(id)?.at ?? -Infinity,
    versions: ({ id }) => counted.get(id) ?? 0,
  };
}

/** The packets that a baseline keeps from these ports of a machine. */
function shutBy({ address }: Machine, ports: readonly number[], baseline: BaselineSource): PacketSet {
  if (baseline.kind === 'none') return nothing;
  const from = (source: string) =>
    ports
      .map((port) => packetsOf({ source, destination: `${address}/32`, port, protocol: '*' }))
      .reduce(union, nothing);
  if (baseline.kind === 'internet') return from('Internet');
  return baseline.except.reduce((left, source) => difference(left, from(source)), from('*'));
}

/** What everything that was said keeps out. */
export function alwaysShut(all: readonly Said[]): PacketSet {
  return all.map(({ shut }) => shut).reduce(intersection, all[0]?.shut ?? nothing);
}

export { nothing as noPackets };
